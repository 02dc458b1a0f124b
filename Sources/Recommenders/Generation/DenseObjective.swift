internal import NeuralNetworks
internal import RealModule
internal import TensorMath

/// What a dense head learns: to tell the next item from the batch's other targets and from random items.
package struct DenseObjective: Sendable {
  /// Of its loss, next to the generation's.
  package let weight: Float
  private let negatives: Int
  /// Items with codes.
  private let items: ContiguousArray<Int32>
  /// By row of the item table.
  private let popularity: ContiguousArray<UInt32>
  private let events: Double

  /// - Parameters:
  ///   - negatives: random items that are drawn for a batch, repetitions and targets included.
  ///   - popularity: events of each item in training.
  package init(
    weight: Float, negatives: Int, _ vocabulary: GeneratorVocabulary, popularity: ContiguousArray<UInt32>
  ) {
    self.weight = weight
    self.negatives = negatives
    self.popularity = popularity
    items = ContiguousArray((0..<Int32(popularity.count)).lazy.filter { vocabulary.knows(UInt32($0)) })
    events = max(1, popularity.reduce(0) { $0 + Double($1) })
  }

  package struct Candidates {
    /// Each once.
    package var items: ContiguousArray<Int32> = []
    /// −log of about the probability with which each is among them, so that being drawn often does not make an item
    /// seem unlikely (Bengio and Senécal, 2008).
    package var offsets: ContiguousArray<Float> = []
    /// For each target its place among them.
    package var targets: ContiguousArray<Int32> = []
  }

  package func draw(
    targets: some Sequence<Int32>, using random: inout some RandomNumberGenerator
  ) -> Candidates {
    var (result, places): (Candidates, [Int32: Int32]) = (Candidates(), [:])
    func place(_ item: Int32) -> Int32 {
      if let place = places[item] { return place }
      places[item] = Int32(result.items.count)
      result.items.append(item)
      return Int32(result.items.count - 1)
    }
    for target in targets { result.targets.append(place(target)) }
    for _ in 0..<negatives { _ = place(items[Int.random(in: 0..<items.count, using: &random)]) }
    let uniform = Double(negatives) / Double(items.count), batch = Double(result.targets.count) / events
    result.offsets = ContiguousArray(
      result.items.lazy.map { item in
        let expected = uniform + batch * Double(popularity[Int(item)])
        return Float(-Double.log(1 - Double.exp(-max(expected, 1e-9))))
      })
    return result
  }
}

extension GeneratorNetwork {
  /// The mean −log of the target's share among the batch's targets and some random items, in nats.
  /// - Parameters:
  ///   - states: what has seen the history before each target, one row a target.
  ///   - targets: rows of the item table.
  /// - Returns: `1 × 1`; nil for a network without the head.
  func denseLoss(
    _ states: Variable, targets: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary,
    _ objective: DenseObjective, in pass: ModelPass
  ) -> Variable? {
    guard let queries = denseQueries(states, in: pass) else { return nil }
    let candidates = objective.draw(targets: targets, using: &pass.random)
    return queries.linearCrossEntropy(
      itemVectors(candidates.items, vocabulary, in: pass),
      bias: pass.tape.constant(
        Matrix(rows: 1, columns: candidates.offsets.count, elements: candidates.offsets)),
      targets: candidates.targets)
  }
}
