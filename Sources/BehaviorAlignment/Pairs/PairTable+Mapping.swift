extension PairTable {
  /// The same pairs under other item numbers; pairs of an item that has none are left out.
  /// - Parameter rows: each item's new number, different ones for different items, or -1.
  /// - Complexity: O(n log n).
  public func mapping(_ rows: [Int32], itemCount newCount: Int) -> PairTable {
    precondition(rows.count == itemCount, "\(rows.count) new numbers for \(itemCount) items")
    let kept = (0..<count).lazy.filter { rows[Int(self.triggers[$0])] >= 0 && rows[Int(self.targets[$0])] >= 0 }
    return PairTable(
      itemCount: newCount,
      kept.map { row in
        var pair = self[row]
        pair.trigger = UInt32(rows[Int(pair.trigger)])
        pair.target = UInt32(rows[Int(pair.target)])
        return pair
      })
  }
}

extension HeldOutPairs {
  /// The same pairs under other item numbers; pairs of an item that has none are left out.
  /// - Parameter rows: each item's new number, or -1.
  public func mapping(_ rows: [Int32]) -> HeldOutPairs {
    var result = HeldOutPairs()
    for index in 0..<count {
      let trigger = rows[Int(triggers[index])], target = rows[Int(targets[index])]
      if trigger >= 0, target >= 0 { result.append(UInt32(trigger), UInt32(target), place: Int(places[index])) }
    }
    return result
  }
}
