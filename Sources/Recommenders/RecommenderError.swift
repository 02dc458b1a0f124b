/// What went wrong in this module: what was found, what was expected, and what to do about it.
public struct RecommenderError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A parameter outside its range.
    case invalidParameter
    /// No item has codes, or no user a sequence to learn from.
    case nothingToLearn
    /// A user or an item that the data does not have.
    case unknown
    /// A checkpoint that cannot be read, or is not what it says it is.
    case unreadableModel
    /// A checkpoint that cannot be written.
    case unwritableModel
    /// A checkpoint of another generation's codes.
    case otherGeneration
    /// A reward model that foretells too little to be learned from.
    case untrustedReward
    /// A loss that is no number, with nothing to go back to.
    case diverged
    /// The caller asked to stop.
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
