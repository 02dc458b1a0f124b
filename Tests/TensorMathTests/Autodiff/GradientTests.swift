import TensorMath
import TestSupport
import Testing

/// Every operation's gradient against central differences.
@Suite struct GradientTests {
  static func inputs(_ shapes: (Int, Int)...) -> [Matrix] {
    var random = RandomSource(seed: 7)
    return shapes.map { normalMatrix($0.0, $0.1, using: &random) }
  }

  @Test func sumsAndDifferences() {
    expectGradients(of: Self.inputs((3, 5), (3, 5))) { $0[0] + $0[1] - 0.5 * $0[0] }
    expectGradients(of: Self.inputs((3, 5))) { $0[0] + $0[0] }
  }

  @Test func productsByElement() {
    expectGradients(of: Self.inputs((4, 17), (4, 17))) { $0[0] * $0[1] }
    expectGradients(of: Self.inputs((4, 3))) { $0[0] * $0[0] }
  }

  @Test(arguments: Activation.allCases)
  func activations(_ activation: Activation) {
    // Away from the corners, where a difference sees both sides.
    var input = Self.inputs((5, 19))
    for index in input[0].elements.indices where abs(input[0].elements[index]) < 0.05 { input[0].elements[index] = 0.2 }
    expectGradients(of: input) { $0[0].activated(activation) }
  }

  @Test(arguments: [Activation.identity, .gelu, .silu])
  func linearLayers(_ activation: Activation) {
    expectGradients(of: Self.inputs((6, 5), (7, 5), (1, 7))) {
      $0[0].linear($0[1], bias: $0[2], activation: activation)
    }
  }

  @Test func linearLayersWithoutBias() {
    expectGradients(of: Self.inputs((3, 20), (50, 20))) { $0[0].linear($0[1]) }
  }

  @Test func gatedUnits() { expectGradients(of: Self.inputs((3, 21), (3, 21))) { $0[0].gating($0[1]) } }

  @Test(arguments: [5, 16, 35])
  func layerNormalization(width: Int) {
    expectGradients(of: Self.inputs((4, width), (1, width), (1, width))) {
      $0[0].layerNormalized(scale: $0[1], shift: $0[2])
    }
  }

  @Test(arguments: [5, 16, 35])
  func rootMeanSquareNormalization(width: Int) {
    expectGradients(of: Self.inputs((4, width), (1, width))) { $0[0].rootMeanSquareNormalized(scale: $0[1]) }
  }

  @Test func unitLength() { expectGradients(of: Self.inputs((4, 18))) { $0[0].unitRows() } }

  @Test func dropout() {
    expectGradients(of: Self.inputs((6, 20))) {
      var random = RandomSource(seed: 3)
      return $0[0].dropout(0.4, using: &random)
    }
  }

  @Test func selectedAndScatteredRows() {
    expectGradients(of: Self.inputs((5, 70))) { $0[0].selectingRows([4, 0, -1, 4, 2]) }
    expectGradients(of: Self.inputs((5, 70))) { $0[0].scatteringRows(to: [3, 0, -1, 3, 1], of: 6) }
  }

  @Test func scaledRowsAndSegmentMeans() {
    expectGradients(of: Self.inputs((4, 9), (4, 1))) { $0[0].scalingRows(by: $0[1]) }
    expectGradients(of: Self.inputs((6, 3))) { $0[0].segmentMeans([0, 2, 2, 6]) }
  }

  @Test func partsSideBySideAndBelowOneAnother() {
    expectGradients(of: Self.inputs((3, 4), (3, 2))) { .concatenatingColumns([$0[0], $0[1], $0[0]]) }
    expectGradients(of: Self.inputs((3, 4), (2, 4))) { .concatenatingRows([$0[0], $0[1]]) }
    expectGradients(of: Self.inputs((3, 6))) { $0[0].columns(1..<4) }
    expectGradients(of: Self.inputs((3, 6))) { $0[0].mean() }
    expectGradients(of: Self.inputs((3, 6))) { $0[0].reshaped(rows: 9) }
  }

  @Test func attentionOfSequencesToThemselves() {
    let layout = AttentionLayout(selfAttentionOver: [0, 4, 5, 9], isCausal: false)
    expectGradients(of: Self.inputs((9, 3 * 6))) { $0[0].selfAttending(heads: 2, layout: layout) }
  }

  @Test func causalAttention() {
    let layout = AttentionLayout(selfAttentionOver: [0, 6, 8], isCausal: true)
    expectGradients(of: Self.inputs((8, 3 * 4))) { $0[0].selfAttending(heads: 1, layout: layout) }
  }

  @Test func attentionToOtherRows() {
    let layout = AttentionLayout(
      segments: [
        .init(queries: 0..<2, keys: 0..<3), .init(queries: 2..<4, keys: 0..<3), .init(queries: 4..<5, keys: 3..<5),
      ],
      visibility: .prefix([1, 2, 3, 3, 2]))
    expectGradients(of: Self.inputs((5, 8), (5, 8), (5, 8))) {
      $0[0].attending(to: $0[1], values: $0[2], heads: 2, layout: layout)
    }
    expectGradients(of: Self.inputs((5, 8), (5, 16))) {
      $0[0].attending(toKeysAndValues: $0[1], heads: 4, layout: layout)
    }
  }

  @Test func attentionOverMoreQueriesThanABlock() {
    let layout = AttentionLayout(selfAttentionOver: [0, 150], isCausal: true)
    expectGradients(of: Self.inputs((150, 3))) { $0[0].selfAttending(heads: 1, layout: layout) }
  }

  @Test func crossEntropies() {
    expectGradients(of: Self.inputs((4, 19))) { $0[0].softmaxCrossEntropy(targets: [0, 18, -1, 3]) }
    expectGradients(of: Self.inputs((3, 5))) { $0[0].softmaxCrossEntropy(targets: [4, 1, 2], weights: [1, 0.5, 3]) }
    expectGradients(of: Self.inputs((4, 1))) { $0[0].binaryCrossEntropy(labels: [0, 1, 0.3, 1]) }
  }

  @Test func squaredDistances() {
    expectGradients(of: Self.inputs((4, 6), (4, 6))) { $0[0].meanSquaredDistance(to: $0[1]) }
  }
}
