import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// Records at the edges of limits, chunks (128 KiB) and batches (4 MiB), and the line numbers behind them.
@Suite("Records at the edges")
struct RecordBoundaryTests {
  @Test(arguments: [60, 200, 5_000]) func aRecordOfExactlyTheLimitIsRead(bytes: Int) throws {
    func line(_ id: Int, _ bytes: Int) -> String {
      let start = "{\"id\":\"\(id)\",\"title\":\"t\",\"x\":\""
      return start + String(repeating: "x", count: bytes - start.utf8.count - 2) + "\"}"
    }
    var limits = CatalogLimits()
    limits.recordBytes = bytes
    let text = [line(1, bytes), line(2, bytes + 1), line(3, bytes - 1), line(4, bytes + 200), line(5, bytes)]
    let result = try catalog(text.joined(separator: "\n"), limits: limits)
    #expect(result.items.map(\.id) == ["1", "3", "5"])
    #expect(result.rejected.map(\.line) == [2, 4])
    #expect(result.rejected.map(\.found) == [bytes + 1, bytes + 200].map { "a record of \($0) bytes" })
    #expect(result.rejected.allSatisfy { $0.expected == "at most \(bytes) bytes" && $0.field.isEmpty })
  }

  @Test(arguments: ["\n", ""]) func aLineOfManyBatchesCostsItselfAlone(ending: String) throws {
    var limits = CatalogLimits()
    limits.recordBytes = 1_000
    let long = "{\"id\":\"2\",\"title\":\"" + String(repeating: "é", count: 5_000_000)
    let text =
      "{\"id\":\"1\",\"title\":\"a\"}\n" + long + "\n{\"id\":\"3\",\"title\":\"b\"}\n[]\n\n" + long
      + "\n{\"id\":\"4\",\"title\":\"c\"}"
      + "\n{]" + ending
    let result = try catalog(text, limits: limits)
    #expect(result.items.map(\.id) == ["1", "3", "4"])
    #expect(result.rejected.map(\.line) == [2, 4, 6, 8])
    #expect(result.rejected.map(\.reason) == ["too_long", "invalid_json", "too_long", "invalid_json"])
    #expect(result.rejected[0].found == "a record of more than 1000 bytes")
  }

  @Test func aFileThatEndsInALineThatIsTooLongIsReadToItsEnd() throws {
    var limits = CatalogLimits()
    limits.recordBytes = 1_000
    for length in [1_001, 5_000_000, 9_000_000] {
      let text = "{\"id\":\"1\",\"title\":\"a\"}\n{\"id\":\"2\",\"title\":\"" + String(repeating: "x", count: length)
      let result = try catalog(text, limits: limits)
      #expect(result.items.map(\.id) == ["1"] && result.rejected.map(\.line) == [2])
      #expect(result.rejected.map(\.reason) == ["too_long"] && result.summary.rejected == 1)
    }
  }

  /// Quoted fields with line breaks all over a file of several batches; every line number is counted by hand.
  @Test(arguments: [1, 3]) func linesAreCountedThroughQuotesChunksAndBatches(threads: Int) throws {
    var random = RandomSource(seed: 31)
    var text = "id,title,text\n"
    var line = 2
    var ids: [String] = []
    var bad: [Int] = []
    for row in 0..<40_000 {
      let words = String(repeating: "word ", count: Int.random(in: 0...60, using: &random))
      switch row % 500 {
      case 77:
        text += "too,few\n"
        bad.append(line)
        line += 1
      case 78:
        text += "r0,again,\n"
        bad.append(line)
        line += 1
      case 79:
        text += "\n\r\n"
        line += 2
      default:
        let breaks = Int.random(in: 0...2, using: &random)
        text += "r\(row),\"\(words)\"\"\(String(repeating: "\n", count: breaks))\",x\r\n"
        ids.append("r\(row)")
        line += 1 + breaks
      }
    }
    try withThreads(threads) {
      let result = try catalog(text, name: "items.csv")
      #expect(result.items.map(\.id) == ids)
      #expect(result.rejected.map(\.line) == bad)
      #expect(Set(result.rejected.map(\.reason)) == ["invalid_row", "duplicate_id"])
      #expect(result.summary.bytes == text.utf8.count - "id,title,text\n".utf8.count)
    }
  }

  @Test func filesOfNextToNothing() throws {
    let record = "{\"id\":\"1\",\"title\":\"a\"}"
    for (text, items) in [
      ("\u{FEFF}", 0), ("\n", 0), (" \n\t\n\r\n", 0), (record, 1), ("\n\n" + record, 1), ("\u{FEFF}" + record, 1),
      (record + "\r", 1), (record + "\r\n\r\n", 1),
    ] {
      let result = try catalog(text)
      #expect(result.items.count == items && result.rejected.isEmpty, "\(text.debugDescription)")
    }
    for text in ["id,title", "id,title\n", "\u{FEFF}id,title\r\n", "id,title\n\n\n", "\"id\",\"title\"\n\r\n"] {
      let result = try catalog(text, name: "items.csv")
      #expect(result.items.isEmpty && result.rejected.isEmpty, "\(text.debugDescription)")
    }
    #expect(try catalog("id,title\n1,a", name: "items.csv").items.map(\.title) == ["a"])
    #expect(try catalog("id,title\n1,\"a\"", name: "items.csv").items.map(\.title) == ["a"])
    // A second byte order mark is text like any other.
    #expect(
      try catalog("id,title\n1,\u{FEFF}a\n", name: "items.csv").items.map { $0.title.unicodeScalars.count } == [2])
  }

  /// Strings whose special bytes stand at every place of the eight-byte steps.
  @Test func everyPlaceOfASpecialByteIsSeen() throws {
    var lines = ""
    var expected: [String] = []
    for special in ["\\\"", "\\\\", "é", "\\n", "\u{7F}", "🙂"] {
      for before in 0..<20 {
        for after in 0..<9 {
          let (head, tail) = (String(repeating: "h", count: before), String(repeating: "t", count: after))
          lines += "{\"id\":\(expected.count),\"title\":\"t\",\"text\":\"\(head)\(special)\(tail)\"}\n"
          let meaning = ["\\\"": "\"", "\\\\": "\\", "\\n": "\n"][special] ?? special
          expected.append(head + meaning + tail)
        }
      }
    }
    let result = try catalog(lines)
    #expect(result.rejected.isEmpty)
    #expect(result.items.map(\.text) == expected)
  }

  @Test func controlCharactersAreSeenAtEveryPlaceOfAnId() throws {
    var lines = ""
    for code in [0x00, 0x1F, 0x7F, 0x80, 0x9F] {
      for before in 0..<10 {
        let digits = String(code, radix: 16)
        let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        lines += "{\"id\":\"\(String(repeating: "a", count: before))\(escape)\",\"title\":\"t\"}\n"
      }
    }
    // U+00A0 is the first behind C1, and no control.
    lines += "{\"id\":\"\\u00a0\",\"title\":\"t\"}\n{\"id\":\"~\\u00ff\",\"title\":\"t\"}\n"
    let result = try catalog(lines)
    #expect(result.rejected.count == 50 && result.rejected.allSatisfy { $0.reason == "control_character" })
    #expect(result.items.map(\.id) == ["\u{A0}", "~ÿ"])
  }
}
