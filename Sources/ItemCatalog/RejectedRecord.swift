/// One line of `rejected.jsonl`: a record that was left out, or a warning about one that was kept.
public struct RejectedRecord: Sendable, Hashable {
  public enum Severity: String, Sendable {
    /// The record is left out.
    case error
    /// The record is kept without what is wrong with it.
    case warning
  }

  /// Why, in words that scripts may rely on.
  public enum Reason: String, Sendable, CaseIterable {
    case invalidJSON = "invalid_json"
    case invalidUTF8 = "invalid_utf8"
    case invalidRow = "invalid_row"
    case duplicateKey = "duplicate_key"
    case wrongType = "wrong_type"
    case missing = "missing"
    case empty = "empty"
    case tooLong = "too_long"
    case tooMany = "too_many"
    case controlCharacter = "control_character"
    case duplicateID = "duplicate_id"
    case noContent = "no_content"
    case unsafePath = "unsafe_path"
    case imageMissing = "image_missing"
    case imageUnusable = "image_unusable"
    case invalidNumber = "invalid_number"
  }

  public var severity: Severity
  public var file: String
  /// The line where the record starts; the first line of a file is 1.
  public var line: Int
  /// The field concerned, such as `id` or `attributes.brand`; empty when the whole record is.
  public var field: String
  public var reason: Reason
  /// What was found, cut to a few words.
  public var found: String
  /// What was expected.
  public var expected: String

  public init(
    severity: Severity, file: String, line: Int, field: String, reason: Reason, found: String, expected: String
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.field = field
    self.reason = reason
    self.found = found
    self.expected = expected
  }
}

extension RejectedRecord: CustomStringConvertible {
  public var description: String {
    "\(file):\(line): \(field.isEmpty ? "record" : field): found \(found), expected \(expected) (\(reason.rawValue))"
  }
}
