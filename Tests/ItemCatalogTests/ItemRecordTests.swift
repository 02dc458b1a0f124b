import Foundation
import ItemCatalog
import Testing

@Suite("Item records in JSON Lines")
struct ItemRecordTests {
  @Test func everyFieldIsRead() throws {
    let line = """
      {"id": "a-1", "title": "Lamp", "text": "A lamp.", "image": null, "updated_at": "2024-05-01", "asin": [1, {"x": []}],
       "attributes": {"brand": "Acme", "price": -12.5e1, "watts": 40, "new": true, "old": false, "gone": null}}
      """.replacingOccurrences(of: "\n", with: " ")
    let result = try catalog(line)
    #expect(result.rejected.isEmpty)
    #expect(
      result.items == [
        Item(
          id: "a-1", title: "Lamp", text: "A lamp.",
          attributes: [
            "brand": .string("Acme"), "price": .number(-125), "watts": .number(40), "new": .boolean(true),
            "old": .boolean(false),
          ], updatedAt: "2024-05-01")
      ])
  }

  @Test(arguments: [
    (#""plain""#, "plain"), (#""""#, ""), (#""a\"b\\c\/d\b\f\n\r\t""#, "a\"b\\c/d\u{8}\u{c}\n\r\t"),
    (#""\u00e9\u20AC""#, "é€"), (#""\ud83d\ude00 and more text after it""#, "😀 and more text after it"),
    (#""naïve — 日本語 😀""#, "naïve — 日本語 😀"), (#""before\u0041after\\""#, "beforeAafter\\"),
    (#""\u0000""#, "\0"),
    (
      #""a long enough run of plain bytes to take eight at a time, é, and on""#,
      "a long enough run of plain bytes to take eight at a time, é, and on"
    ),
  ])
  func stringsKeepTheirMeaning(json: String, text: String) throws {
    let result = try catalog("{\"id\":\"1\",\"title\":\"t\",\"text\":\(json)}")
    #expect(result.items.map(\.text) == [text])
    #expect(result.rejected.isEmpty)
  }

  @Test(arguments: [
    ("0", 0), ("-0", -0.0), ("12", 12), ("123456789012345678", 123_456_789_012_345_680), ("0.1", 0.1), ("1e3", 1000),
    ("1.5E-7", 1.5e-7), ("3.141592653589793238", 3.141592653589793), ("1e+2", 100),
    ("99999999999999.9", 99999999999999.9),
    ("5e-324", .leastNonzeroMagnitude), ("0.000001", 0.000001),
  ])
  func numbersAreExact(json: String, value: Double) throws {
    let result = try catalog("{\"id\":\"1\",\"title\":\"t\",\"attributes\":{\"n\":\(json)}}")
    #expect(result.items.first?.attributes["n"] == .number(value))
  }

  @Test(arguments: [
    ("7", "7"), ("-5", "-5"), ("0", "0"), ("123456789012345678901234567890", "123456789012345678901234567890"),
  ])
  func anIntegerIdIsItsDigits(json: String, id: String) throws {
    #expect(try catalog("{\"id\":\(json),\"title\":\"t\"}").items.map(\.id) == [id])
  }

  /// Each line is wrong in one way: field, reason, and a part of what is reported as found and expected.
  @Test(arguments: [
    (#"{"title":"t"}"#, "id", "missing", "no id"),
    (#"{"id":null,"title":"t"}"#, "id", "missing", "no id"),
    (#"{"id":"","title":"t"}"#, "id", "empty", "empty id"),
    (#"{"id":"a\nb","title":"t"}"#, "id", "control_character", #"a\u{a}b"#),
    (#"{"id":"a\u007fb","title":"t"}"#, "id", "control_character", "a"),
    (#"{"id":"a\u0085b","title":"t"}"#, "id", "control_character", "a"),
    (#"{"id":1.5,"title":"t"}"#, "id", "wrong_type", "1.5"),
    (#"{"id":["a"],"title":"t"}"#, "id", "wrong_type", "an array"),
    (#"{"id":true,"title":"t"}"#, "id", "wrong_type", "a boolean"),
    (#"{"id":"1","title":5}"#, "title", "wrong_type", "a number"),
    (#"{"id":"1","text":{}}"#, "text", "wrong_type", "an object"),
    (#"{"id":"1","title":"t","image":false}"#, "image", "wrong_type", "a boolean"),
    (#"{"id":"1","title":"t","attributes":[]}"#, "attributes", "wrong_type", "an array"),
    (#"{"id":"1","title":"t","attributes":{"a":[1]}}"#, "attributes.a", "wrong_type", "an array"),
    (#"{"id":"1","title":"t","attributes":{"a":{"b":1}}}"#, "attributes.a", "wrong_type", "an object"),
    (#"{"id":"1","title":"t","attributes":{"a":1e999}}"#, "attributes.a", "invalid_number", "1e999"),
    (#"{"id":"1","title":"t","attributes":{"a":1,"b":2,"a":3}}"#, "attributes.a", "duplicate_key", "twice"),
    (#"{"id":"1","title":"t","attributes":{"":1}}"#, "attributes", "empty", "the name"),
    (#"{"id":"1","id":"2","title":"t"}"#, "id", "duplicate_key", "twice"),
    (#"{"id":"1","title":"t","t\u0069tle":"u"}"#, "title", "duplicate_key", "twice"),
    (#"{"id":"1"}"#, "text", "no_content", "neither title nor text"),
    (#"{"id":"1","title":" \t","text":"\n"}"#, "text", "no_content", "neither title nor text"),
    (#"[1]"#, "", "invalid_json", "[1]"),
    (#"{"id":"1""#, "", "invalid_json", "end"),
    (#"{"id":"1","title":"t"} x"#, "", "invalid_json", "x at byte 24"),
    (#"{"id":"1","title":"t",}"#, "", "invalid_json", "}"),
    (#"{"id" "1"}"#, "", "invalid_json", "\"1\""),
    (#"{id:1}"#, "", "invalid_json", "id:1"),
    (#"{"id":"1","title":"t""text":"u"}"#, "", "invalid_json", "text"),
    (#"{"id":"1","title":"\x"}"#, "", "invalid_json", #"\x"#),
    (#"{"id":"1","title":"\u12g4"}"#, "", "invalid_json", "g4"),
    (#"{"id":"1","title":"\ud800"}"#, "", "invalid_json", "\""),
    (#"{"id":"1","title":"\ud800\u0041"}"#, "", "invalid_json", #"\u0041"#),
    (#"{"id":"1","title":"\udc00"}"#, "", "invalid_json", #"\udc00"#),
    (#"{"id":"1","title":"t","x":01}"#, "", "invalid_json", "1}"),
    (#"{"id":"1","title":"t","x":1.}"#, "", "invalid_json", "}"),
    (#"{"id":"1","title":"t","x":-}"#, "", "invalid_json", "}"),
    (#"{"id":"1","title":"t","x":1e}"#, "", "invalid_json", "}"),
    (#"{"id":"1","title":"t","x":tru}"#, "", "invalid_json", "}"),
    (#"{"id":"1","title":"t","x":[1,]}"#, "", "invalid_json", "]"),
    (#"{"id":"1","title":"t","x":[1}}"#, "", "invalid_json", "}"),
    (#"{"id":"1","title":"t","x":{"a" 1}}"#, "", "invalid_json", "1"),
    ("{\"id\":\"1\",\"title\":\"a\tb\"}", "", "invalid_json", "control character"),
  ])
  func whatIsWrongIsNamed(line: String, field: String, reason: String, found: String) throws {
    let result = try catalog("{\"id\":\"good\",\"title\":\"t\"}\n\n" + line + "\n")
    #expect(result.items.map(\.id) == ["good"])
    try #require(result.rejected.count == 1)
    let rejection = result.rejected[0]
    #expect(rejection.line == 3 && rejection.severity == "error")
    #expect(rejection.field == field && rejection.reason == reason)
    #expect(rejection.found.contains(found), "\(rejection.found)")
    #expect(!rejection.expected.isEmpty && rejection.file.hasSuffix("items.jsonl"))
  }

  @Test(arguments: [
    [0x80], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
    [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xFF],
  ])
  func bytesThatAreNotUTF8AreRejected(bytes: [UInt8]) throws {
    let line = Array("{\"id\":\"1\",\"title\":\"t".utf8) + bytes + Array("\"}\n".utf8)
    let result = try catalog(line)
    #expect(result.items.isEmpty && result.rejected.map(\.reason) == ["invalid_utf8"])
    // In a key that nobody asked for they count as well.
    let ignored = Array("{\"id\":\"1\",\"title\":\"t\",\"x\":\"".utf8) + bytes + Array("\"}\n".utf8)
    #expect(try catalog(ignored).rejected.map(\.reason) == ["invalid_utf8"])
  }

  @Test func idsUpTo255BytesAreAccepted() throws {
    let longest = String(repeating: "é", count: 127) + "x"
    let result = try catalog("{\"id\":\"\(longest)\",\"title\":\"t\"}\n{\"id\":\"\(longest)y\",\"title\":\"t\"}")
    #expect(result.items.map(\.id) == [longest])
    #expect(result.rejected.map(\.reason) == ["too_long"] && result.rejected.first?.field == "id")
  }

  @Test func limitsRejectWhatIsTooLong() throws {
    var limits = CatalogLimits()
    limits.titleBytes = 4
    limits.textBytes = 8
    limits.attributeBytes = 3
    limits.attributeCount = 2
    limits.recordBytes = 100
    let lines = [
      #"{"id":"1","title":"four"}"#, #"{"id":"2","title":"fivee"}"#, #"{"id":"3","text":"ninebytes"}"#,
      #"{"id":"4","text":"t","attributes":{"a":"four"}}"#, #"{"id":"5","text":"t","attributes":{"a":1,"b":2,"c":3}}"#,
      #"{"id":"6","text":"t","x":""# + String(repeating: "x", count: 100) + "\"}",
      #"{"id":"7","text":"eightbyt","attributes":{"a":"thr","b":2}}"#,
    ]
    let result = try catalog(lines.joined(separator: "\n"), limits: limits)
    #expect(result.items.map(\.id) == ["1", "7"])
    #expect(result.rejected.map(\.line) == [2, 3, 4, 5, 6])
    #expect(result.rejected.map(\.field) == ["title", "text", "attributes.a", "attributes", ""])
    #expect(result.rejected.map(\.reason) == ["too_long", "too_long", "too_long", "too_many", "too_long"])
  }

  @Test func nestingIsBounded() throws {
    func line(_ depth: Int) -> String {
      "{\"id\":\"\(depth)\",\"title\":\"t\",\"x\":" + String(repeating: "[", count: depth)
        + String(repeating: "]", count: depth) + "}"
    }
    let result = try catalog([line(1), line(63), line(64), line(100_000)].joined(separator: "\n"))
    #expect(result.items.map(\.id) == ["1", "63"])
    #expect(result.rejected.map(\.line) == [3, 4] && result.rejected.allSatisfy { $0.reason == "invalid_json" })
  }

  @Test func theFirstOfTwoIdsWins() throws {
    let result = try catalog(
      "{\"id\":\"a\",\"title\":\"1\"}\n{\"id\":\"b\",\"title\":\"2\"}\n{\"id\":\"a\",\"title\":\"3\"}\n{\"id\":\"c\",\"title\":\"4\"}"
    )
    #expect(result.items.map(\.title) == ["1", "2", "4"])
    #expect(result.rejected.map(\.line) == [3] && result.rejected.first?.reason == "duplicate_id")
    #expect(result.rejected.first?.found.contains("line 1 of ") == true)
  }

  @Test func lineEndingsBlankLinesAndAByteOrderMarkAreNoRecords() throws {
    let result = try catalog("\u{FEFF}{\"id\":\"1\",\"title\":\"a\"}\r\n\r\n   \n{\"id\":\"2\",\"title\":\"b\"}\r\n{]")
    #expect(result.items.map(\.id) == ["1", "2"])
    #expect(result.rejected.map(\.line) == [5])
  }

  @Test func anEmptyFileIsAnEmptyTable() throws {
    let result = try catalog("")
    #expect(result.items.isEmpty && result.rejected.isEmpty && result.summary.rejectedFraction == 0)
  }

  @Test func tooManyRejectionsStopTheJobWithAnExample() throws {
    let summary = try catalog("{\"id\":\"1\",\"title\":\"t\"}\n{}\n{}\n{}\n").summary
    #expect(summary.rejectedFraction == 0.75)
    try summary.requireRejectedFraction(atMost: 0.75, rejectedPath: "r")
    let error = #expect(throws: CatalogError.self) {
      try summary.requireRejectedFraction(atMost: 0.5, rejectedPath: "the/rejected.jsonl")
    }
    #expect(error?.code == .tooManyRejected && error?.exitCode == 65)
    #expect(error?.message.contains("3 of 4") == true && error?.message.contains("the/rejected.jsonl") == true)
    #expect(error?.message.contains("items.jsonl:2") == true)
  }

  @Test func reasonsAreCounted() throws {
    let summary = try catalog("{}\n{}\n[\n{\"id\":\"1\",\"title\":\"t\",\"image\":\"no.jpg\"}\n").summary
    #expect(summary.reasons.map(\.reason) == [.invalidJSON, .missing, .imageMissing])
    #expect(summary.reasons.map(\.count) == [1, 2, 1] && summary.reasons.last?.severity == .warning)
    #expect(summary.rejected == 3 && summary.warnings == 1 && summary.examples.count == 4)
  }
}
