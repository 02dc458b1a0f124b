import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

/// The bytes of the text formats against lines that are put together the slow way.
@Suite struct TextFormatTests {
  private func lines(_ format: TableFormat, _ rows: [SemanticIDRow], levels: Int) throws -> [[UInt8]] {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      let writer = try format.makeWriter(path: path, description: description(levels: levels, size: 256))
      for row in rows { try writer.append(row) }
      try writer.finish()
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(bytes.last == 0x0A)
      return bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    }
  }

  /// Rows at the edges of every number's range, and random ones between.
  private func rows(_ count: Int, levels: Int) -> [SemanticIDRow] {
    var random = RandomSource(seed: 81)
    let edges: [UInt64] = [0, 9, 10, 11, 99, 100, 101, 999, 1_000, 9_999, 10_000, 65_535]
    func code() -> UInt16 {
      Bool.random(using: &random)
        ? UInt16(edges.randomElement(using: &random)!) : UInt16.random(in: 0...(.max), using: &random)
    }
    let generations: [UInt64] = [
      0, 9, 10, 18_446_744_073_709_551_615, 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, 1 << 63,
    ]
    return (0..<count).map { index in
      SemanticIDRow(
        id: "item \(index)", codes: (0..<levels).map { _ in code() }, suffix: code(),
        flags: UInt8.random(in: 0...255, using: &random),
        distance: Float(bitPattern: UInt32(truncatingIfNeeded: random.next())),
        generation: index < generations.count ? generations[index] : random.next() >> UInt64(index % 64))
    }
  }

  private func slowDistance(_ distance: Float, nan: String, infinite: (String, String)) -> String {
    if distance.isNaN { return nan }
    if distance.isInfinite { return distance < 0 ? infinite.1 : infinite.0 }
    return "\(distance)"
  }

  @Test(arguments: [1, 3, 20]) func everyCSVLineIsTheOneThatStringsGive(levels: Int) throws {
    let rows = rows(600, levels: levels)
    let written = try lines(.csv, rows, levels: levels)
    #expect(written.count == rows.count + 1)
    for (line, row) in zip(written.dropFirst(), rows) {
      let fields =
        [row.id] + row.codes.map { "\($0)" }
        + [
          text(of: row), "\(row.suffix)", "\(row.flags)",
          slowDistance(row.distance, nan: "NaN", infinite: ("inf", "-inf")), "\(row.generation)",
        ]
      #expect(String(decoding: line, as: UTF8.self) == fields.joined(separator: ","))
    }
  }

  @Test(arguments: [1, 3, 20]) func everyJSONLineIsTheOneThatStringsGive(levels: Int) throws {
    let rows = rows(600, levels: levels)
    let written = try lines(.jsonl, rows, levels: levels)
    #expect(written.count == rows.count)
    for (line, row) in zip(written, rows) {
      let members =
        ["\"id\":\"\(row.id)\""] + row.codes.enumerated().map { "\"code_\($0.offset)\":\($0.element)" }
        + [
          "\"semantic_id\":\"\(text(of: row))\"", "\"suffix\":\(row.suffix)", "\"flags\":\(row.flags)",
          "\"distance\":\(slowDistance(row.distance, nan: "null", infinite: ("null", "null")))",
          "\"generation\":\(row.generation)",
        ]
      #expect(String(decoding: line, as: UTF8.self) == "{" + members.joined(separator: ",") + "}")
    }
  }

  /// RFC 8259, section 7: the two that must be escaped, the short forms that are used here, and all other controls.
  @Test func everyControlCharacterHasItsEscape() throws {
    for byte in UInt8(0)..<0x20 {
      let row = SemanticIDRow(
        id: "a" + String(UnicodeScalar(byte)) + "b", codes: [0], distance: 0, generation: 1)
      let short: [UInt8: String] = [9: "\\t", 10: "\\n", 13: "\\r"]
      let digits = String(byte, radix: 16)
      let escape = short[byte] ?? "\\u00" + (digits.count == 1 ? "0" : "") + digits
      let line = try #require(try lines(.jsonl, [row], levels: 1).first)
      #expect(String(decoding: line, as: UTF8.self).hasPrefix("{\"id\":\"a\(escape)b\",\"code_0\""))
    }
    let row = SemanticIDRow(id: "\"\\/\u{7F}\u{2028}é🙂", codes: [0], distance: 0, generation: 1)
    let line = try #require(try lines(.jsonl, [row], levels: 1).first)
    #expect(String(decoding: line, as: UTF8.self).hasPrefix("{\"id\":\"\\\"\\\\/\u{7F}\u{2028}é🙂\",\"code_0\""))
  }

  /// Output is buffered by the mebibyte; ids of every length make rows end before, at and after the buffer's end.
  @Test(arguments: [TableFormat.csv, .jsonl]) func rowsAcrossTheBufferAreWhole(format: TableFormat) throws {
    var random = RandomSource(seed: 82)
    let rows = (0..<180).map { index in
      let length = index == 7 ? 65_535 : Int.random(in: 1...40_000, using: &random)
      return SemanticIDRow(
        id: String(repeating: Character(UnicodeScalar(UInt8(97 + index % 26))), count: length),
        codes: [UInt16(index)], distance: Float(index), generation: 1)
    }
    let written = try lines(format, rows, levels: 1)
    #expect(written.count == rows.count + (format == .csv ? 1 : 0))
    for (line, row) in zip(written.suffix(rows.count), rows) {
      #expect(line.count { $0 == row.id.utf8.first } >= row.id.utf8.count)
      let tail = format == .csv ? ",0,\(row.distance),1" : "\"distance\":\(row.distance),\"generation\":1}"
      #expect(line.suffix(tail.utf8.count).elementsEqual(tail.utf8))
    }
  }
}
