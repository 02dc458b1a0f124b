package import NeuralNetworks
package import TensorMath

/// The layers of a ``Generator``, of either backbone.
package protocol GeneratorNetwork: Sendable {
  associatedtype Reader: HistoryReader
  /// What it has read of histories.
  associatedtype Reading

  var tables: CodeTables { get }

  /// What a step learns from.
  /// - Parameters:
  ///   - legality: what the softmaxes over codes run over.
  ///   - dense: what a network with a dense head adds for it; nil for nothing.
  /// - Returns: nil where nothing is to learn.
  func loss(
    of batch: TrainingSequences.Batch, _ sequences: TrainingSequences, _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality, dense: DenseObjective?, in pass: ModelPass
  ) -> GeneratorLoss?

  /// What is lost on one item behind each history.
  /// - Parameters:
  ///   - next: with codes.
  ///   - users: as many, whose histories may be empty.
  /// - Returns: nil without a user.
  func loss(
    of next: [UInt32], behind users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> GeneratorLoss?

  /// Makes the network ready to recommend: parameters in the form that products take them in, once for all users.
  /// - Parameter precision: of the factors of products.
  func reader(_ vocabulary: GeneratorVocabulary, _ parameters: ParameterSet, precision: WeightPrecision) -> Reader

  /// Reads some users' histories, to write behind them.
  /// - Parameter users: whose histories may be empty.
  func reading(_ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass) -> Reading

  /// What the decoder makes of sequences that are given, whether items have their codes or not.
  /// - Returns: a row for each choice of each sequence, in order: what its logits are made of.
  func outputs(
    _ sequences: [WrittenSequence], behind reading: Reading, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable
}

/// Codes behind a history, and which of them are looked at.
package struct WrittenSequence: Sendable {
  /// The choice of one code.
  package struct Choice: Sendable {
    /// The place of the item in the session.
    package var item: Int
    package var level: Int
  }

  /// By number; sequences behind one history follow one another.
  package var history: Int
  /// Items that are written whole. The one-position network writes one item, so none stands before it.
  package var session: [UInt32] = []
  /// The first codes of the item behind them.
  package var codes: ContiguousArray<UInt16> = []
  /// Those behind the session, or within it.
  package var choices: [Choice]
}

/// The loss of a step.
package struct GeneratorLoss {
  /// `1 × 1`: the mean over items, in nats.
  package let value: Variable
  /// That were to predict.
  package let items: Int
}

extension GeneratorNetwork {
  /// What items are read as, before the normalization: the sum of their codes' and prefixes' vectors.
  /// - Parameter items: rows of the item table, with codes; -1 for zeros.
  /// - Returns: `items × width`.
  package func itemVectors(
    _ items: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable { tables.itemVectors(items, vocabulary, in: pass) }

  /// What the dense head compares with items' vectors.
  /// - Parameter states: `rows × width`.
  /// - Returns: `rows × width`; nil for a network without the head.
  package func denseQueries(_ states: Variable, in pass: ModelPass) -> Variable? {
    tables.denseQueries(states, in: pass)
  }

  /// - Parameters:
  ///   - outputs: of the decoder for choices of one level.
  ///   - level: counted from 0.
  ///   - prefixes: what was written before each of them, by number; -1 for codes that no item begins with.
  /// - Returns: `outputs × codebook size`.
  package func logits(
    _ outputs: Variable, level: Int, behind prefixes: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary,
    in pass: ModelPass
  ) -> Variable { tables.logits(outputs, level: level, behind: prefixes, vocabulary, in: pass) }
}

extension GeneratorConfiguration {
  /// The layers that it asks for.
  package func network(
    _ scope: ParameterScope, _ vocabulary: GeneratorVocabulary
  ) throws(NeuralNetworksError) -> any GeneratorNetwork {
    switch backbone {
    case .onePosition: try OnePositionNetwork(scope, self, vocabulary)
    case .encoderDecoder: try EncoderDecoderNetwork(scope, self, vocabulary)
    }
  }
}
