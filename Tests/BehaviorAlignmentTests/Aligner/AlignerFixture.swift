import BehaviorAlignment
import TensorMath
import TestSupport

/// Items of a few kinds. Behavior ties items of a kind; their vectors show it in a direction that noise drowns.
struct AlignerFixture {
  static let kinds = 12
  let kind: [Int]
  let modalities: [ModalityBatch]
  let pairs: PairTable
  let validation: HeldOutPairs

  init(items: Int = 360, seed: UInt64 = 1) {
    var random = RandomSource(seed: seed)
    let kind = (0..<items).map { _ in Int.random(in: 0..<Self.kinds, using: &random) }
    modalities = [
      Self.batch("text", 24, kind, missing: 7, strength: 0.9, &random),
      Self.batch("image", 16, kind, missing: 3, strength: 0.7, &random),
    ]
    var chosen: [PairTable.Pair] = []
    var heldOut: [(UInt32, UInt32)] = []
    for first in 0..<items {
      for second in 0..<items where first != second && kind[first] == kind[second] {
        switch Int.random(in: 0..<12, using: &random) {
        case 0...2:
          chosen.append(
            PairTable.Pair(trigger: UInt32(first), target: UInt32(second), source: .swing, weight: 1, support: 2))
        case 3 where first % 4 == 0: heldOut.append((UInt32(first), UInt32(second)))
        default: break
        }
      }
    }
    self.kind = kind
    pairs = PairTable(itemCount: items, chosen)
    validation = HeldOutPairs(heldOut)
  }

  /// Every `missing`-th item lacks the modality.
  private static func batch(
    _ name: String, _ columns: Int, _ kind: [Int], missing: Int, strength: Float, _ random: inout RandomSource
  ) -> ModalityBatch {
    let directions = normalMatrix(kinds, columns, using: &random)
    var vectors = normalMatrix(kind.count, columns, using: &random)
    for row in 0..<kind.count {
      for column in 0..<columns { vectors[row, column] += strength * directions[kind[row], column] }
      // A loud direction that says nothing.
      vectors[row, 0] *= 6
    }
    return ModalityBatch(name: name, vectors: vectors, isPresent: (0..<kind.count).map { $0 % missing != 1 })
  }

  func configuration(_ fusion: AlignerConfiguration.Fusion = .queries) -> AlignerConfiguration {
    var configuration = AlignerConfiguration(
      modalities: modalities.map { .init(name: $0.name, dimensions: $0.vectors.columns) })
    configuration.fusion = fusion
    configuration.width = 16
    configuration.tokensPerModality = 2
    configuration.queries = 2
    configuration.layers = 1
    configuration.heads = 2
    configuration.dimensions = 16
    return configuration
  }

  func parameters(steps: Int = 150) -> AlignerTraining.Parameters {
    var parameters = AlignerTraining.Parameters()
    parameters.batch = 128
    parameters.steps = steps
    parameters.learningRate = 3e-3
    parameters.warmup = 10
    parameters.evaluationInterval = 50
    return parameters
  }

  func train(
    _ fusion: AlignerConfiguration.Fusion = .queries, _ parameters: AlignerTraining.Parameters? = nil
  ) throws -> AlignerTraining.Result {
    try AlignerTraining(configuration(fusion), parameters: parameters ?? self.parameters())
      .train(modalities, pairs: pairs, validation: validation)
  }
}
