extension ResolutionState {
  /// Tells the items of each bucket apart. Fixed items keep their suffix; the others take the lowest free ones, an
  /// item that has the code by assignment before one that fell back to it, then the nearer, then the lower row.
  mutating func assignSuffixes(_ grouped: CodeBuckets, capacity: Int, fixed: FixedRows) throws(QuantizerError) {
    for bucket in 0..<grouped.count where grouped.size(bucket) > 1 {
      let rows = grouped.rows[grouped.range(bucket)].map { Int($0) }
      let open = rows.filter { !fixed.isFixed[$0] }
      guard !open.isEmpty else { continue }
      let held = rows.filter { fixed.isFixed[$0] }.map { Int(fixed.suffixes[$0]) }.sorted()
      var free = FreeSuffixes(held: held)
      for row in open.sorted(by: precedes) {
        let suffix = free.next()
        guard suffix < capacity else { throw exceeded(row, items: rows.count, capacity: capacity) }
        suffixes[row] = UInt16(suffix)
      }
    }
  }

  private func precedes(_ row: Int, _ other: Int) -> Bool {
    if fellBack[row] != fellBack[other] { return fellBack[other] }
    return distances[row] == distances[other] ? row < other : distances[row] < distances[other]
  }

  private func exceeded(_ row: Int, items: Int, capacity: Int) -> QuantizerError {
    let codes = codes.row(row).map(String.init).joined(separator: "-")
    return QuantizerError(
      .capacityExceeded,
      "\(items) items share the codes \(codes), more than the \(capacity) that suffixes can tell apart; "
        + "raise suffixCapacity, use more levels or larger codebooks, or choose another collision policy")
  }
}

/// Counts up from 0 past the suffixes that are taken.
private struct FreeSuffixes {
  private let held: [Int]
  private var position = 0
  private var candidate = 0

  /// - Parameter held: ascending; may repeat.
  init(held: [Int]) { self.held = held }

  mutating func next() -> Int {
    while position < held.count && held[position] <= candidate {
      if held[position] == candidate { candidate += 1 }
      position += 1
    }
    defer { candidate += 1 }
    return candidate
  }
}
