import Foundation
import NeuralNetworks
import TensorMath
import Testing

@Suite struct TrainingBenchmarkTests {
  private var small: TrainingBenchmark.Shape {
    var shape = TrainingBenchmark.Shape()
    shape.width = 64
    shape.hidden = 128
    shape.layers = 2
    shape.batch = 16
    shape.source = 24
    shape.target = 8
    shape.vocabulary = 100
    return shape
  }

  /// The stated bound: each of ten steps' losses is within 1 % of f32's with halves and within 2 % with bfloat16.
  @Test(arguments: [(WeightPrecision.half, Float(0.01)), (.brain, 0.02)])
  func roundedProductsTrainAsSingleOnesDo(precision: WeightPrecision, bound: Float) throws {
    let exact = try TrainingBenchmark.losses(small, precision: .single, steps: 10)
    let rounded = try TrainingBenchmark.losses(small, precision: precision, steps: 10)
    #expect(try #require(exact.last) < exact[0])
    for (exact, rounded) in zip(exact, rounded) { #expect(abs(rounded - exact) < bound * exact) }
  }

  @Test func theFiguresHaveThePeersKeys() throws {
    let result = try TrainingBenchmark.run(small, precision: .single, steps: 1)
    let text = String(decoding: try JSONEncoder().encode(result), as: UTF8.self)
    for key in ["precision", "step_s", "source_tokens_per_s", "gflop_per_s"] { #expect(text.contains("\"\(key)\"")) }
    #expect(result.stepSeconds > 0)
  }

  /// peers/train_recommender.py's formula, worked out by hand for its default sizes.
  @Test func operationsAreCountedAsThePeerDoes() {
    let encoder = 192 * 4 * (4 * 65_536 + 524_288) + 4 * 2 * 36_864 * 256
    let decoder =
      20 * (4 * (6 * 65_536 + 524_288) + 256 * 772) + 4 * (192 * 131_072 + 2 * 400 * 256 + 2 * 192 * 20 * 256)
    #expect(TrainingBenchmark.Shape().operations == Double(6 * 64 * (encoder + decoder)))
  }
}
