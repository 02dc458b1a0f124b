/// Which recommender goes with which generation: the files stand in the models' folder under their fingerprints, and stay
/// as long as the store keeps the generation, so that a rollback finds the recommender of the codes it goes back to.
package struct RecommenderShelf {
  package struct Entry: StageRecord, Equatable {
    package var generation: UInt64
    /// Of the recommender.
    package var fingerprint: String
    /// Of the settings and inputs that it was trained with; a training with the same need not be repeated.
    package var key: String

    package init(generation: UInt64, fingerprint: String, key: String) {
      self.generation = generation
      self.fingerprint = fingerprint
      self.key = key
    }
  }

  private let workspace: Workspace

  package init(_ workspace: Workspace) { self.workspace = workspace }

  private var folder: String { workspace.recommenders }

  private func path(_ generation: UInt64) -> String { folder + "/\(generation).json" }

  /// Where the account of an alignment of the generation's recommender stands; it goes with the generation.
  func record(_ generation: UInt64) -> String { folder + "/\(generation).preference.json" }

  /// Where the account of the tuning stands that made the generation, or left it as it was; it goes with the generation.
  func tuningRecord(_ generation: UInt64) -> String { folder + "/\(generation).finetune.json" }

  /// The recommender of a generation; nil where none was trained, or its file is gone.
  package func entry(_ generation: UInt64) -> Entry? {
    guard let entry = Entry.read(path(generation)), entry.generation == generation,
      FileSystem.exists(workspace.model(entry.fingerprint))
    else { return nil }
    return entry
  }

  /// Takes the place of an earlier entry of the generation.
  package func put(_ entry: Entry) throws {
    try FileSystem.makeDirectory(folder)
    try entry.write(to: path(entry.generation))
  }

  /// Forgets the recommender of a generation; its file goes with the next publication.
  func remove(_ generation: UInt64) { FileSystem.remove(path(generation)) }

  /// Forgets the recommenders of generations that the store no longer keeps.
  /// - Returns: the fingerprints of the others.
  package func keepOnly(_ generations: Set<UInt64>) -> Set<String> {
    var kept: Set<String> = []
    for name in FileSystem.contents(of: folder) {
      guard let generation = UInt64(name.prefix { $0 != "." }), generations.contains(generation) else {
        FileSystem.remove(folder + "/" + name)
        continue
      }
      if let entry = Entry.read(folder + "/" + name) { kept.insert(entry.fingerprint) }
    }
    return kept
  }
}
