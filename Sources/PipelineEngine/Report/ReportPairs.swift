/// What was mined from behavior, as a report shows it.
public struct ReportPairs: Sendable, Equatable, Codable {
  /// One count and what it counts.
  public struct Count: Sendable, Equatable, Codable {
    public var name: String
    public var count: Int

    public init(name: String, count: Int) {
      self.name = name
      self.count = count
    }
  }

  /// What one filter kept and dropped.
  public struct Filter: Sendable, Equatable, Codable {
    public var name: String
    public var kept: Int
    public var dropped: Int

    public init(name: String, kept: Int, dropped: Int) {
      self.name = name
      self.kept = kept
      self.dropped = dropped
    }
  }

  /// One way of finding pairs.
  public struct Source: Sendable, Equatable, Codable {
    public var name: String
    /// Pairs that were left.
    public var pairs: Int
    /// Held-out pairs among them, in either direction.
    public var covered: Int
    public var seconds: Double
    /// In the order in which they were applied.
    public var filters: [Filter]
    /// Some pairs, drawn at random.
    public var examples: [Example]

    public init(
      name: String, pairs: Int, covered: Int, seconds: Double, filters: [Filter], examples: [Example] = []
    ) {
      self.name = name
      self.pairs = pairs
      self.covered = covered
      self.seconds = seconds
      self.filters = filters
      self.examples = examples
    }
  }

  /// One pair.
  public struct Example: Sendable, Equatable, Codable {
    public var trigger: ReportItem
    public var target: ReportItem
    public var weight: Double
    public var users: Int

    public init(trigger: ReportItem, target: ReportItem, weight: Double, users: Int) {
      self.trigger = trigger
      self.target = target
      self.weight = weight
      self.users = users
    }
  }

  /// How often held-out pairs share codes from the first level down to one, against any two items.
  public struct SharedCodes: Sendable, Equatable, Codable {
    public var share: Double
    public var byChance: Double
  }

  /// Pairs of all sources.
  public var pairs: Int
  public var heldOut: Int
  /// Held-out pairs that any source found.
  public var covered: Int
  /// What was read, and what was left out of it.
  public var log: [Count] = []
  public var sources: [Source] = []
  /// By level; of held-out pairs whose items both have codes.
  public var sharedCodes: [SharedCodes] = []

  public init(pairs: Int, heldOut: Int, covered: Int) {
    self.pairs = pairs
    self.heldOut = heldOut
    self.covered = covered
  }
}
