/// What went wrong in a tokenizer: what was found, what was expected, and what to do about it.
public struct TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A file that cannot be read, or is larger than allowed.
    case unreadableFile
    /// Bytes that are not JSON.
    case invalidJSON
    /// A part of the tokenizer that this library does not know.
    case unsupportedComponent
    /// A known part whose fields contradict themselves or each other.
    case invalidTokenizer
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
