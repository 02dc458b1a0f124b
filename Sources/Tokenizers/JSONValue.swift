/// A JSON value whose object keys keep their order and their exact bytes.
///
/// Vocabularies hold tokens such as "é" both composed and decomposed. Swift's `String` calls these equal, so neither
/// `[String: Any]` nor `JSONSerialization` can carry a vocabulary; a list of pairs can.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits.
  case integer(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A value together with where it stands in the file, so that every complaint can name the place.
struct JSONField {
  let value: JSONValue
  let path: String

  func failure(_ message: String) -> TokenizerError {
    TokenizerError(.invalidTokenizer, "tokenizer.json, \(path): \(message)")
  }

  func mismatch(_ expected: String) -> TokenizerError {
    failure("found \(value.kind), expected \(expected)")
  }

  var isNull: Bool {
    if case .null = value { true } else { false }
  }

  /// The last field of that name, as the reference library reads it; null when there is none.
  subscript(name: String) -> JSONField {
    let place = path.isEmpty ? name : "\(path).\(name)"
    guard case .object(let members) = value,
      let member = members.last(where: { $0.key.utf8.elementsEqual(name.utf8) })
    else { return JSONField(value: .null, path: place) }
    return JSONField(value: member.value, path: place)
  }

  func string() throws(TokenizerError) -> String {
    guard case .string(let text) = value else { throw mismatch("a string") }
    return text
  }

  func bool() throws(TokenizerError) -> Bool {
    guard case .bool(let flag) = value else { throw mismatch("true or false") }
    return flag
  }

  func bool(default standard: Bool) throws(TokenizerError) -> Bool {
    isNull ? standard : try bool()
  }

  func integer(in range: ClosedRange<Int>) throws(TokenizerError) -> Int {
    guard case .integer(let number) = value else { throw mismatch("an integer") }
    guard range.contains(number) else {
      throw failure("found \(number), expected \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A finite number.
  func number() throws(TokenizerError) -> Double {
    switch value {
    case .integer(let number): return Double(number)
    case .double(let number) where number.isFinite: return number
    default: throw mismatch("a finite number")
    }
  }

  func elements() throws(TokenizerError) -> [JSONValue] {
    guard case .array(let values) = value else { throw mismatch("an array") }
    return values
  }

  func members() throws(TokenizerError) -> [(key: String, value: JSONValue)] {
    guard case .object(let members) = value else { throw mismatch("an object") }
    return members
  }

  /// An array's elements with their places.
  func fields() throws(TokenizerError) -> [JSONField] {
    try elements().enumerated().map { JSONField(value: $1, path: "\(path)[\($0)]") }
  }
}
