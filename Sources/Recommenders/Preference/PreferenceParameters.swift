extension PreferenceOptimization {
  /// How rewards become a loss.
  public enum Method: Sendable, Equatable, Codable {
    /// OneRec's iterative preference alignment (2502.18965, section 3.4).
    case ipa(DirectPreference)
    /// The technical report's early-clipped group policy optimization (2506.13695, section 2.5).
    case ecpo(GroupPolicy)
  }

  /// The best and the worst of what beam search finds, as a pair for direct preference optimization.
  public struct DirectPreference: Sendable, Equatable, Codable {
    /// That are looked at per user; the paper's N.
    public var candidates = 128
    /// What log-ratios are multiplied by; the paper gives none.
    public var beta: Float = 0.1

    public init() {}
  }

  /// A group of IDs a user, each with how much better than the group's mean its reward is.
  public struct GroupPolicy: Sendable, Equatable, Codable {
    /// IDs a user: the paper's G, best at about four times what is recommended.
    public var groupSize = 128
    /// ε; the paper gives none.
    public var clip: Float = 0.2
    /// δ.
    public var earlyClip: Float = 0.1
    /// How groups are drawn from the epoch's first model; nil for its beam search, which did better in the paper.
    public var sampling: CodeSampling?

    public init() {}
  }

  /// The reward for writing IDs that exist (2506.13695, section 2.5.3): of the IDs that are drawn from all codes some are
  /// picked at random, those that are legal have an advantage of 1, and the others are left out.
  public struct FormatReward: Sendable, Equatable, Codable {
    /// Draws a user.
    public var draws = 128
    /// Of them, at random: taking the likeliest teaches what is known already, and collapses.
    public var selected = 5
    /// Of its loss next to L_NTP.
    public var weight: Float = 1
    /// Its seed is not read.
    public var sampling = CodeSampling()
    /// ε and δ.
    public var clip: Float = 0.2
    public var earlyClip: Float = 0.1

    public init() {}
  }

  /// The policy's multiplier of the report's SIR (2506.13695, section 2.5.4): where some content has more than its share
  /// of what is recommended, its reward is cut.
  public struct ExposureLimit: Sendable, Equatable, Codable {
    /// Rows of the item table.
    public var items: Set<UInt32>
    /// f: the share of a batch's recommendations up to which nothing is done.
    public var share: Double
    /// α in (0, 1): what the rewards of these items are multiplied by above it.
    public var factor: Float
    /// How many of each user's candidates count as recommended.
    public var depth = 10

    public init(items: Set<UInt32>, share: Double, factor: Float) {
      self.items = items
      self.share = share
      self.factor = factor
    }
  }

  public struct Parameters: Sendable, Equatable, Codable {
    public var method = Method.ipa(DirectPreference())
    /// The learning of next items that goes on: epochs, steps, rates, what is validated on, and the seed of everything.
    public var training: GeneratorTraining.Parameters
    /// The share of steps that align too: OneRec's r_DPO.
    public var share = 0.01
    /// Users of such a step, drawn from all that have training events.
    public var users = 32
    /// λ: of the preference loss next to L_NTP; the papers give none. A pair's gradient has β in it as well.
    public var weight: Float = 1
    /// What the probabilities of candidates run over: with all codes, as in the paper, a bad ID's share may go to IDs that
    /// do not exist, which ``FormatReward`` is there to prevent.
    public var legality = CodeLegality.constrained
    /// Items of a candidate: 1 for the next item, more for a session, up to ``GeneratorConfiguration/targetItems``.
    public var sessionItems = 1
    /// Items of a user's history are no candidates.
    public var excludesHistory = false
    /// Nil for none.
    public var format: FormatReward?
    /// Nil for none.
    public var exposure: ExposureLimit?
    public var guards = PreferenceGuard()
    /// Queries for validation, at most, and draws for each, that legality is measured by.
    public var legalityQueries = 256
    public var legalityDraws = 32

    /// Three epochs at a tenth of the rate that trains a generator.
    public init() {
      training = GeneratorTraining.Parameters()
      training.epochs = 3
      training.learningRate = 2e-4
      training.warmup = 20
    }
  }
}

extension PreferenceOptimization.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "preference: \(expectation)") }
    }
    try training.validate()
    try guards.validate()
    try check(share > 0 && share <= 1, "share is \(share), expected a number above 0 and up to 1")
    try check((1...65_536).contains(users), "users is \(users), expected 1 to 65,536")
    try check(weight >= 0 && weight.isFinite, "weight is \(weight), expected at least 0")
    try check(legalityQueries >= 0, "legalityQueries is \(legalityQueries), expected at least 0")
    try check((1...65_536).contains(legalityDraws), "legalityDraws is \(legalityDraws), expected 1 to 65,536")
    func checkClips(_ clip: Float, _ early: Float) throws(RecommenderError) {
      try check(
        clip > 0 && clip < 1 && early >= 0 && early.isFinite,
        "clip is \(clip) and earlyClip \(early), expected a number between 0 and 1, and at least 0")
    }
    switch method {
    case .ipa(let direct):
      try check((2...65_536).contains(direct.candidates), "candidates is \(direct.candidates), expected 2 to 65,536")
      try check(direct.beta > 0 && direct.beta.isFinite, "beta is \(direct.beta), expected a positive number")
    case .ecpo(let group):
      try check((2...65_536).contains(group.groupSize), "groupSize is \(group.groupSize), expected 2 to 65,536")
      try checkClips(group.clip, group.earlyClip)
      try group.sampling?.validate()
      try check(
        group.sampling == nil || sessionItems == 1, "sessions of \(sessionItems) items are found by beam search alone")
    }
    if let format {
      try check(
        (1...65_536).contains(format.draws) && (1...format.draws).contains(format.selected),
        "format draws \(format.draws) and selects \(format.selected), expected 1 to 65,536, and up to as many")
      try check(format.weight >= 0 && format.weight.isFinite, "format.weight is \(format.weight), expected at least 0")
      try checkClips(format.clip, format.earlyClip)
      try format.sampling.validate()
    }
    if let exposure {
      try check(
        (0...1).contains(exposure.share) && exposure.factor > 0 && exposure.factor < 1 && exposure.depth > 0,
        "exposure has the share \(exposure.share), the factor \(exposure.factor) and the depth \(exposure.depth), "
          + "expected 0 to 1, between 0 and 1, and at least 1")
    }
  }
}
