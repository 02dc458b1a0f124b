internal import Quantizers
internal import SemanticIDStore

/// One item, its semantic ID and who is near it (`tessera inspect item`).
public struct ItemInspection: Sendable, Equatable, Codable {
  /// One level's code of the item.
  public struct Code: Sendable, Equatable, Codable {
    /// Counted from 1.
    public let level: Int
    public let code: Int

    /// Items, this one included, with the same code at this level.
    public let itemsWithCode: Int

    /// Items, this one included, with the same codes up to this level.
    public let itemsWithPrefix: Int
  }

  /// An item that begins with the same codes.
  public struct Neighbor: Sendable, Equatable, Codable {
    /// Codes shared from the first on.
    public let sharedLevels: Int
    public let item: InspectedItem
  }

  public let generation: UInt64
  public let item: InspectedItem

  /// Rule and model of the item's text encoder; nil where the pipeline has no rules, or the item no text vector.
  public let textRoute: String?

  /// 16 hexadecimal digits.
  public let contentHash: String
  public let codes: [Code]

  /// Items, this one included, with the same codes.
  public let bucketSize: Int

  /// Longest shared prefix first, then by id.
  public let neighbors: [Neighbor]

  /// The VQ codes, nearest first; nil for a generation without any.
  public internal(set) var vectorNeighbors: [VectorNeighbor]?

  /// Looks up one item.
  ///
  /// - Throws: `PipelineError.inputMissing` where the generation lacks the item.
  /// - Complexity: O(items × levels).
  public init(
    _ id: String, _ snapshot: GenerationSnapshot, catalog: InspectionCatalog? = nil, limit: Int = 20
  ) throws(PipelineError) {
    guard let row = snapshot.row(of: id) else {
      throw PipelineError(
        .inputMissing,
        "generation \(snapshot.manifest.generation) has no item \"\(id)\"; "
          + "ids are compared byte by byte, and a rejected record has no semantic ID")
    }
    let survey = PrefixSurvey(row: row, snapshot: snapshot, limit: limit)
    generation = snapshot.manifest.generation
    item = InspectedItem(row: row, snapshot: snapshot, catalog: catalog)
    textRoute = item.textRoute.map { route in
      snapshot.manifest.properties["encoder.text.\(route)"].map { "\(route), \($0)" } ?? "\(route)"
    }
    contentHash = hexadecimal(snapshot.columns.contentHashes[row])
    codes = (0..<snapshot.codes.levels).map { level in
      Code(
        level: level + 1, code: Int(snapshot.codes[row, level]), itemsWithCode: survey.withCode[level],
        itemsWithPrefix: survey.withPrefix[level])
    }
    bucketSize = survey.withPrefix.last ?? snapshot.count
    neighbors = survey.neighbors.map { neighbor in
      Neighbor(
        sharedLevels: neighbor.shared,
        item: InspectedItem(row: neighbor.row, snapshot: snapshot, catalog: catalog))
    }
  }
}

/// 16 lower-case hexadecimal digits.
func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Counts and collects, in one pass, the items that share codes with one.
private struct PrefixSurvey {
  private(set) var withCode: [Int]
  private(set) var withPrefix: [Int]
  private(set) var neighbors: [(shared: Int, row: Int)] = []

  init(row: Int, snapshot: GenerationSnapshot, limit: Int) {
    let levels = snapshot.codes.levels
    withCode = Array(repeating: 0, count: levels)
    withPrefix = Array(repeating: 0, count: levels)
    var byShared = [[Int]](repeating: [], count: levels + 1)
    let elements = snapshot.codes.elements.span
    for other in 0..<snapshot.count {
      var shared = 0
      for level in 0..<levels where elements[other * levels + level] == elements[row * levels + level] {
        withCode[level] += 1
        if shared == level {
          shared += 1
          withPrefix[level] += 1
        }
      }
      if shared > 0 && other != row && byShared[shared].count < limit { byShared[shared].append(other) }
    }
    for shared in stride(from: levels, to: 0, by: -1) {
      neighbors += byShared[shared].prefix(limit - neighbors.count).map { (shared, $0) }
    }
  }
}
