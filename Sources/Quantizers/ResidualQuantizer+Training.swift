public import TensorMath

extension ResidualQuantizer {
  /// Trains level after level, each on the residuals that the serving rule leaves.
  ///
  /// - Parameters:
  ///   - x: `n × dimensions`; at most `sampleLimit` rows are used.
  ///   - start: codebooks of the same sizes and dimensions to start from instead of seeds from the data (a refit).
  ///   - progress: called on the calling thread after every iteration.
  /// - Throws: `emptyInput`, `notFinite` naming the row, `invalidParameters`, `dimensionMismatch`.
  public static func train(
    _ x: Matrix, parameters: Parameters, startingFrom start: ResidualCodebooks? = nil,
    progress: (TrainingProgress) -> Void = { _ in }
  ) throws(QuantizerError) -> TrainingResult {
    throw QuantizerError(.invalidParameters, "not yet")
  }
}
