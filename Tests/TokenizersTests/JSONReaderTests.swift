import Testing
import Tokenizers

@Suite("The JSON reader takes what RFC 8259 allows, and names the place of what it does not")
struct JSONReaderTests {
  private func message(_ bytes: [UInt8]) -> String? {
    do {
      _ = try JSONReader.parse(bytes)
      return nil
    } catch {
      #expect(error.code == .invalidJSON)
      return error.message
    }
  }

  private func string(_ json: String) throws -> [UInt32]? {
    guard case .string(let text) = try JSONReader.parse(Array(json.utf8)) else { return nil }
    return text.unicodeScalars.map(\.value)
  }

  @Test(arguments: [
    ("", "found the end at byte 0, expected a value"),
    (" \n\t", "found the end at byte 3, expected a value"),
    ("{", "found the end at byte 1, expected a key"),
    ("{1:2}", "found byte 0x31 at byte 1, expected a key"),
    (#"{"a":1,}"#, "found byte 0x7d at byte 7, expected a key"),
    (#"{"a" 1}"#, "found byte 0x31 at byte 5, expected a colon"),
    (#"{"a":}"#, "found byte 0x7d at byte 5, expected a value"),
    (#"{"a":1 "b":2}"#, "found byte 0x22 at byte 7, expected a comma or a closing brace"),
    (#"{"a":1"#, "found the end at byte 6, expected a comma or a closing brace"),
    (#"{"a":1]"#, "found byte 0x5d at byte 6, expected a comma or a closing brace"),
    ("[", "found the end at byte 1, expected a value"),
    ("[1,]", "found byte 0x5d at byte 3, expected a value"),
    ("[,1]", "found byte 0x2c at byte 1, expected a value"),
    ("[1 2]", "found byte 0x32 at byte 3, expected a comma or a closing bracket"),
    ("[1}", "found byte 0x7d at byte 2, expected a comma or a closing bracket"),
    ("]", "found byte 0x5d at byte 0, expected a value"),
  ])
  func structuresThatAreBrokenNameThePlace(text: String, expected: String) {
    #expect(message(Array(text.utf8))?.contains(expected) == true, "\(message(Array(text.utf8)) ?? "no error")")
  }

  @Test(arguments: [
    ("[tru]", "at byte 1, expected a value"), ("[True]", "at byte 1, expected a value"),
    ("nul", "at byte 0, expected a value"), ("nulll", "found byte 0x6c at byte 4, expected the end of the file"),
    ("NaN", "at byte 0, expected a value"), ("Infinity", "at byte 0, expected a value"),
    ("'a'", "at byte 0, expected a value"), ("1 2", "found byte 0x32 at byte 2, expected the end of the file"),
    ("{} x", "found byte 0x78 at byte 3, expected the end of the file"),
    ("// a\n1", "at byte 0, expected a value"), ("--1", "at byte 0, expected a number"),
    ("[1e]", "at byte 1, expected a number"), ("[1.2.3]", "at byte 1, expected a number"),
    ("[1e999]", "at byte 1, expected a number"), ("[-1e999]", "at byte 1, expected a number"),
    ("[-]", "at byte 1, expected a number"), ("0x10", "found byte 0x78 at byte 1, expected the end of the file"),
  ])
  func wordsAndNumbersThatAreNoneNameThePlace(text: String, expected: String) {
    #expect(message(Array(text.utf8))?.contains(expected) == true, "\(message(Array(text.utf8)) ?? "no error")")
  }

  @Test(arguments: ["01", "-01", "00", "+1", ".5", "-.5", "1.", "1.e3", "1e+", "1e", "1e1.5", "1-2", "-", "1E--1"])
  func numbersOutsideTheGrammarAreRefused(number: String) {
    #expect(message(Array("[0, \(number)]".utf8))?.contains("at byte 4, expected a number") == true)
  }

  @Test(arguments: [
    (#""ab"#, "found the end at byte 3, expected a closing quote"),
    (#""\n"#, "found the end at byte 3, expected a closing quote"),
    (#""\"#, "found the end at byte 2, expected an escape"),
    (#""\x""#, "expected an escape"), (#""\U0041""#, "expected an escape"),
    (#""\u12"#, "expected four hexadecimal digits"), (#""\u12g4""#, "expected four hexadecimal digits"),
    (#""\u+123""#, "expected four hexadecimal digits"), (#""\ud800""#, "expected a surrogate pair"),
    (#""\ud800\n""#, "expected a surrogate pair"), (#""\ud800\u0041""#, "expected a surrogate pair"),
    (#""\ud800\ud800""#, "expected a surrogate pair"), (#""\udc00""#, "expected a surrogate pair"),
    ("\"a\nb\"", "found byte 0xa at byte 2, expected no control character"),
    ("\"a\u{0}\"", "found byte 0x0 at byte 2, expected no control character"),
    ("\"\\t\u{1F}\"", "expected no control character"),
  ])
  func stringsThatAreBrokenNameThePlace(text: String, expected: String) {
    #expect(message(Array(text.utf8))?.contains(expected) == true, "\(message(Array(text.utf8)) ?? "no error")")
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88],
      [0xFF],
    ] as [[UInt8]])
  func bytesThatAreNotUTF8AreRefusedInStrings(bytes: [UInt8]) {
    #expect(message([0x22] + bytes + [0x22])?.contains("expected UTF-8 text") == true)
    #expect(message([0x22] + bytes + Array(#"\n""#.utf8))?.contains("expected UTF-8 text") == true)
    #expect(message(bytes)?.contains("at byte 0, expected a value") == true)
  }

  @Test(
    arguments: [
      (#""""#, []), (#""\"\\\/""#, [0x22, 0x5C, 0x2F]), (#""\b\f\n\r\t""#, [8, 12, 10, 13, 9]),
      (#""\u0000\u00e9\uFFFF""#, [0, 0xE9, 0xFFFF]), (#""\ud83d\ude00""#, [0x1F600]),
      (#""\uD800\uDC00\uDBFF\uDFFF""#, [0x10000, 0x10FFFF]), ("\"e\u{301}\\n\u{E9}\"", [0x65, 0x301, 10, 0xE9]),
      ("\"\u{7F}\u{85}\u{2028}\"", [0x7F, 0x85, 0x2028]), (#""a\u0062c""#, [0x61, 0x62, 0x63]),
    ] as [(String, [UInt32])])
  func escapesAndScalarsAreKeptAsTheyStand(json: String, expected: [UInt32]) throws {
    #expect(try string(json) == expected)
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("12", 12), ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ] as [(String, Int)])
  func integersThatFitStayIntegers(json: String, expected: Int) throws {
    guard case .integer(let value) = try JSONReader.parse(Array(json.utf8)) else {
      Issue.record("not an integer")
      return
    }
    #expect(value == expected)
  }

  @Test(arguments: [
    ("1.5", 1.5), ("-2.5e1", -25), ("1E+2", 100), ("1e-400", 0), ("9223372036854775808", 9_223_372_036_854_775_808),
    ("0.1", 0.1), ("1.7976931348623157e308", Double.greatestFiniteMagnitude), ("12.0", 12),
  ])
  func otherNumbersAreTheNearestDoubles(json: String, expected: Double) throws {
    guard case .double(let value) = try JSONReader.parse(Array(json.utf8)) else {
      Issue.record("not a double")
      return
    }
    #expect(value == expected)
  }

  @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
  func nestingEndsAtTheLimit(open: String, close: String) {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
    }
    #expect(message(nested(JSONReader.maximumDepth - 1)) == nil)
    #expect(message(nested(JSONReader.maximumDepth))?.contains("at most 64 levels of nesting") == true)
    #expect(message(nested(100_000))?.contains("at most 64 levels of nesting") == true)
  }

  @Test func spacesAndAByteOrderMarkBetweenValuesDoNotMatter() throws {
    let json = [0xEF, 0xBB, 0xBF] + Array("\r\n { \"a\" :\t[ 1 , true ,null, false ] }\n".utf8)
    guard case .object(let members) = try JSONReader.parse(json), members.map(\.key) == ["a"],
      case .array(let values) = members[0].value, case .integer(1) = values[0], case .bool(true) = values[1],
      case .null = values[2], case .bool(false) = values[3]
    else {
      Issue.record("not the values")
      return
    }
    #expect(message(Array("1".utf8) + [0xEF, 0xBB, 0xBF])?.contains("byte 0xef at byte 1") == true)
  }

  @Test func keysKeepTheirOrderAndRepetitions() throws {
    let json = #"{"b": 1, "a": 2, "b": 3, "": 4}"#
    guard case .object(let members) = try JSONReader.parse(Array(json.utf8)) else {
      Issue.record("not an object")
      return
    }
    #expect(members.map(\.key) == ["b", "a", "b", ""])
  }

  @Test func everyPrefixOfAFileIsRefused() {
    let json = Array(#"{"model": {"vocab": {"é\n": 0, "b": [1.5, true, null, "x"]}}}"#.utf8)
    #expect(message(json) == nil)
    for count in 0..<json.count { #expect(message(Array(json.prefix(count))) != nil, "\(count) bytes") }
  }
}
