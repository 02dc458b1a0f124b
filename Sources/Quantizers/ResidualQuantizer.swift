public import TensorMath

/// A quantiser of L levels: each level codes what the levels before left over (QARM, section 4; OneRec, section 3.1).
public struct ResidualQuantizer: Quantizer {
  public let codebooks: ResidualCodebooks

  /// The products that propose and decide codes on this processor, for manifests.
  public var computePath: String { "float32" }

  /// A quantiser that serves trained codebooks.
  public init(codebooks: ResidualCodebooks) {
    self.codebooks = codebooks
  }

  public func encode(_ x: Matrix) throws(QuantizerError) -> Encoding {
    throw QuantizerError(.invalidParameters, "not yet")
  }
}
