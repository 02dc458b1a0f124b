/// What went wrong in this module: what was found, what was expected, and what to do about it.
public struct NeuralNetworksError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The file cannot be opened or read.
    case unreadableFile
    /// The file cannot be created or written.
    case unwritableFile
    /// The file is larger than the caller allows.
    case tooLarge
    /// The bytes are not a safetensors file.
    case malformedFile
    /// The tensors to be written do not form a valid file.
    case invalidTensor
    /// The file holds no tensor, or no metadata entry, of that name.
    case missingEntry
    /// The tensor's type or shape is not the one that was asked for.
    case unexpectedTensor
    /// A configuration that asks for what no model here has.
    case unsupportedModel
    /// A checkpoint of another version, model or optimizer.
    case incompatibleCheckpoint
    /// The loss or a gradient left the finite numbers, or the loss stays far above its minimum.
    case divergedTraining
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
