/// What a quantiser refuses, with what was found, what was expected and what to do.
public struct QuantizerError: Error, CustomStringConvertible, Equatable, Sendable {
  public enum Code: String, Sendable {
    case emptyInput
    case notFinite
    case dimensionMismatch
    case invalidParameters
    case invalidCodebook
    case codeOutOfRange
    case capacityExceeded
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.rawValue): \(message)" }
}
