/// What went wrong in this module: what was found, what was expected, and what to do about it.
public struct AlignmentError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// Too few rows to fit anything on.
    case tooFewItems
    /// A parameter outside its range.
    case invalidParameter
    /// A stored model that cannot be read, or is not what it says it is.
    case unreadableModel
    /// A training's checkpoint that cannot be gone on from: of another training, or damaged.
    case unreadableCheckpoint
    /// A model that cannot be written.
    case unwritableModel
    /// A behavior log without an event, or without one on an item of the catalogue.
    case noInteractions
    /// A training window that leaves nothing to learn from, or that the log's order does not allow.
    case invalidWindow
    /// Every pair was filtered away, or none was there.
    case noPairs
    /// A stored pair table that cannot be read, or is not what it says it is.
    case unreadablePairs
    /// A pair table that cannot be written.
    case unwritablePairs
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
