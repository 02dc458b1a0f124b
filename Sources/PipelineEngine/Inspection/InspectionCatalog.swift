public import ItemCatalog
internal import SemanticIDStore

/// What the catalogue knows of a generation's items: what a person recognises them by, and why they may be alike.
public struct InspectionCatalog: Sendable {
  /// Hashes of an item's parts; nil where the item lacks the part or the catalogue lacks the item.
  package struct PartHashes: Sendable {
    package let text: UInt64?
    package let image: UInt64?

    package init(text: UInt64?, image: UInt64?) {
      self.text = text
      self.image = image
    }
  }

  /// Both take a row of the snapshot.
  package let item: @Sendable (Int) -> Item?
  package let hashes: @Sendable (Int) -> PartHashes

  package init(
    item: @escaping @Sendable (Int) -> Item?, hashes: @escaping @Sendable (Int) -> PartHashes
  ) {
    self.item = item
    self.hashes = hashes
  }

  /// Matches the items of a catalogue with those of a generation by id. A record that is damaged on disk shows as
  /// an item without a title; `tessera check` names it.
  ///
  /// - Throws: `CatalogError` when the table's ids cannot be read.
  /// - Complexity: O(items × log items).
  public init(table: ItemTable, snapshot: GenerationSnapshot) throws {
    let blockSize = 65_536
    var found = ContiguousArray<Int32>(repeating: -1, count: snapshot.count)
    for start in stride(from: 0, to: table.count, by: blockSize) {
      let ids = try table.ids(in: start..<min(table.count, start + blockSize))
      for (offset, id) in ids.enumerated() {
        if let row = snapshot.row(of: id) { found[row] = Int32(start + offset) }
      }
    }
    let tableRow = found
    self.init(
      item: { row in tableRow[row] < 0 ? nil : try? table.item(at: Int(tableRow[row])) },
      hashes: { row in
        guard tableRow[row] >= 0 else { return PartHashes(text: nil, image: nil) }
        return PartHashes(text: table.textHash(at: Int(tableRow[row])), image: table.imageHash(at: Int(tableRow[row])))
      })
  }
}

/// An item as inspections show it.
public struct InspectedItem: Sendable, Equatable, Codable {
  public let id: String

  /// Codes and suffix, as in `12-7-255+3`.
  public let semanticID: String

  /// Nil without a catalogue, or where the catalogue lacks the item.
  public let title: String?

  /// The image's path as the catalogue gives it.
  public let image: String?

  /// ‖residual after the last level‖.
  public let distance: Float

  /// `textMissing`, `imageMissing`, `moved`, `newer`.
  public let flags: [String]

  /// The rule, from 1, that chose the item's text encoder; nil where there are no rules, or no text vector.
  public let textRoute: Int?

  init(row: Int, snapshot: GenerationSnapshot, catalog: InspectionCatalog?) {
    let item = catalog?.item(row)
    id = snapshot.columns.ids[row]
    semanticID = snapshot.columns.semanticID(at: row).description
    title = item.map { $0.title.isEmpty ? String($0.text.prefix(120)) : $0.title }
    image = item?.image
    distance = snapshot.columns.distances[row]
    flags = snapshot.columns.flags[row].names
    textRoute = snapshot.columns.flags[row].textRoute
  }
}
