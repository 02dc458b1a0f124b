import Recommenders
import TensorMath
import Testing

@Suite struct AreaUnderCurveTests {
  /// All pairs of one liked and one disliked example.
  private func reference(_ scores: [Float], _ labels: [Float]) -> Double? {
    var sum = 0.0, pairs = 0
    for liked in scores.indices where labels[liked] == 1 {
      for disliked in scores.indices where labels[disliked] == 0 {
        sum += scores[liked] > scores[disliked] ? 1 : scores[liked] == scores[disliked] ? 0.5 : 0
        pairs += 1
      }
    }
    return pairs > 0 ? sum / Double(pairs) : nil
  }

  @Test(arguments: [2, 5, 1000])
  func itIsTheShareOfPairsInOrder(distinctScores: Int) throws {
    for seed in 0..<20 as Range<UInt64> {
      var random = RandomSource(seed: seed)
      let count = Int.random(in: 2...120, using: &random)
      let scores = (0..<count).map { _ in Float(Int.random(in: 0..<distinctScores, using: &random)) / 7 }
      let labels = (0..<count).map { _ in random.nextUniform() < 0.3 ? Float(1) : 0 }
      #expect(AreaUnderCurve.measure(scores, labels: labels) == reference(scores, labels))
    }
  }

  @Test func perfectReversedAndConstantScoresAreOneZeroAndAHalf() {
    #expect(AreaUnderCurve.measure([1, 2, 3, 4], labels: [0, 0, 1, 1]) == 1)
    #expect(AreaUnderCurve.measure([4, 3, 2, 1], labels: [0, 0, 1, 1]) == 0)
    #expect(AreaUnderCurve.measure([7, 7, 7], labels: [0, 1, 0]) == 0.5)
    #expect(AreaUnderCurve.measure([-Float.infinity, .infinity], labels: [0, 1]) == 1)
  }

  @Test func oneKindOfExampleHasNone() {
    #expect(AreaUnderCurve.measure([1, 2], labels: [1, 1]) == nil)
    #expect(AreaUnderCurve.measure([], labels: []) == nil)
  }
}
