package import NeuralNetworks
package import Quantizers
package import TensorMath

/// Codebooks as parameters of a training.
///
/// Each level is kept over a power of two near the root mean square of its elements, so that a step of the optimizer
/// moves coarse and fine levels by the same share; a power of two makes the way there and back exact. Prices of balanced
/// codebooks stay as they are.
package struct TunedCodebooks: Sendable {
  /// What training starts from.
  package let original: ResidualCodebooks
  package let parameters: ParameterSet
  private let levels: [(parameter: Parameter, scale: Float)]

  package init(_ codebooks: ResidualCodebooks) throws {
    original = codebooks
    let scope = ParameterScope(initializingWith: RandomSource(seed: 0))
    var levels: [(parameter: Parameter, scale: Float)] = []
    for (index, codebook) in codebooks.levels.enumerated() {
      let parameter = try scope["levels"].parameter(
        "\(index)", rows: codebook.size, columns: codebook.dimensions, initializer: .zeros, decays: false)
      levels.append((parameter, Self.scale(codebook.centroids)))
    }
    var parameters = try scope.finish()
    for (level, codebook) in zip(levels, codebooks.levels) {
      parameters[level.parameter] = codebook.centroids
      parameters[level.parameter].scale(by: 1 / level.scale)
    }
    self.levels = levels
    self.parameters = parameters
  }

  private static func scale(_ centroids: Matrix) -> Float {
    let square = centroids.elements.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(centroids.elements.count)
    let root = Float(square.squareRoot())
    return root > 1e-18 && root < 1e18 ? root.binade : 1
  }

  /// The centroids of every level, on a tape.
  package func centroids(in pass: ModelPass) -> [Variable] { levels.map { $0.scale * pass[$0.parameter] } }

  /// - Throws: ``QuantizerError/Code/invalidCodebook`` for parameters that are not finite.
  package func codebooks(_ parameters: ParameterSet) throws(QuantizerError) -> ResidualCodebooks {
    try ResidualCodebooks(
      levels: zip(levels, original.levels).map { level, codebook in
        var centroids = parameters[level.parameter]
        centroids.scale(by: level.scale)
        return Codebook(centroids: centroids, prices: codebook.prices)
      })
  }
}
