/// How items share semantic IDs (codes of all levels, suffix left out unless said).
public struct BucketMetrics: Sendable, Equatable, Codable {
  /// How many buckets hold a given number of items.
  public struct HistogramEntry: Sendable, Equatable, Codable {
    /// Items in each of these buckets.
    public let bucketSize: Int

    /// Buckets of that size.
    public let buckets: Int

    public init(bucketSize: Int, buckets: Int) {
      self.bucketSize = bucketSize
      self.buckets = buckets
    }
  }

  public let items: Int

  /// Distinct semantic IDs.
  public let buckets: Int

  /// Items in buckets of two or more.
  public let collidingItems: Int

  /// `collidingItems / items`: the chance that an item shares its ID.
  public let collisionRate: Double

  /// `1 − buckets / items`: the share of items that would have to move for all IDs to be unique.
  public let duplicateRate: Double

  /// Items of the fullest bucket; 0 without items.
  public let largestBucket: Int

  /// Ascending by bucket size; sizes that do not occur are left out.
  public let histogram: [HistogramEntry]

  /// Measures a set of codes.
  ///
  /// - Complexity: O(items × levels).
  public init(_ codes: CodeMatrix) { self.init(CodeBuckets(codes)) }

  package init(_ grouped: CodeBuckets) {
    self.init(bucketSizes: (0..<grouped.count).lazy.map { grouped.size($0) })
  }

  /// Measures from the number of items of every bucket.
  public init(bucketSizes: some Sequence<Int>) {
    var counts: [Int: Int] = [:]
    for size in bucketSizes where size > 0 { counts[size, default: 0] += 1 }
    histogram = counts.sorted { $0.key < $1.key }.map { HistogramEntry(bucketSize: $0.key, buckets: $0.value) }
    items = histogram.reduce(0) { $0 + $1.bucketSize * $1.buckets }
    buckets = histogram.reduce(0) { $0 + $1.buckets }
    let alone = counts[1] ?? 0
    collidingItems = items - alone
    collisionRate = items == 0 ? 0 : Double(items - alone) / Double(items)
    duplicateRate = items == 0 ? 0 : 1 - Double(buckets) / Double(items)
    largestBucket = histogram.last?.bucketSize ?? 0
  }
}
