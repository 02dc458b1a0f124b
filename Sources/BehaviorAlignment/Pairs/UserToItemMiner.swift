public import TensorMath

/// User-to-item pairs (QARM, section 3.1): for every event of a user as target, the trigger is the item most similar
/// to it, by item-ID embeddings, among the user's latest events before it. ``TwoTowerModel/rowVectors`` are such
/// embeddings.
///
/// Similarity is the cosine. A pair's weight and support are the number of users that it was chosen for.
///
/// Work is `events · history · dimensions`, done as matrix products of blocks of one user's events; memory beyond the
/// normalized embeddings is 16 bytes per event.
public struct UserToItemMiner: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Events before the target among which the trigger is chosen: the latest ones.
    public var history = 50
    /// Triggers less similar than this are no pair.
    public var minimumSimilarity: Float = -1

    public init() {}
  }

  /// Users per parallel task, and targets per matrix product.
  private static let chunkSize = 64
  private static let blockSize = 64

  private let parameters: Parameters

  public init(parameters: Parameters = Parameters()) throws(AlignmentError) {
    guard (1...1000).contains(parameters.history) else {
      throw AlignmentError(
        .invalidParameter, "userToItem: expected a history of 1 to 1000, found \(parameters.history)")
    }
    guard (-1...1).contains(parameters.minimumSimilarity) else {
      throw AlignmentError(
        .invalidParameter,
        "userToItem: expected a minimumSimilarity from -1 to 1, found \(parameters.minimumSimilarity)")
    }
    self.parameters = parameters
  }

  /// Mines a training window.
  /// - Parameters:
  ///   - embeddings: `items × dimensions`, one row per row of the item table. An item with a row of zeros has no
  ///     embedding and is neither trigger nor target.
  ///   - isCancelled: asked between blocks of users, from several threads.
  /// - Returns: Pairs; `candidates` counts those that any user's event chose, dissimilar ones included.
  /// - Throws: ``AlignmentError/Code/cancelled``, and ``AlignmentError/Code/invalidParameter`` for embeddings of
  ///   another number of items or with a value that is not finite.
  public func mine(
    _ split: TrainingSplit, embeddings: Matrix, isCancelled: @Sendable () -> Bool = { false }
  ) throws(AlignmentError) -> MinedPairs {
    let history = split.history
    guard embeddings.rows == history.itemCount else {
      throw AlignmentError(
        .invalidParameter, "userToItem: \(embeddings.rows) embeddings for \(history.itemCount) items")
    }
    if let row = embeddings.firstNonFiniteRow() {
      throw AlignmentError(.invalidParameter, "userToItem: the embedding of item \(row) has a value that is not finite")
    }
    let units = unitRows(embeddings)
    let parts = Parallelism.mapChunks(of: history.userCount, size: Self.chunkSize) { users in
      isCancelled() ? [] : users.reduce(into: []) { choose(split, user: $1, units, into: &$0) }
    }
    guard !isCancelled() else { throw AlignmentError(.cancelled, "mining was stopped") }
    return collect(parts, units)
  }

  /// Copies rows to unit length; zeros stay.
  private func unitRows(_ embeddings: Matrix) -> Matrix {
    var result = embeddings
    for (row, square) in embeddings.rowSquaredNorms().enumerated() where square > 0 {
      let scale = 1 / square.squareRoot()
      for index in row * result.columns..<(row + 1) * result.columns { result.elements[index] *= scale }
    }
    return result
  }

  /// Adds what a user's targets choose: `trigger << 32 | target`, each once.
  private func choose(_ split: TrainingSplit, user: Int, _ units: Matrix, into choices: inout ContiguousArray<UInt64>) {
    let range = split.trainingRange(ofUser: user)
    let items = split.history.items
    let usable = range.filter { position in units.row(Int(items[position])).contains { $0 != 0 } }
    guard usable.count > 1 else { return }
    let rows = usable.map { Int(items[$0]) }
    var keys: ContiguousArray<UInt64> = []
    for start in stride(from: 1, to: rows.count, by: Self.blockSize) {
      let targets = start..<min(rows.count, start + Self.blockSize)
      let window = max(0, start - parameters.history)..<targets.upperBound - 1
      let similarity = matrixProduct(
        units.selectingRows(rows[targets]), units.selectingRows(rows[window]), transposingRight: true)
      for target in targets {
        var best: (place: Int, value: Float)?
        // The latest of equals.
        for place in (max(0, target - parameters.history)..<target).reversed() where rows[place] != rows[target] {
          let value = similarity[target - start, place - window.lowerBound]
          if value > best?.value ?? -.infinity { best = (place, value) }
        }
        guard let best else { continue }
        keys.append(UInt64(rows[best.place]) << 32 | UInt64(rows[target]))
      }
    }
    keys.sort()
    for (index, key) in keys.enumerated() where index == 0 || keys[index - 1] != key { choices.append(key) }
  }

  private func collect(_ parts: [ContiguousArray<UInt64>], _ units: Matrix) -> MinedPairs {
    var keys: ContiguousArray<UInt64> = []
    keys.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    for part in parts { keys.append(contentsOf: part) }
    keys.sort()
    var part = MinedPairs.Part()
    var start = 0
    while start < keys.count {
      var end = start + 1
      while end < keys.count, keys[end] == keys[start] { end += 1 }
      let trigger = UInt32(truncatingIfNeeded: keys[start] >> 32), target = UInt32(truncatingIfNeeded: keys[start])
      part.candidates += 1
      if isSimilar(units.row(Int(trigger)), units.row(Int(target))) {
        part.pairs.append(
          PairTable.Pair(
            trigger: trigger, target: target, source: .userToItem, weight: Float(end - start),
            support: UInt32(end - start)))
      }
      start = end
    }
    return MinedPairs([part], source: .userToItem, itemCount: units.rows)
  }

  private func isSimilar(_ trigger: ArraySlice<Float>, _ target: ArraySlice<Float>) -> Bool {
    guard parameters.minimumSimilarity > -1 else { return true }
    return zip(trigger, target).reduce(0) { $0 + $1.0 * $1.1 } >= parameters.minimumSimilarity
  }
}
