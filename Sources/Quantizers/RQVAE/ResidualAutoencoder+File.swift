public import NeuralNetworks
internal import TensorMath

/// The weights as a file's contents. Reading and writing files is the caller's; the codebooks are stored apart, as those of
/// every quantiser are.
extension ResidualAutoencoder {
  /// Raised when the same weights would give other codes than before.
  private static let architecture = "tessera residual autoencoder:relu 1"

  /// Encoder and decoder as a safetensors file. The same weights give the same bytes.
  public func fileBytes() throws(QuantizerError) -> [UInt8] {
    var tensors = model.parameters.entries.map { NamedTensor(name: $0.name, matrix: $0.value) }
    // A file without any tensor would leave the shape unproven.
    if shape.isIdentity { tensors = [NamedTensor(name: "identity", shape: [1], floats: [1])] }
    do {
      return try SafetensorsWriter.bytes(
        tensors, metadata: ["architecture": Self.architecture, "shape": shape.description])
    } catch { throw QuantizerError(.invalidModel, error.message) }
  }

  /// A quantiser from such a file and the codebooks that belong to it.
  /// - Throws: `invalidModel` for a file of another kind, other shapes, or numbers that are not finite.
  public init(_ file: SafetensorsFile, codebooks: ResidualCodebooks) throws(QuantizerError) {
    guard file.metadata["architecture"] == Self.architecture,
      let shape = AutoencoderShape(description: file.metadata["shape"] ?? "")
    else {
      throw QuantizerError(
        .invalidModel, "the file is not a \"\(Self.architecture)\" file with its shape; train the quantizer anew")
    }
    if shape.isIdentity {
      guard file.tensors.count == 1, file.tensors[0].name == "identity" else {
        throw QuantizerError(.invalidModel, "weights for a quantizer that has none; train the quantizer anew")
      }
      let scope = ParameterScope(initializingWith: RandomSource(seed: 0))
      try self.init(model: AutoencoderModel(shape, scope), codebooks: codebooks)
    } else {
      try self.init(model: AutoencoderModel(shape, ParameterScope(loading: file)), codebooks: codebooks)
    }
  }
}

extension AutoencoderShape: CustomStringConvertible {
  /// The widths from vector to latent vector: `128 512 64`; one alone where vectors are quantised as they are.
  public var description: String {
    isIdentity ? "\(dimensions)" : ([dimensions] + hidden + [latentDimensions]).map { "\($0)" }.joined(separator: " ")
  }

  /// Nil for a text that names no shape that can be built.
  init?(description: String) {
    let parts = description.split(separator: " ", omittingEmptySubsequences: false)
    let widths = parts.compactMap { Int($0) }
    guard widths.count == parts.count, let first = widths.first, let last = widths.last else { return nil }
    self =
      widths.count == 1
      ? AutoencoderShape(identityOf: first)
      : AutoencoderShape(dimensions: first, hidden: Array(widths[1..<widths.count - 1]), latentDimensions: last)
    guard isValid else { return nil }
  }
}
