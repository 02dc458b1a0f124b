public import ItemCatalog
internal import TensorMath

public struct BuiltinTextEncoder: ItemEncoder {
  public struct Parameters: Sendable, Equatable {
    /// Floats per vector.
    public var dimensions = 384
    public var template = TextTemplate.textOrTitle
    public var seed: UInt64 = 1
    public init() {}
  }

  public let parameters: Parameters
  public let fingerprint: String
  public var modality: Modality { .text }
  public var dimensions: Int { parameters.dimensions }

  public func encode(_ items: [Item]) -> EncodedBatch {
    EncodedBatch(
      vectors: Matrix(rows: items.count, columns: dimensions), isPresent: Array(repeating: false, count: items.count))
  }

  /// Fits an encoder to a catalogue that is handed over in batches; memory does not grow with it.
  public static func fit(
    _ batches: some Sequence<[Item]>, parameters: Parameters = Parameters()
  ) throws(EncoderError) -> BuiltinTextEncoder {
    var fitting = try Fitting(parameters: parameters)
    for batch in batches { fitting.add(batch) }
    return fitting.finish()
  }

  public init(contentsOf path: String) throws(EncoderError) {
    parameters = Parameters()
    fingerprint = ""
  }

  init(parameters: Parameters) {
    self.parameters = parameters
    fingerprint = ""
  }

  public func write(to path: String) throws(EncoderError) {}

  /// The state of a fit in progress: add every item once, in batches of any size, then finish.
  public struct Fitting {
    private let parameters: Parameters
    public init(parameters: Parameters = Parameters()) throws(EncoderError) { self.parameters = parameters }
    public mutating func add(_ items: [Item]) {}
    public func finish() -> BuiltinTextEncoder { BuiltinTextEncoder(parameters: parameters) }
  }
}
