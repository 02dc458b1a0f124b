public import Quantizers
internal import SemanticIDStore

/// How a generation uses its codebooks (`tessera inspect codebooks`).
public struct CodebookInspection: Sendable, Equatable, Codable {
  /// One code and who has it.
  public struct CodeUse: Sendable, Equatable, Codable {
    public let code: Int
    public let items: Int

    /// `items` over all items.
    public let share: Double

    /// The item nearest to what its codes stand for, by stored distance, the first by id where distances tie; nil for
    /// a dead code.
    public let example: InspectedItem?
  }

  /// One codebook.
  public struct Level: Sendable, Equatable, Codable {
    /// Counted from 1.
    public let level: Int
    public let metrics: LevelMetrics

    /// Whether codes were assigned with prices (a balanced codebook).
    public let isPriced: Bool

    /// The codes with most items, at most the limit.
    public let mostUsed: [CodeUse]
  }

  public let generation: UInt64
  public let items: Int
  public let buckets: BucketMetrics
  public let levels: [Level]

  /// Looks at one generation.
  ///
  /// - Parameters:
  ///   - limit: codes shown per level, those with most items first.
  ///   - overfullFactor: a code is overfull above this many times its level's mean occupancy.
  /// - Complexity: O(items × levels).
  public init(
    _ snapshot: GenerationSnapshot, catalog: InspectionCatalog? = nil, limit: Int = 10, overfullFactor: Double = 4
  ) {
    let metrics = CodeMetrics(snapshot.codes, sizes: snapshot.sizes, overfullFactor: overfullFactor)
    generation = snapshot.manifest.generation
    items = snapshot.count
    buckets = metrics.buckets
    levels = metrics.levels.enumerated().map { index, level in
      let nearest = CodebookInspection.nearestRows(snapshot, level: index, size: level.size)
      let order = level.occupancy.indices.sorted {
        (level.occupancy[$1], $0) < (level.occupancy[$0], $1)
      }
      let uses = order.prefix(limit).map { code in
        CodeUse(
          code: code, items: level.occupancy[code],
          share: snapshot.count == 0 ? 0 : Double(level.occupancy[code]) / Double(snapshot.count),
          example: nearest[code].map { InspectedItem(row: $0, snapshot: snapshot, catalog: catalog) })
      }
      return Level(
        level: index + 1, metrics: level, isPriced: snapshot.manifest.pricedLevels.contains(index), mostUsed: uses)
    }
  }

  /// For every code of a level the row with the least distance.
  private static func nearestRows(_ snapshot: GenerationSnapshot, level: Int, size: Int) -> [Int?] {
    var nearest = [Int](repeating: -1, count: size)
    let elements = snapshot.codes.elements.span
    let distances = snapshot.columns.distances.span
    for row in 0..<snapshot.count {
      let code = Int(elements[row * snapshot.codes.levels + level])
      if nearest[code] < 0 || distances[row] < distances[nearest[code]] { nearest[code] = row }
    }
    return nearest.map { $0 < 0 ? nil : $0 }
  }
}
