internal import RealModule

/// How high rankings place the one item that was right.
///
/// For a target at place p, counted from 1, and a cutoff k: recall is 1 where p ≤ k (for one target that is the hit rate
/// as well), NDCG is 1 / log₂(p + 1) there (Järvelin and Kekäläinen, 2002, with an ideal of 1 for one target), and the
/// reciprocal rank is 1 / p; all are 0 beyond. The metrics are means over queries.
public struct RankingMetrics: Sendable, Equatable, Codable {
  /// The means at one cutoff.
  public struct AtCutoff: Sendable, Equatable, Codable {
    public var cutoff: Int
    /// Also the hit rate.
    public var recall: Double
    public var ndcg: Double
    /// Mean reciprocal rank.
    public var mrr: Double
  }

  /// Queries that the means are over.
  public var queries: Int
  /// By cutoff, ascending; zeros for no query.
  public var atCutoffs: [AtCutoff]

  /// - Parameter places: of each query's target in its ranking, from 1; nil where it is not there.
  public init(places: some Sequence<Int?>, cutoffs: [Int] = [5, 10, 20, 50]) {
    var histogram = PlaceHistogram(depth: cutoffs.max() ?? 0)
    for place in places { histogram.add(place) }
    self.init(histogram, cutoffs: cutoffs)
  }

  init(_ histogram: PlaceHistogram, cutoffs: [Int]) {
    queries = histogram.queries
    let count = Double(max(1, queries))
    atCutoffs = cutoffs.sorted().map { cutoff in
      var recall = 0.0, ndcg = 0.0, mrr = 0.0
      for (index, found) in histogram.counts.prefix(cutoff).enumerated() {
        recall += Double(found)
        ndcg += Double(found) / Self.discount(place: index + 1)
        mrr += Double(found) / Double(index + 1)
      }
      return AtCutoff(cutoff: cutoff, recall: recall / count, ndcg: ndcg / count, mrr: mrr / count)
    }
  }

  /// log₂(p + 1): what NDCG divides the gain at a place by.
  package static func discount(place: Int) -> Double { Double.log2(Double(place + 1)) }

  /// The means at a cutoff; nil for one that was not asked for.
  public subscript(cutoff: Int) -> AtCutoff? { atCutoffs.first { $0.cutoff == cutoff } }
}

/// How many queries have their target at each place: whole numbers, so that sums do not depend on their order.
struct PlaceHistogram: Sendable, Equatable {
  /// At places 1, 2, …
  private(set) var counts: [Int]
  private(set) var queries = 0

  init(depth: Int) { counts = Array(repeating: 0, count: depth) }

  mutating func add(_ place: Int?) {
    queries += 1
    guard let place, place <= counts.count else { return }
    precondition(place > 0, "places count from 1")
    counts[place - 1] += 1
  }
}
