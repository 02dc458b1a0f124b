public import ItemCatalog
public import TensorMath

/// Turns one modality of items into vectors.
///
/// An item's vector depends on that item alone: the same bits come out whatever batch it is part of and however many
/// threads run, so that vectors can be cached by (``fingerprint``, content hash).
public protocol ItemEncoder: Sendable {
  var modality: Modality { get }

  /// Floats per vector.
  var dimensions: Int { get }

  /// SHA-256, in hexadecimal, over everything that a vector depends on but the item: architecture, weights,
  /// preprocessing.
  var fingerprint: String { get }

  /// What a person is told of it.
  var description: EncoderDescription { get }

  /// Encodes a batch on all threads. Never throws for an item's sake: one that cannot be encoded is reported. What it
  /// throws ends the run: a worker that is gone, not a picture that is broken.
  func encode(_ items: [Item]) throws(EncoderError) -> EncodedBatch

  /// Says that no more items come for now. An encoder lets go of what it holds, such as a running worker, and throws
  /// where only the end shows that its answers cannot be trusted. Encoding after it is allowed and starts afresh.
  func finish() throws(EncoderError)
}

extension ItemEncoder {
  /// Most encoders hold nothing.
  public func finish() throws(EncoderError) {}
}

/// The vectors of a batch of items, row-aligned with it.
public struct EncodedBatch: Sendable, Equatable {
  /// `items × dimensions`; unit-length rows, and zeros where nothing is present.
  public var vectors: Matrix

  /// Whether the item has this modality and it could be encoded.
  public var isPresent: [Bool]

  /// The items whose modality is there but could not be encoded, in row order.
  public var failures: [EncodingFailure]

  public init(vectors: Matrix, isPresent: [Bool], failures: [EncodingFailure] = []) {
    precondition(vectors.rows == isPresent.count, "\(vectors.rows) vectors for \(isPresent.count) items")
    self.vectors = vectors
    self.isPresent = isPresent
    self.failures = failures
  }
}

/// Why one item of a batch could not be encoded.
public struct EncodingFailure: Sendable, Equatable {
  /// The item's position in its batch.
  public let index: Int
  public let reason: String

  public init(index: Int, reason: String) {
    self.index = index
    self.reason = reason
  }
}
