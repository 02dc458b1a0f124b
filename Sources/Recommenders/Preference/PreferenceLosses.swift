internal import RealModule
package import TensorMath

/// The losses that align a generator with a reward, of log-probabilities of what was generated.
package enum PreferenceLoss {
  /// Direct preference optimization (Rafailov et al., 2023; 2502.18965, equation 11): the mean over pairs of
  /// −log σ(β (log π(w) − log π_M(w)) − β (log π(l) − log π_M(l))).
  /// - Parameters:
  ///   - chosen: log π of the better of each pair, `pairs × 1`.
  ///   - rejected: of the worse.
  ///   - margin: log π_M(w) − log π_M(l) under the model that made the pairs.
  ///   - beta: how much a ratio counts; the papers give none.
  /// - Returns: `1 × 1`; log 2 where the policy is that model.
  package static func direct(
    chosen: Variable, rejected: Variable, margin: ContiguousArray<Float>, beta: Float
  ) -> Variable {
    let old = chosen.tape.constant(Matrix(rows: margin.count, columns: 1, elements: margin))
    return (beta * (chosen - rejected - old)).binaryCrossEntropy(
      labels: ContiguousArray(repeating: 1, count: margin.count))
  }

  /// Early-clipped group policy optimization (2506.13695, section 2.5, equations 9 and 10), as a loss: minus the mean of
  /// min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), with ρ = π / max(sg(π) / (1 + ε + δ), π_old).
  ///
  /// Where A > 0 that is PPO's: beyond 1 + ε nothing is gained. Where A < 0, PPO's ratio has no upper bound, and an ID
  /// that became likely since it was drawn throws a gradient of its whole ratio; here the ratio is at most 1 + ε + δ, so
  /// the gradient is at most (1 + ε + δ) |A| |∇ log π|. All in log space: log ρ = min(log π − log π_old,
  /// log(1 + ε + δ)), whose gradient is that of log π.
  /// - Parameters:
  ///   - logProbabilities: log π, `draws × 1`.
  ///   - old: log π_old of the same.
  ///   - advantages: A; a draw of 0 counts in the mean and moves nothing.
  ///   - weights: how often each was drawn.
  ///   - clip: ε.
  ///   - earlyClip: δ.
  /// - Returns: `1 × 1`.
  package static func earlyClipped(
    _ logProbabilities: Variable, old: ContiguousArray<Float>, advantages: ContiguousArray<Float>,
    weights: ContiguousArray<Float>, clip: Float, earlyClip: Float
  ) -> Variable {
    let logs = logProbabilities.value.elements
    precondition(
      logs.count == old.count && logs.count == advantages.count && logs.count == weights.count,
      "an old probability, an advantage and a weight for each draw")
    let total = max(weights.reduce(0, +), .leastNormalMagnitude)
    var (loss, gradient) = (0.0, Matrix(rows: logs.count, columns: 1))
    for (draw, advantage) in advantages.enumerated() {
      let ratio = min(Float.exp(logs[draw] - old[draw]), 1 + clip + earlyClip)
      let clipped = min(max(ratio, 1 - clip), 1 + clip)
      let share = weights[draw] / total
      loss -= Double(share * min(ratio * advantage, clipped * advantage))
      // The other branch does not move with π; where both are the same, the ratio is within its bounds.
      if ratio * advantage <= clipped * advantage { gradient.elements[draw] = -share * ratio * advantage }
    }
    return logProbabilities.reduced(to: Float(loss), gradient: gradient)
  }

  /// A = (r − mean) / deviation over a group (2506.13695, equation 9), each reward counted as often as it was drawn;
  /// zeros where all rewards are about equal.
  package static func advantages(_ rewards: [Float], weights: [Float]) -> [Float] {
    let total = Double(weights.reduce(0, +))
    guard total > 0 else { return rewards.map { _ in 0 } }
    let mean = zip(rewards, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) } / total
    let variance =
      zip(rewards, weights).reduce(0) { $0 + (Double($1.0) - mean) * (Double($1.0) - mean) * Double($1.1) } / total
    guard variance > 1e-12 else { return rewards.map { _ in 0 } }
    return rewards.map { Float((Double($0) - mean) / variance.squareRoot()) }
  }
}
