public import TensorMath

/// Makes one unit-length vector of an item's modalities: fitted or trained once, then frozen between nights.
public protocol Representation: Sendable {
  /// Floats per representation.
  var dimensions: Int { get }

  /// SHA-256, in hexadecimal, over everything that a representation depends on but the vectors.
  var fingerprint: String { get }

  /// The representations of a batch of items; zeros for one without any modality.
  /// - Parameter modalities: batches of the same items, in any order; one that is left out counts as missing everywhere.
  /// - Returns: `items × dimensions`. A row does not depend on the others.
  func represent(_ modalities: [ModalityBatch]) -> Matrix
}

extension RepresentationModel: Representation {}

extension Aligner: Representation {
  public var dimensions: Int { configuration.dimensions }
}
