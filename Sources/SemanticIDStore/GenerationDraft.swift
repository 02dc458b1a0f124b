/// One level's centroids as the store keeps them.
public struct StoredCodebook: Sendable, Equatable {
  /// Centroids, at most 65,536.
  public var size: Int
  public var dimensions: Int
  /// size × dimensions, row-major.
  public var centroids: [Float]
  /// The balanced quantiser's price per centroid (`argmin ‖r−c‖² + p`); nil where assignment is by distance alone.
  public var prices: [Float]?

  public init(size: Int, dimensions: Int, centroids: [Float], prices: [Float]? = nil) {
    precondition(
      centroids.count == size * dimensions, "centroids must be \(size) × \(dimensions), found \(centroids.count)")
    precondition(prices.map { $0.count == size } ?? true, "there is one price per centroid")
    self.size = size
    self.dimensions = dimensions
    self.centroids = centroids
    self.prices = prices
  }
}

/// The VQ codes: each item's nearest rows of the item-set codebook.
public struct NeighborColumns: Sendable, Equatable {
  /// Neighbours per item.
  public let neighborsPerItem: Int
  /// items × neighborsPerItem, row-aligned with the draft's items; each value is a row of `itemSet`.
  public let rows: [UInt32]
  /// The items of the item-set codebook.
  public let itemSet: IdentifierColumn

  public init(neighborsPerItem: Int, rows: [UInt32], itemSet: IdentifierColumn) {
    self.neighborsPerItem = neighborsPerItem
    self.rows = rows
    self.itemSet = itemSet
  }
}

/// Everything a new generation holds, before it has a number.
public struct GenerationDraft: Sendable {
  public var items: ItemColumns
  /// One per level, or none where codes come without centroids.
  public var codebooks: [StoredCodebook]
  public var neighbors: NeighborColumns?
  /// The generation this one was derived from.
  public var parent: UInt64?
  /// When the run began, ISO 8601. The caller's: the store reads no clock.
  public var createdAt: String?
  /// What made the codes, by role: `encoder.text` → fingerprint, `representation` → file name, …
  public var artifacts: [String: String]
  /// Figures of the run, finite.
  public var metrics: [String: Double]
  /// Anything else a later night or a person needs: pipeline name, collision policy, versions.
  public var properties: [String: String]

  public init(
    items: ItemColumns, codebooks: [StoredCodebook] = [], neighbors: NeighborColumns? = nil, parent: UInt64? = nil,
    createdAt: String? = nil, artifacts: [String: String] = [:], metrics: [String: Double] = [:],
    properties: [String: String] = [:]
  ) {
    self.items = items
    self.codebooks = codebooks
    self.neighbors = neighbors
    self.parent = parent
    self.createdAt = createdAt
    self.artifacts = artifacts
    self.metrics = metrics
    self.properties = properties
  }
}
