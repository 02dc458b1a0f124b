/// Why an image cannot be used.
public struct ImageError: Error, CustomStringConvertible, Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    /// The file does not exist, is no regular file, or cannot be read.
    case unreadable
    /// The bytes are neither JPEG nor PNG.
    case unknownFormat
    /// The bytes end before the image does.
    case truncated
    /// The bytes break the format's rules.
    case damaged
    /// A valid image of a kind that is not decoded.
    case unsupported
    /// Beyond `ImageLimits`.
    case tooLarge
  }

  public let code: Code
  /// What was found, what was expected, and what to do.
  public let message: String

  public var description: String { message }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
