public import TensorMath

/// One modality's vectors of some items.
public struct ModalityBatch: Sendable {
  /// What the modality is called; a model refuses batches under other names than it was fitted with.
  public let name: String

  /// `items × dimensions`; rows that are not present are ignored.
  public let vectors: Matrix

  /// Whether each item has this modality.
  public let isPresent: [Bool]

  public init(name: String, vectors: Matrix, isPresent: [Bool]) {
    precondition(vectors.rows == isPresent.count, "\(vectors.rows) vectors for \(isPresent.count) items")
    self.name = name
    self.vectors = vectors
    self.isPresent = isPresent
  }
}
