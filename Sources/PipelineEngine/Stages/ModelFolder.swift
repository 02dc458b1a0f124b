internal import SemanticIDStore

/// The fitted models, each under its fingerprint.
enum ModelFolder {
  /// Deletes models that no kept generation names. Tonight's generation is among the kept ones.
  static func removeUnused(_ context: RunContext) throws {
    let kept = Set(try context.store().generations().flatMap(\.artifacts.values))
    for file in FileSystem.contents(of: context.workspace.models) {
      let fingerprint = file.prefix { $0 != "." }
      if !kept.contains(String(fingerprint)) { FileSystem.remove(context.workspace.models + "/" + file) }
    }
  }
}
