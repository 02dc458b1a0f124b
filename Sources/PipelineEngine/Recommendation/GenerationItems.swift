internal import ItemCatalog
internal import Recommenders
internal import SemanticIDStore

/// One generation's items, numbered as it orders them, with their codes.
struct GenerationItems {
  let manifest: GenerationManifest
  let ids: IdentifierTable
  let tokens: ItemTokens

  /// - Parameter generation: nil for the one that is served.
  init(_ store: SemanticIDStore, generation: UInt64? = nil) throws {
    try self.init(GenerationSnapshot(store: store, generation: generation))
  }

  init(_ snapshot: GenerationSnapshot) throws {
    var ids = IdentifierTable()
    for row in 0..<snapshot.count { _ = ids.insert(snapshot.columns.ids[row]) }
    self.ids = ids
    manifest = snapshot.manifest
    tokens = try ItemTokens(
      sizes: snapshot.sizes, codes: snapshot.columns.codes, isPresent: Array(repeating: true, count: snapshot.count),
      generation: snapshot.manifest.generation)
  }
}
