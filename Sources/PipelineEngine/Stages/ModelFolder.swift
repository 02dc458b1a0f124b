internal import SemanticIDStore

/// The fitted models, each under its fingerprint.
enum ModelFolder {
  /// Deletes models that no kept generation names, and recommenders of others. Tonight's generation is among the kept
  /// ones.
  static func removeUnused(_ context: RunContext) throws {
    let generations = try context.store().generations()
    let kept = Set(generations.flatMap(\.artifacts.values))
      .union(RecommenderShelf(context.workspace).keepOnly(Set(generations.map(\.generation))))
    for file in FileSystem.contents(of: context.workspace.models) {
      let fingerprint = file.prefix { $0 != "." }
      if !kept.contains(String(fingerprint)) { FileSystem.remove(context.workspace.models + "/" + file) }
    }
  }
}
