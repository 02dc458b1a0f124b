internal import RealModule

/// "Code hits": what the items that a user liked share with a target in their codes (QARM, 2411.11739, whose
/// matched sub-histories these count).
enum CodeHits {
  static let nearestNumbers = 4

  /// For each number of levels l, log(1 + items of the history that share the target's first l codes).
  static func appendPrefixes(
    of target: UInt32, in history: some Collection<UInt32>, _ tokens: ItemTokens, to numbers: inout [Float]
  ) {
    var counts = [Int](repeating: 0, count: tokens.levels)
    if tokens.isPresent[Int(target)] {
      let codes = Int(target) * tokens.levels
      for item in history where tokens.isPresent[Int(item)] {
        let others = Int(item) * tokens.levels
        for level in 0..<tokens.levels {
          guard tokens.codes[codes + level] == tokens.codes[others + level] else { break }
          counts[level] += 1
        }
      }
    }
    for count in counts { numbers.append(Float.log(onePlus: Float(count))) }
  }

  /// Of the rows of the item set: log(1 + items that share the target's nearest row), log(1 + items that share any), and
  /// the mean and largest share of the target's rows that an item shares.
  static func appendNearest(
    of target: UInt32, in history: some Collection<UInt32>, _ items: RankerItems, _ codes: RankerItems.NearestCodes,
    to numbers: inout [Float]
  ) {
    var sameNearest = 0, sharing = 0, shared = 0, largest = 0, count = 0
    if codes.isPresent[Int(target)] {
      for item in history where codes.isPresent[Int(item)] {
        count += 1
        if codes.rows[Int(item) * codes.perItem] == codes.rows[Int(target) * codes.perItem] { sameNearest += 1 }
        let common = items.commonRows(target, item, codes.perItem)
        sharing += common > 0 ? 1 : 0
        shared += common
        largest = max(largest, common)
      }
    }
    numbers.append(Float.log(onePlus: Float(sameNearest)))
    numbers.append(Float.log(onePlus: Float(sharing)))
    numbers.append(Float(shared) / Float(max(1, count * codes.perItem)))
    numbers.append(Float(largest) / Float(codes.perItem))
  }
}

extension RankerItems {
  /// Rows of the item set that two items have in common.
  fileprivate func commonRows(_ first: UInt32, _ second: UInt32, _ perItem: Int) -> Int {
    var (left, right, common) = (Int(first) * perItem, Int(second) * perItem, 0)
    let (leftEnd, rightEnd) = (left + perItem, right + perItem)
    while left < leftEnd, right < rightEnd {
      let (a, b) = (sortedNearest[left], sortedNearest[right])
      common += a == b ? 1 : 0
      left += a <= b ? 1 : 0
      right += b <= a ? 1 : 0
    }
    return common
  }
}
