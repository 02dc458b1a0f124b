internal import Glibc

/// The orders in which rows are appended: by id for `items/`, by codes and suffix, then id, for `codes/`.
enum RowOrder {
  /// Rows in the byte order of their ids. O(rows) where they are in order already; else a radix sort on the eight bytes
  /// after what all ids share, and comparisons where those are equal too.
  static func byIdentifier(_ ids: IdentifierColumn) -> [UInt32] {
    let rows = ids.count
    guard rows > 1 else { return Array(0..<UInt32(rows)) }
    return unsafe ids.bytes.withUnsafeBufferPointer { bytes in
      unsafe ids.ends.withUnsafeBufferPointer { ends in
        let arena = unsafe IdentifierArena(bytes: bytes, ends: ends)
        if unsafe arena.isAscending { return Array(0..<UInt32(rows)) }
        return unsafe arena.sortedRows()
      }
    }
  }

  /// `byIdentifier` reordered by codes and suffix. A stable counting sort per column, last column first, leaves rows of
  /// one bucket in the byte order of their ids. O(rows × levels).
  static func byCodes(_ items: ItemColumns, startingWith order: [UInt32]) -> [UInt32] {
    var rows = order
    var scratch = [UInt32](repeating: 0, count: rows.count)
    let levels = items.levels
    unsafe items.suffixes.withUnsafeBufferPointer { column in
      unsafe countingSort(&rows, &scratch, column, stride: 1, offset: 0)
    }
    unsafe items.codes.withUnsafeBufferPointer { column in
      for level in (0..<levels).reversed() {
        unsafe countingSort(&rows, &scratch, column, stride: levels, offset: level)
      }
    }
    return rows
  }

  /// The first two rows, in id order, that have one id; nil where all differ.
  static func duplicate(in ids: IdentifierColumn, order: [UInt32]) -> (UInt32, UInt32)? {
    guard order.count > 1 else { return nil }
    return unsafe ids.bytes.withUnsafeBufferPointer { bytes in
      unsafe ids.ends.withUnsafeBufferPointer { ends in
        let arena = unsafe IdentifierArena(bytes: bytes, ends: ends)
        for position in 1..<order.count
        where unsafe arena.compare(Int(order[position - 1]), Int(order[position]), from: 0) == 0 {
          return (order[position - 1], order[position])
        }
        return nil
      }
    }
  }

  private static func countingSort(
    _ rows: inout [UInt32], _ scratch: inout [UInt32], _ column: UnsafeBufferPointer<UInt16>, stride: Int, offset: Int
  ) {
    var largest: UInt16 = 0
    for row in rows.indices { unsafe largest = max(largest, column[row * stride + offset]) }
    guard largest > 0 else { return }
    var starts = [UInt32](repeating: 0, count: Int(largest) + 2)
    for row in rows.indices { unsafe starts[Int(column[row * stride + offset]) + 1] += 1 }
    for digit in 1..<starts.count { starts[digit] += starts[digit - 1] }
    for row in rows {
      let digit = unsafe Int(column[Int(row) * stride + offset])
      scratch[Int(starts[digit])] = row
      starts[digit] += 1
    }
    swap(&rows, &scratch)
  }
}

/// An id column's bytes during a sort.
@unsafe private struct IdentifierArena {
  let bytes: UnsafeBufferPointer<UInt8>
  let ends: UnsafeBufferPointer<Int>

  private func start(_ row: Int) -> Int { unsafe row == 0 ? 0 : ends[row - 1] }

  /// Byte order of two ids that agree on their first `skipped` bytes: negative, zero or positive.
  func compare(_ left: Int, _ right: Int, from skipped: Int) -> Int {
    let (leftStart, rightStart) = unsafe (start(left), start(right))
    let (leftCount, rightCount) = unsafe (ends[left] - leftStart, ends[right] - rightStart)
    let common = min(leftCount, rightCount) - skipped
    if common > 0, let base = unsafe bytes.baseAddress {
      let order = unsafe memcmp(base + leftStart + skipped, base + rightStart + skipped, common)
      if order != 0 { return Int(order) }
    }
    return leftCount - rightCount
  }

  var isAscending: Bool {
    for row in unsafe 1..<ends.count where unsafe compare(row - 1, row, from: 0) >= 0 { return false }
    return true
  }

  /// Leading bytes that all ids share.
  private var commonPrefix: Int {
    var length = unsafe ends[0]
    for row in unsafe 1..<ends.count {
      let begin = unsafe start(row)
      length = unsafe min(length, ends[row] - begin)
      var index = 0
      while index < length, unsafe bytes[begin + index] == bytes[index] { index += 1 }
      length = index
      if length == 0 { break }
    }
    return length
  }

  /// The eight bytes after the shared prefix as a number in byte order, zeros where the id ends.
  private func prefixKey(_ row: Int, skipping skipped: Int) -> UInt64 {
    let begin = unsafe start(row) + skipped
    let available = unsafe min(8, ends[row] - begin)
    var key: UInt64 = 0
    for index in 0..<available { unsafe key |= UInt64(bytes[begin + index]) << UInt64(56 - 8 * index) }
    return key
  }

  func sortedRows() -> [UInt32] {
    let skipped = unsafe commonPrefix
    var entries = unsafe (0..<ends.count).map { row in
      unsafe SortEntry(key: prefixKey(row, skipping: skipped), row: UInt32(row))
    }
    radixSort(&entries)
    unsafe sortTies(&entries, skipped)
    return entries.map(\.row)
  }

  /// Orders runs of equal keys by all bytes; the keys' zeros may stand for an end or for a zero byte.
  private func sortTies(_ entries: inout [SortEntry], _ skipped: Int) {
    var start = 0
    while start < entries.count {
      var end = start + 1
      while end < entries.count, entries[end].key == entries[start].key { end += 1 }
      if end - start > 1 {
        entries[start..<end].sort { left, right in
          let order = unsafe compare(Int(left.row), Int(right.row), from: skipped)
          return order != 0 ? order < 0 : left.row < right.row
        }
      }
      start = end
    }
  }
}

private struct SortEntry {
  var key: UInt64
  var row: UInt32
}

/// Stable, least significant byte first; bytes that all keys share are skipped.
private func radixSort(_ entries: inout [SortEntry]) {
  var scratch = entries
  for shift in stride(from: UInt64(0), to: 64, by: 8) {
    var starts = [Int](repeating: 0, count: 257)
    for entry in entries { starts[Int(entry.key >> shift & 0xFF) + 1] += 1 }
    if starts.contains(entries.count) { continue }
    for digit in 1...256 { starts[digit] += starts[digit - 1] }
    for entry in entries {
      let digit = Int(entry.key >> shift & 0xFF)
      scratch[starts[digit]] = entry
      starts[digit] += 1
    }
    swap(&entries, &scratch)
  }
}
