internal import ItemCatalog
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// What a ranker may know of a generation's items beside their numbers: the store's codes, and the vectors that they were
/// made of, as the represent stage left them.
struct RankerFeatures {
  private static let blockRows = 8192

  private let context: RunContext
  private let found: GenerationItems

  init(_ context: RunContext, _ found: GenerationItems) {
    (self.context, self.found) = (context, found)
  }

  /// - Returns: the items, and what is missing of them.
  func items(_ store: SemanticIDStore) throws -> (items: RankerItems, notes: [String]) {
    let (vectors, missing) = try vectors()
    var notes: [String] = []
    if vectors == nil {
      notes.append(
        "no row with frozen vectors: those on disk are not generation \(found.manifest.generation)'s; "
          + "run 'tessera run --force represent --until publish' first")
    } else if missing > 0 {
      notes.append(
        "\(missing) of \(found.ids.count) items have no vector on disk, because they kept their codes last night; "
          + "--force encode has all encoded")
    }
    let nearest = try nearest(store)
    if nearest == nil { notes.append("no rows with VQ codes: the generation has none; add 'quantize.neighbors'") }
    return (
      try RankerItems(itemCount: found.ids.count, vectors: vectors, nearest: nearest, tokens: found.tokens), notes
    )
  }

  /// - Returns: `items × dimensions`, rows of zeros for items without one, whose number is `missing`; nil where there are
  ///   none of the generation's model.
  private func vectors() throws -> (matrix: Matrix?, missing: Int) {
    let workspace = context.workspace
    guard let stage = StageManifest.read(workspace.stageManifest(.represent)),
      stage.values["representation"] == found.manifest.artifacts["representation"],
      // The rows are those of a table that may have been made anew since.
      let table = StageManifest.read(workspace.stageManifest(.catalog)),
      let encoded = StageManifest.read(workspace.stageManifest(.encode)),
      encoded.fingerprint.inputs.contains(StageInput(name: "catalog", value: table.digest)),
      FileSystem.exists(RepresentStage.path(context))
    else { return (nil, found.ids.count) }
    let reader = try ColumnFileReader<Float>(path: RepresentStage.path(context))
    let names = try TonightsIDs(context)
    var matrix = Matrix(rows: found.ids.count, columns: reader.columns)
    var missing = found.ids.count
    for start in stride(from: 0, to: reader.rows, by: Self.blockRows) {
      try Interruption.check()
      let rows = start..<min(reader.rows, start + Self.blockRows)
      let block = try reader.read(rows)
      for (place, id) in try names.read(rows).enumerated() {
        guard let item = found.ids.index(of: id) else { continue }
        matrix.elements.replaceSubrange(
          item * reader.columns..<(item + 1) * reader.columns,
          with: block[place * reader.columns..<(place + 1) * reader.columns])
        missing -= 1
      }
    }
    return missing < found.ids.count ? (matrix, missing) : (nil, missing)
  }

  /// VQ codes of the store; nil where it has none.
  private func nearest(_ store: SemanticIDStore) throws -> RankerItems.NearestCodes? {
    let (count, perItem) = (found.ids.count, found.manifest.neighborsPerItem)
    guard perItem > 0 else { return nil }
    var rows = ContiguousArray<UInt32>(repeating: 0, count: count * perItem)
    var isPresent = [Bool](repeating: false, count: count)
    try store.read(generation: found.manifest.generation) { reader in
      for item in 0..<count {
        guard let nearest = try reader.neighbors(of: found.ids[item]) else { continue }
        rows.replaceSubrange(item * perItem..<(item + 1) * perItem, with: nearest)
        isPresent[item] = true
      }
    }
    return try RankerItems.NearestCodes(
      setSize: found.manifest.itemSetSize, perItem: perItem, rows: rows, isPresent: isPresent)
  }
}
