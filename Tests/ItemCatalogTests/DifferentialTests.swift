import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// The fast readers against slow ones that are right by inspection, on thousands of random inputs.
@Suite("Against slow references")
struct DifferentialTests {
  @Test func randomJSONRecordsMeanWhatTheyWereWrittenFor() throws {
    var records = RandomRecords(random: RandomSource(seed: 11))
    var text = ""
    var expected: [Item] = []
    for id in 0..<5000 {
      let (line, item) = records.record(id: id)
      text += line + "\n"
      expected.append(item)
    }
    let result = try catalog(text)
    #expect(result.rejected.isEmpty, "\(result.rejected.prefix(3))")
    try #require(result.items.count == expected.count)
    for (read, written) in zip(result.items, expected) {
      #expect(exactly(read, written), "\(read) where \(written) was written")
    }
  }

  /// String comparison in Swift is by canonical equivalence; files are held to their bytes.
  private func exactly(_ left: Item, _ right: Item) -> Bool {
    left == right && Array(left.title.utf8) == Array(right.title.utf8)
      && Array(left.text.utf8) == Array(right.text.utf8)
  }

  @Test func whatIsAcceptedFoundationReadsAlike() throws {
    var records = RandomRecords(random: RandomSource(seed: 12))
    var random = RandomSource(seed: 13)
    var bytes: [UInt8] = []
    var lines: [[UInt8]] = []
    for id in 0..<4000 {
      let line = damaged(Array(records.record(id: id).line.utf8), using: &random).filter { $0 != 0x0A }
      lines.append(line)
      bytes += line + [0x0A]
    }
    let result = try catalog(bytes)
    #expect(result.items.count > 200 && result.summary.rejected > 1000)
    let rejectedLines = Set(result.rejected.filter { $0.severity == "error" }.map(\.line))
    var items = result.items[...]
    for (index, line) in lines.enumerated() where !rejectedLines.contains(index + 1) {
      guard !line.allSatisfy({ $0 <= 0x20 }) else { continue }
      let next = items.popFirst()
      let item = try #require(next)
      let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
      let read = try #require(object, "line \(index + 1) is accepted, and Foundation sees no object in it")
      #expect(read["title"] as? String ?? "" == item.title)
      #expect(read["text"] as? String ?? "" == item.text)
      #expect((read["id"] as? String ?? (read["id"] as? NSNumber)?.stringValue) == item.id)
    }
    #expect(items.isEmpty)
  }

  @Test func numbersAreReadAsTheStandardLibraryDoes() throws {
    var records = RandomRecords(random: RandomSource(seed: 14))
    var text = ""
    var expected: [Double] = []
    while expected.count < 5000 {
      let number = records.number()
      guard number.value.isFinite else { continue }
      text += "{\"id\":\(expected.count),\"title\":\"t\",\"attributes\":{\"n\":\(number.text)}}\n"
      expected.append(number.value)
    }
    let items = try catalog(text).items
    try #require(items.count == expected.count)
    for (item, value) in zip(items, expected) {
      guard case .number(let read)? = item.attributes["n"] else {
        Issue.record("item \(item.id) has no number")
        continue
      }
      #expect(read.bitPattern == value.bitPattern)
    }
  }

  @Test(arguments: [",", "\t"] as [Character])
  func randomDelimitedFilesReadLikeTheReference(delimiter: Character) throws {
    var random = RandomSource(seed: 15)
    let pieces = ["a", "bc", "é", "\"\"", "\n", "\r\n", ",", "\t", " ", "x\"y", ""]
    for _ in 0..<30 {
      var text = ["id", "title", "text", "attributes.a"].joined(separator: String(delimiter)) + "\n"
      for row in 0..<40 {
        let cells = (0..<3).map { _ -> String in
          let content = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            pieces.randomElement(using: &random) ?? ""
          }.joined()
          let quoted = content.replacingOccurrences(of: "\"\"", with: "\"").replacingOccurrences(of: "\"", with: "\"\"")
          let needsQuotes = content.unicodeScalars.contains {
            $0 == "\n" || $0 == "\r" || $0 == "\"" || $0 == delimiter.unicodeScalars.first
          }
          return needsQuotes || Bool.random(using: &random) ? "\"\(quoted)\"" : content
        }
        text += (["r\(row)"] + cells).joined(separator: String(delimiter)) + ["\n", "\r\n", "\n\n"][row % 3]
      }
      let expected = referenceRows(text, delimiter: delimiter).dropFirst().filter { row in
        row[1...2].contains { $0.utf8.contains { $0 > 0x20 } }
      }
      let result = try catalog(text, name: delimiter == "," ? "items.csv" : "items.tsv")
      #expect(result.items.map(\.id) == expected.map { $0[0] })
      #expect(result.items.map(\.title) == expected.map { $0[1] })
      #expect(result.items.map(\.text) == expected.map { $0[2] })
      let attributes = expected.map { $0[3].isEmpty ? nil : AttributeValue.string($0[3]) }
      #expect(result.items.map { $0.attributes["a"] } == attributes)
      #expect(result.rejected.allSatisfy { $0.reason == "no_content" })
    }
  }

  /// Every sequence of two bytes, and random ones of three to five, as a title of their own.
  @Test func utf8IsJudgedAsTheStandardLibraryDoes() throws {
    var random = RandomSource(seed: 16)
    var sequences: [[UInt8]] = []
    for first in UInt8(0x80)...0xFF {
      for second in UInt8(0x80)...0xFF { sequences.append([first, second]) }
    }
    for _ in 0..<20_000 {
      let lead = UInt8.random(in: 0xC0...0xFF, using: &random)
      let rest = (0..<Int.random(in: 2...4, using: &random)).map { _ in
        UInt8.random(in: Bool.random(using: &random) ? 0x80...0xBF : 0x61...0xFF, using: &random)
      }
      sequences.append([lead] + rest)
    }
    var bytes: [UInt8] = []
    for (index, sequence) in sequences.enumerated() {
      bytes += Array("{\"id\":\(index),\"title\":\"t".utf8) + sequence + Array("\"}\n".utf8)
    }
    let result = try catalog(bytes)
    let accepted = Set(result.items.map(\.id))
    for (index, sequence) in sequences.enumerated() {
      let isValid = String(validating: sequence, as: UTF8.self) != nil
      #expect(accepted.contains(String(index)) == isValid, "\(sequence)")
    }
    #expect(result.rejected.allSatisfy { $0.reason == "invalid_utf8" } && accepted.count > 2000)
  }

  /// The safety of a path is judged by the kernel's own resolution: what opens outside must never be accepted.
  @Test func noRandomPathLeadsOutOfTheRoot() throws {
    var random = RandomSource(seed: 17)
    try withCatalogFixture { fixture in
      try fixture.writeImage("in", to: "root/a.png")
      try fixture.writeImage("in", to: "root/sub/a.png")
      try fixture.writeImage("out", to: "a.png")
      try fixture.writeImage("out", to: "other/a.png")
      for (name, target) in [
        ("up", ".."), ("across", "../other"), ("inner", "sub"), ("loop", "loop"), ("sub/back", ".."),
        ("sub/out", "../.."),
      ] {
        try FileManager.default.createSymbolicLink(
          atPath: fixture.folder + "/root/" + name, withDestinationPath: target)
      }
      let parts = ["..", ".", "", "sub", "up", "across", "inner", "loop", "back", "out", "other", "root"]
      var lines = ""
      for id in 0..<3000 {
        let folders = (0..<Int.random(in: 0...4, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
        lines += "{\"id\":\(id),\"title\":\"t\",\"image\":\"\((folders + ["a.png"]).joined(separator: "/"))\"}\n"
      }
      _ = try fixture.write(lines, to: "root/items.jsonl")
      let summary = try fixture.build("root/items.jsonl")
      let root = URL(fileURLWithPath: fixture.folder + "/root").resolvingSymlinksInPath().path
      var found = 0
      for item in try fixture.items() {
        guard let path = item.imagePath else { continue }
        found += 1
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        #expect(resolved.hasPrefix(root + "/"), "\(item.image ?? "") leads to \(resolved)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).suffix(2) == Data("in".utf8))
      }
      #expect(found > 100 && summary.rejected > 500)
    }
  }

  @Test func rejectedLinesAreJSONWhateverIsInThem() throws {
    var random = RandomSource(seed: 18)
    var bytes: [UInt8] = []
    for _ in 0..<2000 {
      bytes += Array("{\"id\":\"".utf8)
      bytes += (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        .filter { $0 != 0x0A }
      bytes += Array("\"\n".utf8)
    }
    // Decoding is the test: the helper parses every line.
    let result = try catalog(bytes)
    #expect(result.summary.rejected >= 1900 && result.rejected.count == result.summary.rejected)
    #expect(result.rejected.allSatisfy { $0.found.utf8.count < 1200 && !$0.expected.isEmpty })
    #expect(result.rejected.map(\.line) == result.rejected.map(\.line).sorted())
  }
}
