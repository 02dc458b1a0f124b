internal import Quantizers
internal import SemanticIDStore
internal import TensorMath

/// The VQ codes of a tuned generation: those that are served, or, where vectors moved, those of the moved ones, from an
/// item set that is chosen as on a night that fits codebooks anew.
struct TunedNeighbors {
  let columns: NeighborColumns
  /// The fingerprint of an item set that was made for them; nil for the one that is served.
  private(set) var itemSet: String?
  /// Mean of `‖item − nearest neighbor‖`, likewise.
  private(set) var nearestDistance: Double?

  /// The served ones: they say which items are near, whatever the codes.
  init(of base: GenerationManifest, _ ids: IdentifierColumn, _ context: RunContext) throws {
    columns = try context.store().read(generation: base.generation) { reader in
      var rows: [UInt32] = []
      for row in 0..<ids.count { rows += try reader.neighbors(of: ids[row]) ?? [] }
      var itemSet = IdentifierColumn()
      for row in 0..<base.itemSetSize { itemSet.append(try reader.itemSetItem(at: UInt32(row)) ?? "") }
      return NeighborColumns(neighborsPerItem: base.neighborsPerItem, rows: rows, itemSet: itemSet)
    }
  }

  /// Those of vectors that tuning moved.
  /// - Parameter vectors: a row for each id.
  init(
    _ vectors: Matrix, _ ids: IdentifierColumn, neighborsPerItem: Int, selection: ItemSetSelection,
    _ context: RunContext
  ) throws {
    let chosen = try selection.rows(of: vectors.rows)
    var (members, own) = (IdentifierColumn(), ContiguousArray<Int32>(repeating: -1, count: vectors.rows))
    for (place, row) in chosen.enumerated() {
      members.append(ids[row])
      own[row] = Int32(place)
    }
    let set = ItemSetFile(ids: members, codebook: try ItemSetCodebook(vectors: vectors.selectingRows(chosen)))
    let found = try set.codebook.nearest(
      vectors, count: min(neighborsPerItem, set.codebook.largestNeighborCount()), excluding: own)
    columns = NeighborColumns(neighborsPerItem: found.count, rows: Array(found.rows), itemSet: members)
    itemSet = try set.write(context)
    let sum = (0..<vectors.rows).reduce(0.0) { $0 + Double(found.squaredDistances[$1 * found.count].squareRoot()) }
    nearestDistance = sum / Double(max(1, vectors.rows))
  }
}
