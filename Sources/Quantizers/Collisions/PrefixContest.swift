internal import TensorMath

/// The movable items of one prefix and the last codes they may have.
struct PrefixContest: Sendable {
  /// Ascending.
  let rows: [Int]

  /// The last code of each row as encoded.
  let ownCodes: [Int]

  /// Codes of the last level.
  let size: Int

  /// Codes that fixed items hold, ascending.
  let takenCodes: [Int]

  /// - Parameter members: all rows of the prefix, in the order of their last codes.
  init(_ members: ArraySlice<UInt32>, codes: CodeMatrix, fixed: FixedRows, size: Int) {
    var movable: [Int] = []
    var taken: [Int] = []
    for member in members {
      let row = Int(member)
      let code = Int(codes[row, codes.levels - 1])
      precondition(code < size, "row \(row) has last code \(code) of a codebook of \(size)")
      if !fixed.isFixed[row] {
        movable.append(row)
      } else if taken.last != code {
        taken.append(code)
      }
    }
    movable.sort()
    rows = movable
    ownCodes = movable.map { Int(codes[$0, codes.levels - 1]) }
    takenCodes = taken
    self.size = size
  }

  var freeCount: Int { size - takenCodes.count }

  /// Codes that no fixed item holds, ascending.
  var freeCodes: [Int] {
    var taken = takenCodes[...]
    return (0..<size).filter { code in
      guard taken.first == code else { return true }
      taken.removeFirst()
      return false
    }
  }

  func isTaken(_ code: Int) -> Bool {
    var low = 0
    var high = takenCodes.count
    while low < high {
      let middle = (low + high) / 2
      if takenCodes[middle] < code { low = middle + 1 } else { high = middle }
    }
    return low < takenCodes.count && takenCodes[low] == code
  }
}

/// What each item of a prefix pays for each last code, beyond what it pays for its own.
struct RelocationCosts: Sendable {
  private let squared: Matrix
  private let first: Int
  private let own: [Int]
  private let prices: [Float]
  private let squaredBudget: Float?

  /// - Parameter first: the row of `squared` where the prefix begins.
  init(_ squared: Matrix, from first: Int, own: [Int], prices: [Float], budget: Float?) {
    precondition(prices.count == squared.columns, "one price per centroid")
    self.squared = squared
    self.first = first
    self.own = own
    self.prices = prices
    squaredBudget = budget.map { $0 * $0 }
  }

  func squaredDistance(_ item: Int, _ code: Int) -> Float {
    squared.elements[(first + item) * squared.columns + code]
  }

  /// Squared distance and price of `code` less those of the item's own code; nil beyond the distance budget.
  func added(_ item: Int, _ code: Int) -> Float? {
    let cost = terms(item).added(squaredDistance(item, code), prices[code], isOwn: code == own[item])
    return cost.isFinite ? cost : nil
  }

  /// `added` for several codes, infinite beyond the budget.
  func added(_ item: Int, _ codes: [Int]) -> [Float] {
    let terms = terms(item)
    let distances = squared.elements.span.extracting(
      (first + item) * squared.columns..<(first + item + 1) * squared.columns)
    return codes.map { terms.added(distances[$0], prices[$0], isOwn: $0 == own[item]) }
  }

  /// The item's `count` cheapest codes within reach that are not taken, ties to the lower code.
  func cheapestCodes(_ item: Int, count: Int, in contest: PrefixContest) -> [Int] {
    let terms = terms(item)
    let distances = squared.elements.span.extracting(
      (first + item) * squared.columns..<(first + item + 1) * squared.columns)
    let prices = prices.span
    var best: [(cost: Float, code: Int)] = []
    best.reserveCapacity(count + 1)
    var worst = Float.infinity
    for code in 0..<distances.count {
      // Within bounds: there is a price for every column of the distances.
      let (distance, price) = unsafe (distances[unchecked: code], prices[unchecked: code])
      guard distance - terms.ownDistance + price - terms.ownPrice < worst || code == own[item] else { continue }
      let cost = terms.added(distance, price, isOwn: code == own[item])
      guard cost < worst, !contest.isTaken(code) else { continue }
      let position = best.firstIndex { cost < $0.cost } ?? best.count
      best.insert((cost, code), at: position)
      if best.count > count { best.removeLast() }
      if best.count == count { worst = best[count - 1].cost }
    }
    return best.map(\.code)
  }

  func move(_ item: Int, row: Int, to code: Int) -> CodeMove {
    CodeMove(
      row: row, from: UInt16(own[item]), to: UInt16(code),
      distanceBefore: squaredDistance(item, own[item]).squareRoot(),
      distanceAfter: squaredDistance(item, code).squareRoot())
  }

  private func terms(_ item: Int) -> ItemTerms {
    let ownDistance = squaredDistance(item, own[item])
    return ItemTerms(
      ownDistance: ownDistance, ownPrice: prices[own[item]],
      limit: squaredBudget.map { $0 * ownDistance } ?? .greatestFiniteMagnitude)
  }
}

/// What one item's costs have in common.
private struct ItemTerms {
  let ownDistance: Float
  let ownPrice: Float

  /// The greatest squared distance within the budget.
  let limit: Float

  /// Infinite where the distance exceeds the limit or is not finite.
  func added(_ distance: Float, _ price: Float, isOwn: Bool) -> Float {
    if isOwn { return 0 }
    let added = distance - ownDistance + price - ownPrice
    return distance <= limit && added.isFinite ? added : .infinity
  }
}
