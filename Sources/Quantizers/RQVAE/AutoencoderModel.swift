package import NeuralNetworks
package import TensorMath

/// The widths of an autoencoder's layers.
public struct AutoencoderShape: Sendable, Equatable, Codable {
  /// Elements of a vector.
  public let dimensions: Int

  /// Widths between vector and latent vector, for the encoder; the decoder has them in the opposite order.
  public let hidden: [Int]

  /// Elements of what is quantised.
  public let latentDimensions: Int

  /// The vectors themselves are quantised, and what is decoded is the centroids' sum: no weights at all.
  public let isIdentity: Bool

  public init(dimensions: Int, hidden: [Int], latentDimensions: Int) {
    self.dimensions = dimensions
    self.hidden = hidden
    self.latentDimensions = latentDimensions
    isIdentity = false
  }

  public init(identityOf dimensions: Int) {
    self.dimensions = dimensions
    hidden = []
    latentDimensions = dimensions
    isIdentity = true
  }

  /// Whether the widths can be built; a shape may come from a file.
  var isValid: Bool {
    let widths = [dimensions, latentDimensions] + hidden
    return widths.allSatisfy { (1...65_536).contains($0) } && hidden.count <= 8
      && (!isIdentity || hidden.isEmpty && dimensions == latentDimensions)
  }
}

/// Encoder and decoder with their weights.
package struct AutoencoderModel: Sendable, Equatable {
  package let shape: AutoencoderShape
  package var parameters: ParameterSet
  private let encoder: Perceptron
  private let decoder: Perceptron

  /// Makes or loads the weights, whichever the scope does.
  /// - Throws: `invalidModel` where a file has others.
  package init(_ shape: AutoencoderShape, _ scope: ParameterScope) throws(QuantizerError) {
    guard shape.isValid else { throw QuantizerError(.invalidModel, "an autoencoder of \(shape) cannot be built") }
    self.shape = shape
    let widths = shape.isIdentity ? [] : [shape.dimensions] + shape.hidden + [shape.latentDimensions]
    do {
      encoder = try Perceptron(scope["encoder"], widths: widths)
      decoder = try Perceptron(scope["decoder"], widths: widths.reversed())
      parameters = try scope.finish()
    } catch { throw QuantizerError(.invalidModel, error.message) }
    if let entry = parameters.entries.first(where: { !$0.value.elements.allSatisfy(\.isFinite) }) {
      throw QuantizerError(.invalidModel, "the weights \(entry.name) hold a number that is not finite; train anew")
    }
  }

  package func encoded(_ x: Variable, in pass: ModelPass) -> Variable { encoder(x, in: pass) }
  package func decoded(_ x: Variable, in pass: ModelPass) -> Variable { decoder(x, in: pass) }

  func encode(_ x: Matrix) -> Matrix { infer(x, encoder) }
  func decode(_ x: Matrix) -> Matrix { infer(x, decoder) }

  private func infer(_ x: Matrix, _ layers: Perceptron) -> Matrix {
    guard !shape.isIdentity else { return x }
    let pass = ModelPass(inferring: parameters)
    return layers(pass.tape.constant(x), in: pass).value
  }

  /// The model of vectors `factor` times as long, turned into one of the vectors themselves. Exact for a power of two.
  mutating func absorb(inputScale factor: Float) {
    guard let first = encoder.layers.first, let last = decoder.layers.last else { return }
    parameters[first.weight].scale(by: factor)
    parameters[last.weight].scale(by: 1 / factor)
    if let bias = last.bias { parameters[bias].scale(by: 1 / factor) }
  }

  package static func == (left: AutoencoderModel, right: AutoencoderModel) -> Bool {
    left.shape == right.shape && left.parameters == right.parameters
  }
}

/// Linear layers with a rectifier between them.
private struct Perceptron: Sendable {
  let layers: [Linear]

  /// - Parameter widths: of the input and of every layer's output; empty for no layers.
  init(_ scope: ParameterScope, widths: [Int]) throws(NeuralNetworksError) {
    var layers: [Linear] = []
    for index in widths.indices.dropLast() {
      let isLast = index == widths.count - 2
      layers.append(
        try Linear(
          scope["layers", index], inputs: widths[index], outputs: widths[index + 1],
          initializer: isLast ? .xavierUniform : .kaimingUniform))
    }
    self.layers = layers
  }

  func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    var x = x
    for (index, layer) in layers.enumerated() {
      x = layer(x, activation: index == layers.count - 1 ? .identity : .relu, in: pass)
    }
    return x
  }
}
