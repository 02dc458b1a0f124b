/// Rows grouped by their codes: buckets in the lexicographic order of the codes, rows ascending within a bucket.
///
/// Codes are packed into 64-bit keys and radix-sorted, so a million rows of four levels take tens of milliseconds;
/// where the levels do not fit in 64 bits, the levels so far are replaced by their rank and packing goes on.
package struct CodeBuckets: Sendable {
  /// All rows, bucket after bucket.
  package let rows: ContiguousArray<UInt32>

  /// Where each bucket begins in `rows`, and the number of rows at the end.
  package let starts: ContiguousArray<UInt32>

  /// Groups by the first `levels` codes, by all of them where nil. With none, all rows share one bucket.
  ///
  /// - Complexity: O(rows × levels), memory for two keys and two indices per row.
  package init(_ codes: CodeMatrix, levels: Int? = nil) {
    precondition(codes.count <= Int(UInt32.max), "\(codes.count) rows exceed 32-bit row numbers")
    let levels = levels ?? codes.levels
    precondition(levels <= codes.levels, "\(levels) levels of \(codes.levels)")
    var sorter = KeySorter(count: codes.count)
    let widths = CodeBuckets.bitWidths(codes, levels: levels)
    for level in 0..<levels {
      if sorter.bits + widths[level] > 64 { sorter.replaceKeysByRanks() }
      sorter.append(codes, level: level, bits: widths[level])
    }
    sorter.sort()
    starts = sorter.bucketStarts()
    rows = sorter.rows
  }

  /// The number of buckets.
  package var count: Int { starts.count - 1 }

  /// The positions in `rows` of one bucket.
  package func range(_ bucket: Int) -> Range<Int> { Int(starts[bucket])..<Int(starts[bucket + 1]) }

  /// The number of rows of one bucket.
  package func size(_ bucket: Int) -> Int { Int(starts[bucket + 1]) - Int(starts[bucket]) }

  /// Bits that hold the largest code of each level.
  private static func bitWidths(_ codes: CodeMatrix, levels: Int) -> [Int] {
    var largest = [UInt16](repeating: 0, count: levels)
    let elements = codes.elements.span
    for row in 0..<codes.count {
      for level in 0..<levels { largest[level] |= elements[row * codes.levels + level] }
    }
    return largest.map { 16 - $0.leadingZeroBitCount }
  }
}

/// Keys and their rows on the way to sorted order.
private struct KeySorter {
  private var keys: ContiguousArray<UInt64>
  private(set) var rows: ContiguousArray<UInt32>
  private(set) var bits = 0

  init(count: Int) {
    keys = ContiguousArray(repeating: 0, count: count)
    rows = ContiguousArray(0..<UInt32(count))
  }

  /// Appends one level's codes below the bits so far. `rows` may be in any order.
  mutating func append(_ codes: CodeMatrix, level: Int, bits width: Int) {
    let elements = codes.elements.span
    for position in keys.indices {
      keys[position] = keys[position] << UInt64(width) | UInt64(elements[Int(rows[position]) * codes.levels + level])
    }
    bits += width
  }

  /// Replaces keys by their dense rank, which keeps their order in fewer bits.
  mutating func replaceKeysByRanks() {
    sort()
    var rank: UInt64 = 0
    var previous = keys.first ?? 0
    for position in keys.indices {
      if keys[position] != previous { (previous, rank) = (keys[position], rank + 1) }
      keys[position] = rank
    }
    bits = 64 - rank.leadingZeroBitCount
  }

  /// Sorts by key, then row: least significant digit first, stable, so rows must be ascending among equal keys
  /// already, which they are from the start and stay.
  mutating func sort() {
    let digitBits = 11
    var otherKeys = keys
    var otherRows = rows
    for shift in stride(from: 0, to: bits, by: digitBits) {
      var offsets = [Int](repeating: 0, count: 1 << digitBits)
      for key in keys { offsets[digit(key, shift)] += 1 }
      var next = 0
      for value in offsets.indices { (offsets[value], next) = (next, next + offsets[value]) }
      for position in keys.indices {
        let value = digit(keys[position], shift)
        otherKeys[offsets[value]] = keys[position]
        otherRows[offsets[value]] = rows[position]
        offsets[value] += 1
      }
      swap(&keys, &otherKeys)
      swap(&rows, &otherRows)
    }
  }

  private func digit(_ key: UInt64, _ shift: Int) -> Int { Int(truncatingIfNeeded: key >> UInt64(shift)) & 0x7FF }

  func bucketStarts() -> ContiguousArray<UInt32> {
    guard !keys.isEmpty else { return [0] }
    var starts: ContiguousArray<UInt32> = [0]
    for position in keys.indices.dropFirst() where keys[position] != keys[position - 1] {
      starts.append(UInt32(position))
    }
    starts.append(UInt32(keys.count))
    return starts
  }
}
