package import TensorMath

/// Cuts users' sequences into pieces and packs these into batches without padding, one behind the other.
package struct SequenceSampler: Sendable {
  /// Packed pieces. Of each piece, position i is an input and position i + 1 its target.
  package struct Batch: Sendable {
    /// Where pieces begin, and behind the last the number of positions.
    package var offsets: [Int] = [0]
    /// The item at each position.
    package var inputs: ContiguousArray<Int32> = []
    /// The item behind it.
    package var targets: ContiguousArray<Int32> = []

    package var positions: Int { inputs.count }
  }

  private let items: ContiguousArray<Int32>
  /// Each has at least two items.
  private let pieces: [Range<Int>]
  /// Positions that all pieces have together: their items but the last of each.
  package let positions: Int
  private let positionsPerBatch: Int

  /// - Parameters:
  ///   - sequences: numbers of items, by user.
  ///   - maximumHistory: positions of a piece. A longer sequence gives several, cut from its end, each with the item
  ///     before it as its first input.
  ///   - positionsPerBatch: about that many; at least one piece.
  package init(_ sequences: [ContiguousArray<Int32>], maximumHistory: Int, positionsPerBatch: Int) {
    precondition(maximumHistory > 0 && positionsPerBatch > 0, "a batch holds at least one position")
    var items = ContiguousArray<Int32>(), pieces: [Range<Int>] = []
    for sequence in sequences where sequence.count > 1 {
      let start = items.count
      items += sequence
      var end = items.count
      while end - start > 1 {
        pieces.append(max(start, end - maximumHistory - 1)..<end)
        end -= maximumHistory
      }
    }
    self.items = items
    self.pieces = pieces
    positions = pieces.reduce(0) { $0 + $1.count - 1 }
    self.positionsPerBatch = max(positionsPerBatch, maximumHistory)
  }

  /// Of all that batches are made of.
  var fingerprint: String {
    var identity = TrainingIdentity("sequences of \(positionsPerBatch) positions a batch")
    identity.add(ContiguousArray(items.lazy.map { UInt32(bitPattern: $0) }))
    identity.add(ContiguousArray(pieces.lazy.flatMap { [UInt32($0.lowerBound), UInt32($0.upperBound)] }))
    return identity.text
  }

  /// Batches of an epoch: always as many, so that a schedule can be laid over them.
  package var batchesPerEpoch: Int { (positions + positionsPerBatch - 1) / positionsPerBatch }

  /// The batches of an epoch, in a new order. Lazy: one batch is in memory at a time.
  package func epoch(using random: inout RandomSource) -> some Sequence<Batch> {
    let order = pieces.shuffled(using: &random)
    var bounds = [0], position = 0
    for (index, piece) in order.enumerated() {
      // A batch ends when it is full, and early where long pieces at the end would leave too few for the batches to come.
      let missing = batchesPerEpoch - bounds.count
      let isFull = position >= positionsPerBatch * bounds.count || order.count - index <= missing
      if isFull, missing > 0 { bounds.append(index) }
      position += piece.count - 1
    }
    bounds.append(order.count)
    return zip(bounds, bounds.dropFirst()).lazy.map { self.batch(order[$0..<$1]) }
  }

  private func batch(_ pieces: ArraySlice<Range<Int>>) -> Batch {
    var batch = Batch()
    for piece in pieces {
      batch.inputs += items[piece.dropLast()]
      batch.targets += items[piece.dropFirst()]
      batch.offsets.append(batch.inputs.count)
    }
    return batch
  }
}
