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
    /// Training left the finite numbers, or got worse than knowing nothing.
    case diverged
    /// Weights of another shape, or of another version.
    case invalidModel
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.rawValue): \(message)" }
}
