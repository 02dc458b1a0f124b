internal import ItemCatalog
internal import Quantizers
internal import SemanticIDStore
internal import TensorMath

/// Finds the VQ codes of tonight's rows: their nearest items of the item set.
struct NeighborPass {
  private let context: RunContext
  private let vectors: ColumnFileReader<Float>
  private let night: NightRecord
  private let settings: PipelineConfiguration.Neighbors
  private let seed: UInt64

  private static let blockRows = 16_384

  /// Nil where the pipeline has no neighbours.
  init?(_ context: RunContext, _ vectors: ColumnFileReader<Float>, _ night: NightRecord) {
    guard let quantize = context.configuration.quantize, let settings = quantize.neighbors else { return nil }
    self.context = context
    self.vectors = vectors
    self.night = night
    self.settings = settings
    seed = quantize.seed
  }

  struct Result {
    let itemSet: String
    let itemSetSize: Int
    let neighborsPerItem: Int

    /// Mean of `‖item − nearest neighbour‖` over tonight's rows.
    let nearestDistance: Double

    func describe(in result: inout StageResult) {
      result.values[ItemSetFile.role] = itemSet
      result.metrics["neighborsPerItem"] = Double(neighborsPerItem)
      result.metrics["itemSetSize"] = Double(itemSetSize)
      result.metrics["nearestNeighborDistance"] = nearestDistance
    }
  }

  /// Writes the neighbours of tonight's rows. Nil where the set is too small for any.
  func run(_ files: QuantizeFiles) throws -> Result? {
    let ids = try TonightsIDs(context)
    let (set, fingerprint) = try itemSet(ids)
    let count = min(settings.count, set.codebook.largestNeighborCount())
    guard count > 0 else {
      context.observer.observe(.warning("the item set has \(set.codebook.count) items, too few for neighbors"))
      return nil
    }
    if count < settings.count {
      context.observer.observe(
        .warning(
          "the item set has \(set.codebook.count) items; each item gets \(count) neighbors instead of \(settings.count)"
        ))
    }
    let rowOfItem = set.rowOfItem()
    let writer = try ColumnFileWriter<UInt32>(path: files.neighbors, columns: count)
    var distances = 0.0
    for start in stride(from: 0, to: vectors.rows, by: Self.blockRows) {
      try Interruption.check()
      let rows = start..<min(vectors.rows, start + Self.blockRows)
      let own = ContiguousArray(try ids.read(rows).map { rowOfItem[$0] ?? -1 })
      let found = try set.codebook.nearest(try vectors.matrix(rows), count: count, excluding: own)
      try writer.append(found.rows.span)
      for row in 0..<rows.count { distances += Double(found.squaredDistances[row * count].squareRoot()) }
      context.progress(.quantize, "neighbors", rows.upperBound, of: vectors.rows)
    }
    try writer.finish()
    return Result(
      itemSet: fingerprint, itemSetSize: set.codebook.count, neighborsPerItem: count,
      nearestDistance: distances / Double(max(1, vectors.rows)))
  }

  /// The base generation's set, or a new one of tonight's items.
  private func itemSet(_ ids: TonightsIDs) throws -> (ItemSetFile, String) {
    if night.keepsItemSet, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts[ItemSetFile.role]
    {
      return (try ItemSetFile.read(fingerprint, context), fingerprint)
    }
    let chosen = try ItemSetSelection.sample(limit: settings.itemSet, seed: seed).rows(of: vectors.rows)
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(chosen.count * vectors.columns)
    var members = IdentifierColumn()
    var next = 0
    for start in stride(from: 0, to: vectors.rows, by: Self.blockRows) {
      try Interruption.check()
      let rows = start..<min(vectors.rows, start + Self.blockRows)
      let (block, names) = (try vectors.read(rows), try ids.read(rows))
      while next < chosen.count, chosen[next] < rows.upperBound {
        let place = chosen[next] - start
        elements.append(contentsOf: block[place * vectors.columns..<(place + 1) * vectors.columns])
        members.append(names[place])
        next += 1
      }
    }
    let matrix = Matrix(rows: chosen.count, columns: vectors.columns, elements: elements)
    let set = ItemSetFile(ids: members, codebook: try ItemSetCodebook(vectors: matrix))
    return (set, try set.write(context))
  }
}

/// The ids of tonight's rows, in their order, read some at a time.
struct TonightsIDs {
  private let table: ItemTable
  private let tableRows: ContiguousArray<UInt32>

  init(_ context: RunContext) throws {
    table = try context.table()
    let folder = context.workspace.stage(.encode)
    tableRows = try ColumnFileReader<UInt32>(path: EncodeFiles.rows(folder), columns: 1).readAll()
  }

  func read(_ rows: Range<Int>) throws -> [String] {
    guard rows.upperBound <= tableRows.count else {
      throw PipelineError(.invalidData, "the encoded rows do not fit the vectors; run again with --force encode")
    }
    var ids: [String] = []
    ids.reserveCapacity(rows.count)
    var next = rows.lowerBound
    // Neighbouring rows are read together, wherever the table has them.
    while next < rows.upperBound {
      var end = next + 1
      while end < rows.upperBound, tableRows[end] == tableRows[end - 1] + 1 { end += 1 }
      let first = Int(tableRows[next])
      ids += try table.ids(in: first..<first + (end - next))
      next = end
    }
    return ids
  }
}

/// All items' VQ codes for the generation to come: tonight's rows as the stage found them, the others as they are published.
struct PublishedNeighbors {
  private let context: RunContext

  init(_ context: RunContext) { self.context = context }

  /// Nil where there are none.
  func columns() throws -> NeighborColumns? {
    guard let fingerprint = try context.manifest(.quantize).values[ItemSetFile.role] else { return nil }
    let set = try ItemSetFile.read(fingerprint, context)
    let tonight = try ColumnFileReader<UInt32>(path: QuantizeFiles(context).neighbors)
    let count = tonight.columns
    let found = try tonight.readAll()
    let folder = context.workspace.stage(.encode)
    let pending = try ColumnFileReader<UInt32>(path: EncodeFiles.rows(folder), columns: 1, rows: tonight.rows).readAll()
    let published = try ColumnFileReader<UInt32>(path: ResolveFiles(context).rows, columns: 1).readAll()
    var rows: [UInt32] = []
    rows.reserveCapacity(published.count * count)
    var next = 0
    var missing: [(place: Int, row: Int)] = []
    for row in published {
      if next < pending.count, pending[next] == row {
        rows.append(contentsOf: found[next * count..<(next + 1) * count])
        next += 1
      } else {
        missing.append((rows.count, Int(row)))
        rows.append(contentsOf: repeatElement(0, count: count))
      }
    }
    try fill(&rows, missing, count: count)
    return NeighborColumns(neighborsPerItem: count, rows: rows, itemSet: set.ids)
  }

  /// Copies the neighbours of items that keep theirs from the base generation.
  private func fill(_ rows: inout [UInt32], _ missing: [(place: Int, row: Int)], count: Int) throws {
    guard !missing.isEmpty else { return }
    let table = try context.table()
    guard let base = try context.requireNight().base else {
      throw PipelineError(.internalFault, "items keep neighbors without a generation that has them")
    }
    var filled = rows
    try context.store().read(generation: base) { reader in
      for (place, row) in missing {
        guard let id = try table.ids(in: row..<row + 1).first, let stored = try reader.neighbors(of: id),
          stored.count == count
        else {
          throw PipelineError(
            .invalidData, "generation \(base) lacks neighbors of an item that it should have; run with --force quantize"
          )
        }
        filled.replaceSubrange(place..<place + count, with: stored)
      }
    }
    rows = filled
  }
}
