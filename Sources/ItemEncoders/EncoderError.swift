/// What went wrong in an encoder: what was found, what was expected, and what to do about it.
public struct EncoderError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A text template that cannot be parsed.
    case invalidTemplate
    /// A parameter outside its range.
    case invalidParameter
    /// A stored encoder that cannot be read, or is not what it says it is.
    case unreadableEncoder
    /// An encoder that cannot be written.
    case unwritableEncoder
    /// A worker that cannot be started, or that died more often than it is restarted.
    case workerFailed
    /// A worker that did not answer in time.
    case workerTimeout
    /// A worker's header, answer or input line that the protocol does not allow.
    case workerProtocol
    /// Somebody asked to stop while an encoder was waited for.
    case cancelled
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
