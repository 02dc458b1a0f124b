public import TensorMath

public struct RepresentationModel: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Floats per representation.
    public var dimensions = 128
    /// Rows to fit on; more than these are sampled.
    public var sampleLimit = 100_000
    /// Each modality's share, by name; 1 where none is given.
    public var weights: [String: Float] = [:]
    public var seed: UInt64 = 1
    public init() {}
  }

  /// Floats per representation; fewer than asked for where the sample does not support as many.
  public var dimensions: Int { 0 }
  public let fingerprint: String

  public func represent(_ modalities: [ModalityBatch]) -> Matrix {
    Matrix(rows: modalities.first?.vectors.rows ?? 0, columns: dimensions)
  }

  public static func fit(
    _ modalities: [ModalityBatch], parameters: Parameters = Parameters()
  ) throws(AlignmentError) -> RepresentationModel {
    var fitting = try Fitting(parameters: parameters)
    fitting.add(modalities)
    return try fitting.finish()
  }

  public init(contentsOf path: String) throws(AlignmentError) { fingerprint = "" }

  init() { fingerprint = "" }

  public func write(to path: String) throws(AlignmentError) {}

  /// The state of a fit in progress: add the sample in batches, then finish. Memory does not grow with the sample.
  public struct Fitting {
    public init(parameters: Parameters = Parameters()) throws(AlignmentError) {}
    public mutating func add(_ modalities: [ModalityBatch]) {}
    public func finish() throws(AlignmentError) -> RepresentationModel { RepresentationModel() }
  }
}
