internal import Foundation
package import NeuralNetworks
package import Recommenders

/// What a training tells on its way, with its share of what the machine can do; some of it is kept for the report.
package struct TrainingLog {
  /// The best of matrix products in the training's precision, in GFLOP/s: as measured, or as a step reached, since a
  /// machine that had other work while it was measured shows less than it can.
  package private(set) var peak: Double
  package private(set) var plannedSteps = 0
  /// The first step, and one in every 1 / 200 of all.
  package private(set) var kept: [TrainingEvent] = []

  private static let keptSteps = 200

  package init(peak: Double) { self.peak = peak }

  /// - Returns: a step's event; nil for what is no step.
  package mutating func note(_ progress: GeneratorTraining.Progress) -> TrainingEvent? {
    switch progress {
    case .started(let steps): plannedSteps = steps
    case .epoch: break
    case .step(var event):
      peak = max(peak, event.gigaflopsPerSecond ?? 0)
      if peak > 0 { event.peakShare = event.gigaflopsPerSecond.map { $0 / peak } }
      if event.step % max(1, plannedSteps / Self.keptSteps) == 0 || event.step == 1 { kept.append(event) }
      return event
    }
    return nil
  }
}

extension TrainingEvent {
  /// `loss 5.1234, rate 0.00190, 21000 tokens/s, 34 % of peak`.
  package var progressText: String {
    var parts = [
      String(format: "loss %.4f", loss), String(format: "rate %.5f", learningRate),
      "\(Int(tokensPerSecond.rounded())) tokens/s",
    ]
    if let peakShare { parts.append("\(Int((peakShare * 100).rounded())) % of peak") }
    if let expertImbalance { parts.append(String(format: "experts %.1f", expertImbalance)) }
    return parts.joined(separator: ", ")
  }
}
