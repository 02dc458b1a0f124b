/// Parquet's hybrid of run-length and bit-packed integers, the form of dictionary indices.
/// Source: Apache Parquet, `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".
package enum RunLengthHybrid {
  /// Groups of eight in one bit-packed run: as many as a header of one byte can tell, which every reader takes.
  private static let mostGroups = 63
  /// A run shorter than one group of eight is not worth a run of its own.
  private static let shortestRun = 8

  /// Appends `values`, each below `1 << width`.
  package static func encode(_ values: ArraySlice<UInt16>, width: Int, into bytes: inout [UInt8]) {
    precondition((1...16).contains(width), "an index has 1 to 16 bits")
    var literals = values.startIndex
    var position = values.startIndex
    while position < values.endIndex {
      let value = values[position]
      var end = position + 1
      while end < values.endIndex && values[end] == value { end += 1 }
      guard end - position >= shortestRun else {
        position = end
        continue
      }
      // Bit-packed runs before the last hold whole groups of eight: the repeated value fills the group up first.
      let missing = (8 - (position - literals) % 8) % 8
      if end - position - missing < shortestRun {
        position = end
        continue
      }
      position += missing
      pack(values[literals..<position], width: width, into: &bytes)
      bytes.appendVariableLength(UInt64(end - position) << 1)
      bytes.append(UInt8(truncatingIfNeeded: value))
      if width > 8 { bytes.append(UInt8(value >> 8)) }
      position = end
      literals = end
    }
    pack(values[literals...], width: width, into: &bytes)
  }

  /// Appends `values` as bit-packed runs, the last filled up with zeros to a group of eight.
  private static func pack(_ values: ArraySlice<UInt16>, width: Int, into bytes: inout [UInt8]) {
    var start = values.startIndex
    while start < values.endIndex {
      let end = min(start + mostGroups * 8, values.endIndex)
      let groups = (end - start + 7) / 8
      bytes.append(UInt8(groups << 1 | 1))
      var accumulator: UInt64 = 0
      var bits = 0
      for position in start..<end {
        accumulator |= UInt64(values[position]) << UInt64(bits)
        bits += width
        while bits >= 8 {
          bytes.append(UInt8(truncatingIfNeeded: accumulator))
          accumulator >>= 8
          bits -= 8
        }
      }
      var remaining = groups * 8 * width - ((end - start) * width - bits)
      while remaining > 0 {
        bytes.append(UInt8(truncatingIfNeeded: accumulator))
        accumulator >>= 8
        remaining -= 8
      }
      start = end
    }
  }
}
