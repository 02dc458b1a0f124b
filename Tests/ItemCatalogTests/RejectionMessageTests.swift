import Foundation
import ItemCatalog
import TensorMath
import Testing

private let idForm = "1 to 255 bytes of UTF-8 without control characters"

/// What stands in `rejected.jsonl` and in errors, word by word: scripts and people act on it.
@Suite("Messages of the catalogue")
struct RejectionMessageTests {
  @Test(arguments: [
    (#"{"title":"t"}"#, "id", "no id", idForm),
    (#"{"id":"","title":"t"}"#, "id", "an empty id", idForm),
    (#"{"id":"a\u0007","title":"t"}"#, "id", #"a\u{7}"#, idForm),
    (#"{"id":1e2,"title":"t"}"#, "id", "the number 1e2", "a string or an integer"),
    (#"{"id":{},"title":"t"}"#, "id", "an object", "a string or an integer"),
    (#"{"id":"1","title":["x"]}"#, "title", "an array", "a string or null"),
    (#"{"id":"1","text":true}"#, "text", "a boolean", "a string or null"),
    (#"{"id":"1","title":"t","updated_at":5}"#, "updated_at", "a number", "a string or null"),
    (#"{"id":"1","title":"t","updated_at":"\n"}"#, "updated_at", #"\u{a}"#, "text without control characters"),
    (#"{"id":"1","title":"t","attributes":"x"}"#, "attributes", "a string", "an object or null"),
    (
      #"{"id":"1","title":"t","attributes":{"k":[]}}"#, "attributes.k", "an array",
      "a string, a number or a boolean"
    ),
    (#"{"id":"1","title":"t","attributes":{"k":-1e400}}"#, "attributes.k", "-1e400", "a finite number"),
    (
      #"{"id":"1","title":"t","attributes":{"k\u0001":1}}"#, "attributes", #"the name "k\u{1}""#,
      "1 to 255 bytes without control characters"
    ),
    (#"{"id":"1","title":"t","attributes":{"k":1,"k":1}}"#, "attributes.k", "the key twice", "each key once"),
    (#"{"id":"1","id":"1"}"#, "id", "the key twice", "each key once"),
    (#"{"id":"1"}"#, "text", "neither title nor text, and no image", "a title, a text or an image"),
    (
      #"{"id":"1","image":"no.png"}"#, "text", "neither title nor text, and no usable image file at no.png",
      "a title, a text or an image"
    ),
    (
      #"{"id":"1","title":"t","image":"/a.png"}"#, "image", "the absolute path /a.png",
      "a relative path within the image root"
    ),
    (
      #"{"id":"1","title":"t","image":"../a.png"}"#, "image", "../a.png, which climbs out of the image root",
      "a relative path within the image root"
    ),
    (#"{"id":"1","title":"t","image":"no.png"}"#, "image", "no.png", "a file below the image root"),
    ("5", "", "5 at byte 1", "a JSON object"),
    ("{", "", "the record's end", "a key or }"),
    (#"{"id":"1""#, "", "the record's end", ", or }"),
    (#"{"id""#, "", "the record's end", ":"),
    (#"{"id":"#, "", "the record's end", "a value"),
    (#"{"id":"1",}"#, "", "} at byte 11", "a key in quotes"),
    (#"{"id":?}"#, "", "?} at byte 7", "a value"),
    (#"{"id":"1"} {}"#, "", "{} at byte 12", "nothing after the object"),
    (#"{"id":"1","x":nul}"#, "", "} at byte 18", "null"),
    (#"{"id":"1","x":[1 2]}"#, "", "2]} at byte 18", ", or ]"),
    (#"{"id":"1","x":{"y":1"#, "", "the record's end", "}"),
    (#"{"id":"1","x":-a}"#, "", "a} at byte 16", "a digit"),
    (#"{"id":"open"#, "", "the record's end in a string that starts open", "a closing quote"),
    (#"{"id":"\q"}"#, "", #"\q"} at byte 8"#, #"one of the escapes \" \\ \/ \b \f \n \r \t \u"#),
    (#"{"id":"\ud83dx"}"#, "", #"x"} at byte 14"#, "the second half of a surrogate pair"),
    (#"{"id":"\ude00"}"#, "", #"\ude00"} at byte 8"#, "the first half of a surrogate pair before the second"),
    (
      "{\"id\":\"a\u{2}\"}", "", "a bare control character (code 2) in a string at byte 9", "an escape such as \\n"
    ),
  ])
  func whatWasFoundAndExpectedIsSaid(line: String, field: String, found: String, expected: String) throws {
    let rejection = try #require(try catalog(line + "\n").rejected.first)
    #expect(rejection.field == field && rejection.line == 1)
    #expect(rejection.found == found)
    #expect(rejection.expected == expected)
  }

  @Test(arguments: [
    ("1,a", "", "2 fields", "3, as in the header"), ("1,a,b,c", "", "more than 3 fields", "3, as in the header"),
    ("1,\"a\"b,", "", "b, after a closing quote", "a delimiter or the row's end; a quote inside quotes is doubled"),
    ("1,a,\"open", "", "a quote that is still open at the end of the file", "a closing quote"),
  ])
  func rowsAreExplainedLikewise(row: String, field: String, found: String, expected: String) throws {
    let rejection = try #require(try catalog("id,title,text\n" + row, name: "items.csv").rejected.first)
    #expect(rejection.field == field && rejection.line == 2 && rejection.reason == "invalid_row")
    #expect(rejection.found == found && rejection.expected == expected)
  }

  @Test func longValuesAreCutWhereTheyAreShown() throws {
    let long = String(repeating: "é", count: 200)
    let rejection = try #require(try catalog("{\"id\":\"\(long)\",\"title\":\"t\"}").rejected.first)
    #expect(rejection.found == "400 bytes: " + String(repeating: "é", count: 40) + "…")
    // Cut in the middle of a character, the rest of it is shown as damage and not as a broken file.
    let odd = try #require(try catalog("{\"id\":\"x\(long)\",\"title\":\"t\"}").rejected.first)
    #expect(odd.found == "401 bytes: x" + String(repeating: "é", count: 39) + "\u{FFFD}…")
  }

  @Test func rejectionsReadAsSentences() {
    var record = RejectedRecord(
      severity: .error, file: "f.jsonl", line: 7, field: "id", reason: .tooLong, found: "a", expected: "b")
    #expect("\(record)" == "f.jsonl:7: id: found a, expected b (too_long)")
    record.field = ""
    #expect("\(record)" == "f.jsonl:7: record: found a, expected b (too_long)")
    #expect(Set(RejectedRecord.Reason.allCases.map(\.rawValue)).count == RejectedRecord.Reason.allCases.count)
  }

  @Test func tenExamplesAreKeptAndAllAreCounted() throws {
    let bad = (0..<30).map { $0 % 3 == 0 ? "{}\n" : "[\n" }.joined()
    let result = try catalog(bad + "{\"id\":\"1\",\"title\":\"t\",\"image\":\"x.png\"}\n")
    #expect(result.summary.examples.map(\.line) == Array(1...10))
    #expect(result.summary.rejected == 30 && result.summary.warnings == 1 && result.rejected.count == 31)
    #expect(
      result.summary.reasons.map { "\($0.reason.rawValue) \($0.severity.rawValue) \($0.count)" } == [
        "invalid_json error 20", "missing error 10", "image_missing warning 1",
      ])
  }

  @Test func theShareOfRejectedRecordsIsExplainedWithAnExample() throws {
    let summary = try catalog("{\"id\":\"1\",\"title\":\"t\",\"image\":\"x.png\"}\n{}\n{}\n").summary
    try summary.requireRejectedFraction(atMost: 2.0 / 3, rejectedPath: "r")
    let error = #expect(throws: CatalogError.self) {
      try summary.requireRejectedFraction(atMost: 0.66, rejectedPath: "out/rejected.jsonl")
    }
    // The warning came first; the example is the first that was left out.
    #expect(
      error?.message.hasPrefix("2 of 3 records were rejected, more than maxRejectedFraction 0.66 allows. The first: ")
        == true)
    #expect(error?.message.contains("items.jsonl:2: id: found no id") == true)
    #expect(
      error?.message.hasSuffix(
        "All are listed in out/rejected.jsonl. Repair the records or raise maxRejectedFraction.") == true)
  }

  @Test func everyKindOfErrorHasItsExitCode() {
    let codes: [(CatalogError.Code, Int32)] = [
      (.inputMissing, 66), (.inputUnreadable, 66), (.badData, 65), (.tooManyRejected, 65), (.damagedTable, 65),
      (.cannotWrite, 73),
    ]
    for (code, exit) in codes {
      let error = CatalogError(code, "the message")
      #expect(error.exitCode == exit && "\(error)" == "the message")
    }
  }

  @Test func rejectedLinesQuoteWhatJSONMust() throws {
    let result = try catalog(Array("{\"id\":\"a\\\"\\\\\\u0001\u{2028}\",\"title\":\"t\"}\n".utf8))
    // The fixture has parsed the line with another program's reader already.
    #expect(result.rejected.map(\.found) == ["a\"\\\\u{1}\u{2028}"])
  }
}
