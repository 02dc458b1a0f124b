import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct PreferenceLossTests {
  @Test func directPreferenceHasNumericGradients() {
    var random = RandomSource(seed: 1)
    let inputs = [normalMatrix(9, 1, using: &random), normalMatrix(9, 1, using: &random)]
    let margin = normalMatrix(9, 1, using: &random).elements
    expectGradients(of: inputs) {
      PreferenceLoss.direct(chosen: $0[0], rejected: $0[1], margin: margin, beta: 0.7)
    }
  }

  @Test func aPolicyThatHasNotMovedLosesLogTwo() {
    let tape = Tape(), logs = Matrix(rows: 2, columns: 1, elements: [-3, -8])
    let loss = PreferenceLoss.direct(
      chosen: tape.parameter(logs), rejected: tape.parameter(Matrix(rows: 2, columns: 1, elements: [-9, -1])),
      margin: [6, -7], beta: 0.3)
    #expect(abs(Double(loss.scalar) - 2.0.logarithm) < 1e-6)
  }

  @Test func logProbabilitiesHaveNumericGradients() {
    var random = RandomSource(seed: 1)
    let logits = normalMatrix(7, 5, using: &random), targets: ContiguousArray<Int32> = [0, 4, 2, 2, 1, 3, 0]
    expectGradients(of: [logits]) { $0[0].logProbabilities(of: targets) }
    let tape = Tape()
    let found = tape.constant(logits).logProbabilities(of: targets).value.elements
    let mean = tape.constant(logits).softmaxCrossEntropy(targets: targets).scalar
    #expect(abs(found.reduce(0, +) / 7 + mean) < 1e-5)
  }

  private struct Step {
    var loss: Float
    var gradient: [Float]
  }

  private func earlyClipped(
    _ ratios: [Float], _ advantages: [Float], weights: [Float]? = nil, clip: Float = 0.2, earlyClip: Float = 0.1
  ) -> Step {
    let tape = Tape()
    let logs = tape.parameter(
      Matrix(rows: ratios.count, columns: 1, elements: ContiguousArray(ratios.map { -5 + Float(log(Double($0))) })))
    let loss = PreferenceLoss.earlyClipped(
      logs, old: ContiguousArray(repeating: -5, count: ratios.count), advantages: ContiguousArray(advantages),
      weights: ContiguousArray(weights ?? ratios.map { _ in 1 }), clip: clip, earlyClip: earlyClip)
    let value = loss.scalar
    return Step(loss: value, gradient: Array(tape.backward(from: loss)[logs]!.elements))
  }

  /// PPO's clipped surrogate and its derivative by log π, one draw at a time.
  private func proximal(_ ratio: Double, _ advantage: Double, clip: Double = 0.2) -> (value: Double, slope: Double) {
    let plain = ratio * advantage, clipped = min(max(ratio, 1 - clip), 1 + clip) * advantage
    return plain <= clipped ? (plain, plain) : (clipped, 0)
  }

  @Test func gainsAreThoseOfPPO() {
    for ratio in stride(from: 0.05, to: 8, by: 0.13) {
      let found = earlyClipped([Float(ratio)], [1.7]), expected = proximal(ratio, 1.7)
      #expect(abs(Double(found.loss) + expected.value) < 1e-4)
      #expect(abs(Double(found.gradient[0]) + expected.slope) < 1e-4)
    }
  }

  @Test func lossesAreThoseOfPPOUpToABoundOfTheGradient() {
    for ratio in stride(from: 0.05, to: 60, by: 0.37) {
      let found = earlyClipped([Float(ratio)], [-1.7]), expected = proximal(min(ratio, 1.3), -1.7)
      #expect(abs(Double(found.loss) + expected.value) < 1e-4)
      #expect(abs(Double(found.gradient[0]) + expected.slope) < 1e-4)
      #expect(abs(found.gradient[0]) <= 1.3 * 1.7 + 1e-4)
      // PPO's grows with the ratio.
      if ratio > 2 { #expect(abs(proximal(ratio, -1.7).slope) > 1.3 * 1.7) }
    }
  }

  @Test func extremesStayFinite() {
    let found = earlyClipped([1e-30, 1e30, 1e30], [-1, -1, 1])
    #expect(found.loss.isFinite && found.gradient.allSatisfy(\.isFinite))
    #expect(found.gradient[0] == 0 && found.gradient[2] == 0)
  }

  @Test func drawsCountAsOftenAsTheyCame() {
    let once = earlyClipped([0.9, 1.1, 1.1], [1, -2, -2]),
      weighed = earlyClipped([0.9, 1.1], [1, -2], weights: [1, 2])
    #expect(abs(once.loss - weighed.loss) < 1e-6)
    #expect(abs(once.gradient[1] + once.gradient[2] - weighed.gradient[1]) < 1e-6)
    #expect(earlyClipped([0.9, 1.1], [0, 0]).gradient == [0, 0])
  }

  @Test func advantagesHaveMeanZeroAndDeviationOne() {
    let rewards: [Float] = [0.1, 0.7, 0.3, 0.9], weights: [Float] = [3, 1, 2, 1]
    let found = PreferenceLoss.advantages(rewards, weights: weights)
    let mean = zip(found, weights).reduce(0) { $0 + $1.0 * $1.1 } / 7
    let square = zip(found, weights).reduce(0) { $0 + $1.0 * $1.0 * $1.1 } / 7
    #expect(abs(mean) < 1e-5 && abs(square - 1) < 1e-4)
    #expect(PreferenceLoss.advantages([0.4, 0.4], weights: [1, 1]) == [0, 0])
    #expect(PreferenceLoss.advantages([0.4], weights: [0]) == [0])
  }
}
