public import SemanticIDStore

extension ItemInspection {
  /// One VQ code of the item.
  public struct VectorNeighbor: Sendable, Equatable, Codable {
    /// In the item set.
    public let row: Int
    public let id: String
    public let title: String?
    /// Nil for an item of the set that left the catalogue since.
    public let semanticID: String?
  }

  /// Looks up the item's VQ codes, nearest first; nothing changes for a generation without any.
  mutating func addVectorNeighbors(
    _ snapshot: GenerationSnapshot, store: SemanticIDStore, catalog: InspectionCatalog?, limit: Int
  ) throws {
    guard snapshot.manifest.neighborsPerItem > 0 else { return }
    let found = try store.read(generation: generation) { reader in
      try (reader.neighbors(of: item.id) ?? []).prefix(limit).map { row in
        (row: Int(row), id: try reader.itemSetItem(at: row) ?? "")
      }
    }
    vectorNeighbors = found.map { neighbor in
      let known = snapshot.row(of: neighbor.id)
        .map { InspectedItem(row: $0, snapshot: snapshot, catalog: catalog) }
      return VectorNeighbor(
        row: neighbor.row, id: neighbor.id, title: known?.title, semanticID: known?.semanticID)
    }
  }

  /// As ``init(_:_:catalog:limit:)``, with the item's VQ codes where the generation has them.
  public init(
    _ id: String, _ snapshot: GenerationSnapshot, store: SemanticIDStore, catalog: InspectionCatalog? = nil,
    limit: Int = 20
  ) throws {
    try self.init(id, snapshot, catalog: catalog, limit: limit)
    try addVectorNeighbors(snapshot, store: store, catalog: catalog, limit: limit)
  }

  /// The VQ codes as a table; empty without any.
  func vectorNeighborsText() -> String {
    guard let vectorNeighbors, !vectorNeighbors.isEmpty else { return "" }
    var table = TextTable([("set row", .right), ("nearest item", .left), ("semantic ID", .left), ("title", .left)])
    for neighbor in vectorNeighbors {
      table.append([
        String(neighbor.row), shortened(neighbor.id, to: 32), neighbor.semanticID ?? "gone",
        shortened(neighbor.title ?? "", to: 48),
      ])
    }
    return "\nnearest by vector\n" + table.text()
  }
}
