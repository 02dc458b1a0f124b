public import Quantizers
internal import SemanticIDStore
public import TensorMath

/// Which items share codes, and why (`tessera inspect collisions`).
public struct CollisionInspection: Sendable, Equatable, Codable {
  public struct Options: Sendable {
    /// Buckets shown, largest first.
    public var bucketLimit = 20

    /// Members shown of each bucket.
    public var memberLimit = 8

    /// Members of a bucket that are compared pair by pair for nearness.
    public var comparedMembers = 64

    /// Jaccard similarity of five-byte pieces of title and text from which two items are near duplicates.
    public var nearSimilarity = 0.7

    /// Squared distance of representations up to which two items are near duplicates; for unit-length vectors 0.02
    /// is a cosine of 0.99.
    public var nearSquaredDistance: Float = 0.02

    /// The representations of given rows of the snapshot, where the caller has them.
    public var representations: (@Sendable ([Int]) -> Matrix)?

    public init(bucketLimit: Int = 20, memberLimit: Int = 8) {
      self.bucketLimit = bucketLimit
      self.memberLimit = memberLimit
    }
  }

  /// The items of one set of codes.
  public struct Bucket: Sendable, Equatable, Codable {
    /// Without suffix, as in `12-7-255`.
    public let codes: String
    public let size: Int

    /// The cause of most members; nil where there is nothing to judge by.
    public let cause: CollisionCause?
    public let causes: CauseCounts?

    /// Nearest to their centroid first, at most `Options.memberLimit`.
    public let members: [InspectedItem]

    public let meanDistance: Double
    public let largestDistance: Double
  }

  public let generation: UInt64

  /// Codes alone; suffixes left out.
  public let metrics: BucketMetrics

  /// Different semantic IDs, suffixes included.
  public let uniqueSemanticIDs: Int
  public let suffixedItems: Int
  public let movedItems: Int

  /// Of all colliding items, those whose content, text or image another item of their bucket has too. Near
  /// duplicates are judged for the buckets shown only, so the rest is not split.
  public let causesByHash: CauseCounts
  public let itemsNotExplainedByHash: Int

  /// The largest buckets of two or more items; equal sizes in the order of their codes.
  public let largest: [Bucket]

  /// Looks at one generation, with titles and causes where there is a catalogue.
  ///
  /// - Complexity: O(items × levels), and for the buckets shown O(comparedMembers²) text comparisons each.
  public init(_ snapshot: GenerationSnapshot, catalog: InspectionCatalog? = nil, options: Options = Options()) {
    let grouped = CodeBuckets(snapshot.codes)
    let finder = CauseFinder(snapshot: snapshot, catalog: catalog, options: options)
    let colliding = (0..<grouped.count).filter { grouped.size($0) > 1 }
    generation = snapshot.manifest.generation
    metrics = BucketMetrics(grouped)
    uniqueSemanticIDs = snapshot.manifest.semanticIDs
    suffixedItems = snapshot.columns.suffixes.count { $0 > 0 }
    movedItems = snapshot.columns.flags.count { $0.contains(.moved) }
    var byHash = CauseCounts()
    var unexplained = 0
    for bucket in colliding {
      for cause in finder.causesByHash(grouped.members(bucket)) {
        if let cause { byHash.count(cause) } else { unexplained += 1 }
      }
    }
    causesByHash = byHash
    itemsNotExplainedByHash = unexplained
    let order = colliding.sorted { (grouped.size($1), $0) < (grouped.size($0), $1) }
    largest = order.prefix(options.bucketLimit).map { bucket in
      Bucket(rows: grouped.members(bucket), snapshot: snapshot, catalog: catalog, finder: finder)
    }
  }
}

extension CodeBuckets {
  /// The rows of one bucket, ascending.
  func members(_ bucket: Int) -> [Int] { rows[range(bucket)].map { Int($0) } }
}

extension CollisionInspection.Bucket {
  fileprivate init(rows: [Int], snapshot: GenerationSnapshot, catalog: InspectionCatalog?, finder: CauseFinder) {
    codes = snapshot.codes.row(rows[0]).map { String($0) }.joined(separator: "-")
    size = rows.count
    if catalog == nil && finder.options.representations == nil {
      // Content hashes alone can prove equality, never difference in degree.
      let known = finder.causesByHash(rows)
      var counts = CauseCounts()
      for case let cause? in known { counts.count(cause) }
      causes = known.contains { $0 != nil } ? counts : nil
      cause = counts.most
    } else {
      var counts = CauseCounts()
      for cause in finder.causes(rows) { counts.count(cause) }
      causes = counts
      cause = counts.most
    }
    let distances = snapshot.columns.distances
    let nearest = rows.sorted { (distances[$0], $0) < (distances[$1], $1) }
    members = nearest.prefix(finder.options.memberLimit).map {
      InspectedItem(row: $0, snapshot: snapshot, catalog: catalog)
    }
    meanDistance = rows.reduce(0.0) { $0 + Double(distances[$1]) } / Double(rows.count)
    largestDistance = rows.map { Double(distances[$0]) }.max() ?? 0
  }
}
