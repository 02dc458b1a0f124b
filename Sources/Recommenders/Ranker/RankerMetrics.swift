internal import RealModule

/// How well a ranker tells what users like from what they do not.
public struct RankerMetrics: Sendable, Equatable, Codable {
  public var examples: Int
  /// Liked ones among them.
  public var positives: Int
  /// Users with examples of both kinds: those that the means over users are of.
  public var users: Int
  /// Over all examples; nil where they are of one kind. A user who likes everything raises it.
  public var auc: Double?
  /// The mean over users of the area of the user's own examples; nil for no user with both kinds.
  public var uauc: Double?
  /// That mean weighted by the users' examples (Zhu et al., 2017, with impressions as weights).
  public var gauc: Double?
  /// The mean binary cross-entropy in nats; 0 for no example.
  public var logLoss: Double

  /// - Parameters:
  ///   - logits: finite, one per selected example, in order.
  ///   - selection: numbers of examples, ascending; users' examples lie behind one another.
  package init(_ logits: ContiguousArray<Float>, _ examples: RankingExamples, selection: [Int]) {
    precondition(logits.count == examples.count, "\(logits.count) logits for \(examples.count) examples")
    self.examples = selection.count
    positives = selection.count { examples.labels[$0] > 0.5 }
    auc = Self.area(logits, examples, selection[...])
    var sum = 0.0, weighted = 0.0, weight = 0
    (users, logLoss) = (0, 0)
    var start = 0
    while start < selection.count {
      let user = examples.users[selection[start]]
      let end = selection[start...].firstIndex { examples.users[$0] != user } ?? selection.count
      if let area = Self.area(logits, examples, selection[start..<end]) {
        users += 1
        sum += area
        weighted += area * Double(end - start)
        weight += end - start
      }
      start = end
    }
    uauc = users > 0 ? sum / Double(users) : nil
    gauc = users > 0 ? weighted / Double(weight) : nil
    let loss = selection.reduce(0.0) { $0 + Self.crossEntropy(logits[$1], examples.labels[$1]) }
    logLoss = loss / Double(max(1, selection.count))
  }

  private static func area(
    _ logits: ContiguousArray<Float>, _ examples: RankingExamples, _ selection: ArraySlice<Int>
  ) -> Double? {
    AreaUnderCurve.measure(selection.map { logits[$0] }, labels: selection.map { examples.labels[$0] })
  }

  /// log(1 + eˣ) − x · label, in the form that does not overflow.
  private static func crossEntropy(_ logit: Float, _ label: Float) -> Double {
    let x = Double(logit)
    return max(x, 0) - x * Double(label) + Double.log(onePlus: Double.exp(-abs(x)))
  }
}

/// Which examples a ranker's figure is about.
public enum RankerSlice: String, Sendable, Equatable, Codable, CaseIterable {
  case all
  /// Examples of items with few training examples or none.
  case coldItems
  /// Examples whose user has liked little before.
  case longTailUsers

  /// For tables.
  public var title: String {
    switch self {
    case .all: "all examples"
    case .coldItems: "cold items"
    case .longTailUsers: "long-tail users"
    }
  }
}

/// What one training of a ranker reached.
public struct RankerResult: Sendable, Equatable, Codable {
  public struct Limits: Sendable, Equatable, Codable {
    /// An item with at most so many training examples is cold.
    public var coldItemExamples = 5
    /// A history of at most so many items is a long-tail user's.
    public var longTailHistory = 5

    public init() {}
  }

  public struct Slice: Sendable, Equatable, Codable {
    public var slice: RankerSlice
    public var metrics: RankerMetrics
  }

  /// For tables: the variant.
  public var name: String
  public var slices: [Slice]

  /// - Parameters:
  ///   - logits: of the examples.
  ///   - trainingCounts: training examples by item; ``RankingExamples/countsByItem()``.
  public init(
    _ name: String, logits: ContiguousArray<Float>, of examples: RankingExamples,
    trainingCounts: ContiguousArray<UInt32>, limits: Limits = Limits()
  ) {
    self.name = name
    slices = RankerSlice.allCases.map { slice in
      let selection = (0..<examples.count).filter { example in
        switch slice {
        case .all: true
        case .coldItems: trainingCounts[Int(examples.items[example])] <= limits.coldItemExamples
        case .longTailUsers: examples.historyCount(of: example) <= limits.longTailHistory
        }
      }
      return Slice(slice: slice, metrics: RankerMetrics(logits, examples, selection: selection))
    }
  }

  public subscript(slice: RankerSlice) -> RankerMetrics? { slices.first { $0.slice == slice }?.metrics }
}
