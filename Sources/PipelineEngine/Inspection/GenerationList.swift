public import SemanticIDStore

/// The generations of a store (`tessera inspect generations`).
public struct GenerationList: Sendable, Equatable, Codable {
  public struct Entry: Sendable, Equatable, Codable {
    public let generation: UInt64
    public let isCurrent: Bool
    public let parent: UInt64?

    /// As the run gave it, ISO 8601.
    public let createdAt: String?
    public let items: Int
    public let semanticIDs: Int

    /// `semanticIDs / items`; 1 without items.
    public let uniqueShare: Double

    /// Centroids per level; empty where the generation has no codebooks.
    public let codebookSizes: [Int]
    public let levels: Int
    public let metrics: [String: Double]
  }

  /// Oldest first.
  public let generations: [Entry]

  /// Lists a store. An empty store has an empty list.
  public init(store: SemanticIDStore) throws(StoreError) {
    self.init(try store.generations(), current: try store.currentGeneration())
  }

  public init(_ manifests: [GenerationManifest], current: UInt64?) {
    generations = manifests.map { manifest in
      Entry(
        generation: manifest.generation, isCurrent: manifest.generation == current, parent: manifest.parent,
        createdAt: manifest.createdAt, items: manifest.items, semanticIDs: manifest.semanticIDs,
        uniqueShare: manifest.items == 0 ? 1 : Double(manifest.semanticIDs) / Double(manifest.items),
        codebookSizes: manifest.codebookSizes, levels: manifest.levels, metrics: manifest.metrics)
    }
  }
}
