import NeuralNetworks
import Recommenders
import TensorMath

// Users of whom nothing is known but their latest items.

extension HistoryTokens {
  init(_ histories: [[UInt32]], _ vocabulary: GeneratorVocabulary) {
    self.init(histories.map { UserContext(items: $0) }, vocabulary)
  }
}

extension EncoderDecoderNetwork {
  func loss(
    _ histories: [[UInt32]], targets: [[UInt32]], _ vocabulary: GeneratorVocabulary, dense: DenseObjective? = nil,
    in pass: ModelPass
  ) -> Variable? {
    loss(histories.map { UserContext(items: $0) }, targets: targets, vocabulary, dense: dense, in: pass)
  }

  func scorer(
    _ histories: [[UInt32]], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> EncoderDecoderScorer { scorer(histories.map { UserContext(items: $0) }, vocabulary, in: pass) }
}

extension HistoryReader {
  func scorer(_ histories: [[UInt32]], reusing former: Scorer? = nil) -> Scorer {
    scorer(histories.map { UserContext(items: $0) }, reusing: former)
  }
}

extension GeneratorNetwork {
  func logProbabilities(
    of written: [WrittenIDs], behind histories: [[UInt32]], legality: CodeLegality, _ vocabulary: GeneratorVocabulary,
    in pass: ModelPass
  ) -> Variable {
    logProbabilities(
      of: written, behind: histories.map { UserContext(items: $0) }, legality: legality, vocabulary, in: pass)
  }

  func drawIDs(
    _ count: Int, behind histories: [[UInt32]], users: [Int], _ sampling: CodeSampling,
    _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> [[DrawnID]] {
    drawIDs(
      count, behind: histories.map { UserContext(items: $0) }, users: users, sampling, vocabulary, in: pass)
  }
}
