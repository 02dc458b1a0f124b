internal import BehaviorAlignment
internal import ItemCatalog
internal import TensorMath

/// What the aligner is trained on: the vectors of items in memory, and pairs that number these.
struct AlignmentData {
  let modalities: [ModalityBatch]
  /// The row of the item table of each item.
  let tableRows: [UInt32]
  let pairs: PairTable
  let heldOut: HeldOutPairs

  /// Takes all embedded items or, where they are more than the limit, those in most pairs; pairs with an item that is
  /// not taken are left out.
  ///
  /// Memory: the limit times the floats of an item's embeddings.
  init(_ context: RunContext, pairs: PairTable, heldOut: HeldOutPairs, itemLimit: Int) throws {
    let embeddings = try EmbeddingReader(context)
    let folder = context.workspace.stage(.encode)
    let tableRows = try ColumnFileReader<UInt32>(path: EncodeFiles.rows(folder), columns: 1, rows: embeddings.rows)
      .read(0..<embeddings.rows)
    let taken = Self.taken(tableRows, pairs, limit: itemLimit)
    self.tableRows = taken.map { tableRows[$0] }
    var places = [Int32](repeating: -1, count: pairs.itemCount)
    for (place, row) in self.tableRows.enumerated() { places[Int(row)] = Int32(place) }
    self.pairs = pairs.mapping(places, itemCount: taken.count)
    self.heldOut = heldOut.mapping(places)
    modalities = try Self.load(embeddings, taken)
    guard !self.pairs.isEmpty else {
      throw AlignmentError(
        .noPairs, "none of the \(pairs.count) pairs has vectors on both sides; look at what the encode stage rejected")
    }
  }

  /// Positions among the embedded rows, ascending.
  private static func taken(_ tableRows: ContiguousArray<UInt32>, _ pairs: PairTable, limit: Int) -> [Int] {
    guard tableRows.count > limit else { return Array(tableRows.indices) }
    var counts = [UInt32](repeating: 0, count: pairs.itemCount)
    for index in 0..<pairs.count {
      counts[Int(pairs.triggers[index])] &+= 1
      counts[Int(pairs.targets[index])] &+= 1
    }
    let order = tableRows.indices.sorted { first, second in
      let (a, b) = (counts[Int(tableRows[first])], counts[Int(tableRows[second])])
      return a == b ? first < second : a > b
    }
    return order.prefix(limit).sorted()
  }

  private static func load(_ embeddings: EmbeddingReader, _ taken: [Int]) throws -> [ModalityBatch] {
    var parts: [[ModalityBatch]] = []
    var next = 0
    try embeddings.forEachBlock { batches, rows in
      let first = next
      while next < taken.count, taken[next] < rows.upperBound { next += 1 }
      let selected = taken[first..<next].map { $0 - rows.lowerBound }
      parts.append(batches.map { $0.selecting(selected) })
    }
    return (parts.first ?? []).indices.map { modality in ModalityBatch(joining: parts.map { $0[modality] }) }
  }
}
