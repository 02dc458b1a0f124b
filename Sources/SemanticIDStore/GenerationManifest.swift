/// What a generation is and what it must read back as; JSON under `generation/<number>` (`Schemas/manifest.schema.json`).
public struct GenerationManifest: Sendable, Equatable, Codable {
  /// Layout version of the generation's databases.
  public var format: Int
  public var generation: UInt64
  public var parent: UInt64?
  public var createdAt: String?
  /// Items in the generation.
  public var items: Int
  /// Buckets: different (codes, suffix) pairs, so `items == semanticIDs` where no two items share one.
  public var semanticIDs: Int
  /// Codes per item.
  public var levels: Int
  /// Centroids per level; empty where the generation has no codebooks.
  public var codebookSizes: [Int]
  /// Width of a centroid; 0 without codebooks.
  public var dimensions: Int
  /// Levels whose codebook has prices.
  public var pricedLevels: [Int]
  /// VQ codes per item; 0 without them.
  public var neighborsPerItem: Int
  /// Rows of the VQ item-set codebook; 0 without it.
  public var itemSetSize: Int
  public var hashes: Hashes
  public var artifacts: [String: String]
  public var metrics: [String: Double]
  public var properties: [String: String]

  /// Sums that do not depend on the order of rows: 32 hex digits, each half the sum, modulo 2⁶⁴, of the halves of
  /// MurmurHash3 x64 128 (seed 0) over each entry's bytes (`Schemas/store.md`).
  public struct Hashes: Sendable, Equatable, Codable {
    /// Over key and value of every entry of `items/`.
    public var items: String
    /// Over the key of `codes/` and the item id, as both directions must give it.
    public var codes: String
    public var codebooks: String
    public var neighbors: String
    public var itemSet: String
  }
}
