internal import TensorMath

/// Trains an aligner on random vectors and pairs: only the speed counts.
package enum AlignerBenchmark {
  package struct Result: Sendable, Encodable {
    package var product = ""
    package var fusion: String
    package var precision: String
    package var batch: Int
    package var steps: Int
    package var step_s: Double
    package var pairs_per_s: Double
  }

  package static func isKnown(fusion: String, precision: String) -> Bool {
    AlignerConfiguration.Fusion(rawValue: fusion) != nil && WeightPrecision(rawValue: precision) != nil
  }

  /// - Parameters:
  ///   - items: that pairs are drawn from; the fewer, the more a batch meets again.
  ///   - dimensions: of each modality's vectors.
  ///   - steps: that are timed, after two that are not.
  package static func run(
    items: Int, dimensions: [Int], fusion: String, batch: Int, steps: Int, precision: String
  ) throws -> Result {
    guard let fusion = AlignerConfiguration.Fusion(rawValue: fusion),
      let precision = WeightPrecision(rawValue: precision)
    else { preconditionFailure("a fusion and a precision that isKnown(fusion:precision:) does not know") }
    var random = RandomSource(seed: 1)
    let modalities = dimensions.enumerated().map { index, columns in
      ModalityBatch(
        name: "modality\(index)",
        vectors: Matrix(
          rows: items, columns: columns,
          elements: ContiguousArray((0..<items * columns).map { _ in random.nextNormal() })),
        isPresent: (0..<items).map { _ in random.nextUniform() < 0.9 })
    }
    let pairs = PairTable(
      itemCount: items,
      (0..<items).map { row in
        .init(
          trigger: UInt32(row), target: UInt32((row + 1 + Int.random(in: 0..<items - 1, using: &random)) % items),
          source: .swing, weight: 1, support: 1)
      })
    var configuration = AlignerConfiguration(
      modalities: modalities.map { .init(name: $0.name, dimensions: $0.vectors.columns) })
    configuration.fusion = fusion
    var parameters = AlignerTraining.Parameters()
    parameters.batch = batch
    parameters.precision = precision
    var run = try AlignerRun(
      AlignerTraining(configuration, parameters: parameters), modalities, pairs, HeldOutPairs())
    let seconds = try FreedMemory.keeping {
      for _ in 0..<2 { try run.makeStep() }
      let start = ContinuousClock.now
      for _ in 0..<steps { try run.makeStep() }
      return (ContinuousClock.now - start) / .seconds(1) / Double(steps)
    }
    return Result(
      fusion: fusion.rawValue, precision: precision.rawValue, batch: batch, steps: steps, step_s: seconds,
      pairs_per_s: (Double(batch) / seconds).rounded())
  }
}
