/// Which queries see which keys: sequences are packed one behind the other without padding, and each segment of queries
/// sees one segment of keys.
public struct AttentionLayout: Sendable {
  public struct Segment: Sendable {
    public var queries: Range<Int>
    public var keys: Range<Int>

    public init(queries: Range<Int>, keys: Range<Int>) {
      self.queries = queries
      self.keys = keys
    }
  }

  /// How many keys of its segment, counted from the first, a query sees.
  public enum Visibility: Sendable {
    case all
    /// The query at place i of its segment sees the keys up to place i.
    case causal
    /// A number for every query; at least 1.
    case prefix(ContiguousArray<Int32>)

    var isAll: Bool { if case .all = self { true } else { false } }
  }

  /// Segments of queries do not overlap. Segments of keys are disjoint or the same; those that are the same follow one
  /// another.
  public let segments: [Segment]
  public let visibility: Visibility

  public init(segments: [Segment], visibility: Visibility = .all) {
    self.segments = segments
    self.visibility = visibility
    precondition(
      segments.allSatisfy { !$0.keys.isEmpty || $0.queries.isEmpty }, "a query that has no key to see")
  }

  /// Sequences that see themselves.
  /// - Parameter offsets: where sequences begin, and behind the last the number of rows.
  public init(selfAttentionOver offsets: [Int], isCausal: Bool) {
    let segments = zip(offsets, offsets.dropFirst()).map { Segment(queries: $0..<$1, keys: $0..<$1) }
    self.init(segments: segments, visibility: isCausal ? .causal : .all)
  }

  /// Of all segments.
  var queryCount: Int { segments.reduce(0) { $0 + $1.queries.count } }

  /// Keys that queries see, over all queries.
  var visiblePairs: Int {
    segments.reduce(0) { sum, segment in
      visibility.isAll
        ? sum + segment.queries.count * segment.keys.count
        : segment.queries.reduce(sum) { $0 + visibleKeys(segment, row: $1) }
    }
  }

  /// Runs of segments that share their keys: what one task works on, since it adds to the keys' gradients.
  var groups: [Range<Int>] {
    var (groups, start): ([Range<Int>], Int) = ([], 0)
    for index in segments.indices.dropFirst() where segments[index].keys != segments[start].keys {
      groups.append(start..<index)
      start = index
    }
    return segments.isEmpty ? [] : groups + [start..<segments.count]
  }

  /// Keys that the query `row` of a segment sees.
  func visibleKeys(_ segment: Segment, row: Int) -> Int {
    switch visibility {
    case .all: segment.keys.count
    case .causal: min(segment.keys.count, row - segment.queries.lowerBound + 1)
    case .prefix(let counts): min(segment.keys.count, Int(counts[row]))
    }
  }
}
