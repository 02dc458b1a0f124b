import Recommenders
import Testing

/// What an alignment with a reward refuses, word by word, and the last values that it takes.
@Suite struct PreferenceLimitTests {
  private typealias Change = @Sendable (inout PreferenceOptimization.Parameters) -> Void

  private static func direct(_ change: @Sendable (inout PreferenceOptimization.DirectPreference) -> Void) -> Change {
    var direct = PreferenceOptimization.DirectPreference()
    change(&direct)
    return { [direct] in $0.method = .ipa(direct) }
  }

  private static func group(_ change: @Sendable (inout PreferenceOptimization.GroupPolicy) -> Void) -> Change {
    var group = PreferenceOptimization.GroupPolicy()
    change(&group)
    return { [group] in $0.method = .ecpo(group) }
  }

  private static func format(_ change: @Sendable (inout PreferenceOptimization.FormatReward) -> Void) -> Change {
    var format = PreferenceOptimization.FormatReward()
    change(&format)
    return { [format] in $0.format = format }
  }

  private static func sampling(_ change: @Sendable (inout CodeSampling) -> Void) -> Change {
    var sampling = CodeSampling()
    change(&sampling)
    return group { [sampling] in $0.sampling = sampling }
  }

  private static let samplingAdvice =
    "; expected a positive temperature, a topK of at least 1, and a topP above 0 and up to 1"
  private static let clipAdvice = ", expected a number between 0 and 1, and at least 0"
  private static let exposureAdvice = ", expected 0 to 1, between 0 and 1, and at least 1"

  private static let refusals: [(change: Change, message: String)] = [
    ({ $0.share = 0 }, "preference: share is 0.0, expected a number above 0 and up to 1"),
    ({ $0.share = .nan }, "preference: share is nan, expected a number above 0 and up to 1"),
    ({ $0.users = 65_537 }, "preference: users is 65537, expected 1 to 65,536"),
    ({ $0.weight = .infinity }, "preference: weight is inf, expected at least 0"),
    ({ $0.legalityQueries = -1 }, "preference: legalityQueries is -1, expected at least 0"),
    ({ $0.legalityDraws = 65_537 }, "preference: legalityDraws is 65537, expected 1 to 65,536"),
    ({ $0.training.epochs = 0 }, "generator: epochs is 0, expected 1 to 100,000"),
    ({ $0.guards.legalityTolerance = 2 }, "preference: guards are 0.6, 0.05, 0.0 and 2.0, expected 0 to 1 each"),
    ({ $0.guards.minimumRewardAUC = .nan }, "preference: guards are nan, 0.05, 0.0 and 0.1, expected 0 to 1 each"),
    (direct { $0.candidates = 1 }, "preference: candidates is 1, expected 2 to 65,536"),
    (direct { $0.beta = .nan }, "preference: beta is nan, expected a positive number"),
    (group { $0.groupSize = 65_537 }, "preference: groupSize is 65537, expected 2 to 65,536"),
    (group { $0.clip = 1 }, "preference: clip is 1.0 and earlyClip 0.1" + clipAdvice),
    (group { $0.earlyClip = .infinity }, "preference: clip is 0.2 and earlyClip inf" + clipAdvice),
    (sampling { $0.temperature = 0 }, "sampling: temperature 0.0, topK none, topP 1.0" + samplingAdvice),
    (sampling { $0.temperature = .infinity }, "sampling: temperature inf, topK none, topP 1.0" + samplingAdvice),
    (sampling { $0.topK = 0 }, "sampling: temperature 1.0, topK 0, topP 1.0" + samplingAdvice),
    (sampling { $0.topP = 1.5 }, "sampling: temperature 1.0, topK none, topP 1.5" + samplingAdvice),
    (
      {
        var group = PreferenceOptimization.GroupPolicy()
        group.sampling = CodeSampling()
        ($0.method, $0.sessionItems) = (.ecpo(group), 3)
      }, "preference: sessions of 3 items are found by beam search alone"
    ),
    (
      format { ($0.draws, $0.selected) = (4, 5) },
      "preference: format draws 4 and selects 5, expected 1 to 65,536, and up to as many"
    ),
    (format { $0.draws = 0 }, "preference: format draws 0 and selects 5, expected 1 to 65,536, and up to as many"),
    (format { $0.weight = -1 }, "preference: format.weight is -1.0, expected at least 0"),
    (format { $0.clip = 0 }, "preference: clip is 0.0 and earlyClip 0.1" + clipAdvice),
    (format { $0.sampling.topP = 0 }, "sampling: temperature 1.0, topK none, topP 0.0" + samplingAdvice),
    (
      { $0.exposure = .init(items: [1], share: 1.5, factor: 0.5) },
      "preference: exposure has the share 1.5, the factor 0.5 and the depth 10" + exposureAdvice
    ),
    (
      {
        $0.exposure = .init(items: [1], share: 0.5, factor: 0.5)
        $0.exposure?.depth = 0
      }, "preference: exposure has the share 0.5, the factor 0.5 and the depth 0" + exposureAdvice
    ),
  ]

  @Test(arguments: refusals.indices)
  func aSettingOutOfRangeIsRefusedWithWhatIsExpected(index: Int) {
    var parameters = PreferenceOptimization.Parameters()
    Self.refusals[index].change(&parameters)
    let found = refusal { _ = try PreferenceOptimization(parameters) }
    #expect(found == "invalidParameter: " + Self.refusals[index].message)
  }

  private static let lastValues: [Change] = [
    { $0.share = 1 }, { $0.users = 65_536 }, { ($0.weight, $0.legalityQueries, $0.legalityDraws) = (0, 0, 1) },
    { $0.legalityDraws = 65_536 }, direct { $0.candidates = 2 }, direct { $0.candidates = 65_536 },
    group { $0.groupSize = 2 }, group { $0.groupSize = 65_536 }, group { $0.earlyClip = 0 },
    group { $0.clip = Float(1).nextDown }, sampling { ($0.topK, $0.topP) = (1, .leastNonzeroMagnitude) },
    format { ($0.draws, $0.selected, $0.weight) = (65_536, 65_536, 0) }, format { ($0.draws, $0.selected) = (1, 1) },
    { $0.exposure = .init(items: [], share: 0, factor: 0.5) },
    { $0.exposure = .init(items: [], share: 1, factor: 0.5) },
    { ($0.guards.minimumRewardAUC, $0.guards.ndcgTolerance, $0.guards.minimumLegality) = (0, 1, 1) },
  ]

  @Test(arguments: lastValues.indices)
  func theLastValuesOfARangeArePartOfIt(index: Int) {
    var parameters = PreferenceOptimization.Parameters()
    Self.lastValues[index](&parameters)
    #expect(refusal { _ = try PreferenceOptimization(parameters) } == nil)
  }
}

/// What a guard says, and where its limits lie.
@Suite struct PreferenceGuardMessageTests {
  private static func measurement(
    _ epoch: Int, ndcg: Double?, legality: Double? = nil
  ) -> PreferenceOptimization.Measurement {
    var measurement = PreferenceOptimization.Measurement(epoch: epoch, step: 9, preferenceSteps: 3)
    (measurement.ndcg, measurement.legality) = (ndcg, legality)
    return measurement
  }

  @Test func aRewardThatForetellsLittleIsToldWithEachObjective() {
    let quality = RewardQuality(
      objectives: [
        .init(name: "like", auc: 0.8, sessions: 9, positiveShare: 0.5),
        .init(name: "love", auc: 0.55, sessions: 9, positiveShare: 0.1),
      ], reward: 0.75)
    #expect(
      refusal { try PreferenceGuard().check(quality, "judge") }
        == "untrustedReward: the judge has an area under the curve of 0.55 on sessions it did not learn from, expected "
        + "0.6 or more (like 0.8, love 0.55, reward 0.75): aligning with it would teach noise; train it on more data, "
        + "drop the objective, or lower minimumRewardAUC")
    var equal = PreferenceGuard()
    equal.minimumRewardAUC = 0.55
    #expect(refusal { try equal.check(quality, "judge") } == nil)
    #expect(
      refusal { try equal.check(.unknown, "reward model") }
        == "untrustedReward: how well the reward model foretells was not measured for each of its objectives; give it "
        + "held-out sessions of both kinds")
  }

  @Test func theReasonToStopNamesFiguresEpochAndTheLimit() {
    var limits = PreferenceGuard()
    (limits.ndcgTolerance, limits.minimumLegality, limits.legalityTolerance) = (0.25, 0.25, 0.5)
    let before = Self.measurement(0, ndcg: 0.5, legality: 0.875)
    #expect(
      limits.stopReason(Self.measurement(3, ndcg: 0.25, legality: 0), before: before)
        == "NDCG@10 on validation queries fell from 0.5 to 0.25 in epoch 3, more than the 25.0 % that ndcgTolerance allows"
    )
    #expect(
      limits.stopReason(Self.measurement(2, ndcg: 0.5, legality: 0.125), before: before)
        == "legality is 0.125 behind epoch 2, below the minimumLegality of 0.25")
    #expect(
      limits.stopReason(Self.measurement(4, ndcg: nil, legality: 0.3125), before: before)
        == "legality fell from 0.875 to 0.3125 in epoch 4, more than the 0.5 that legalityTolerance allows")
  }

  @Test func whatIsAtTheLimitGoesOn() {
    var limits = PreferenceGuard()
    (limits.ndcgTolerance, limits.minimumLegality, limits.legalityTolerance) = (0.5, 0.25, 0.5)
    let before = Self.measurement(0, ndcg: 0.5, legality: 0.75)
    #expect(limits.stopReason(Self.measurement(1, ndcg: 0.25, legality: 0.25), before: before) == nil)
    #expect(limits.stopReason(Self.measurement(1, ndcg: 0.25.nextDown, legality: 0.25), before: before) != nil)
    #expect(limits.stopReason(Self.measurement(1, ndcg: 0.25, legality: 0.25.nextDown), before: before) != nil)
  }

  @Test func whatWasNotMeasuredBeforeIsNotCompared() {
    var limits = PreferenceGuard()
    limits.minimumLegality = 0.25
    let before = Self.measurement(0, ndcg: nil)
    #expect(limits.stopReason(Self.measurement(1, ndcg: 0, legality: 0.25), before: before) == nil)
    // The floor needs nothing to compare with.
    #expect(limits.stopReason(Self.measurement(1, ndcg: 0, legality: 0.2), before: before)?.contains("0.25") == true)
    #expect(limits.stopReason(before, before: Self.measurement(0, ndcg: 1, legality: 1)) == nil)
  }
}

/// What rewards, their sessions and their training refuse, word by word.
@Suite struct RewardLimitTests {
  private static let events = (0..<10).map { RewardEvent(user: 0, item: 0, time: Double($0), rating: 5) }

  private static let lists: [(objectives: [RewardObjective], message: String)] = [
    ([], "objectives [], expected 1 to 64 of different names"),
    ([.like, .met, .like], "objectives [\"like\", \"met\", \"like\"], expected 1 to 64 of different names"),
    ([RewardObjective("x", .met, weight: -1)], "the objective \"x\" has the weight -1.0, expected at least 0"),
    ([RewardObjective("x", .met, weight: .nan)], "the objective \"x\" has the weight nan, expected at least 0"),
    (
      [.like, RewardObjective("x", .rating(atLeast: .infinity))],
      "the objective \"x\" is of ratings of inf, expected a number"
    ),
    ([RewardObjective("x", .met, weight: 0)], "no objective has a weight above 0"),
  ]

  @Test(arguments: lists.indices)
  func objectivesThatNothingCanBeLearnedFromAreNamed(index: Int) {
    let found = refusal { _ = try RewardSplit(Self.events, itemCount: 4, objectives: Self.lists[index].objectives) }
    #expect(found == "invalidParameter: reward: " + Self.lists[index].message)
  }

  private static let shareAdvice = ", expected a positive number, one of at least 0, and both together below 1"

  private static let splits: [(change: @Sendable (inout RewardSplit.Parameters) -> Void, message: String)] = [
    ({ $0.trainingShare = 0 }, "trainingShare is 0.0 and validationShare 0.1" + shareAdvice),
    ({ $0.trainingShare = 0.9 }, "trainingShare is 0.9 and validationShare 0.1" + shareAdvice),
    ({ $0.validationShare = .nan }, "trainingShare is 0.8 and validationShare nan" + shareAdvice),
    ({ $0.maximumSession = 257 }, "maximumSession is 257, expected 1 to 256"),
    ({ $0.maximumHistory = 100_001 }, "maximumHistory is 100001, expected 1 to 100,000"),
    ({ $0.drawnPerSession = 101 }, "drawnPerSession is 101, expected 1 to 100"),
    ({ $0.historyRating = .infinity }, "historyRating is inf, expected a number"),
    ({ $0.users = UserPart(2, of: 2) }, "part 2 of 2 of the users, expected one of those"),
    ({ $0.users = UserPart(0, of: 0) }, "part 0 of 0 of the users, expected one of those"),
    ({ $0.users = UserPart(-1, of: 2) }, "part -1 of 2 of the users, expected one of those"),
  ]

  @Test(arguments: splits.indices)
  func aSplitThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = RewardSplit.Parameters()
    Self.splits[index].change(&parameters)
    let found = refusal {
      _ = try RewardSplit(Self.events, itemCount: 4, objectives: [.like], parameters: parameters)
    }
    #expect(found == "invalidParameter: reward: " + Self.splits[index].message)
  }

  @Test func theFirstEventThatCannotBeIsNamed() {
    var late = Self.events
    late[3].time = -.infinity
    late[5].item = 9
    #expect(
      refusal { _ = try RewardSplit(late, itemCount: 4, objectives: [.like]) }
        == "invalidParameter: event 3 has the time -inf, expected a number")
    late[3].time = 3
    #expect(
      refusal { _ = try RewardSplit(late, itemCount: 9, objectives: [.like]) }
        == "unknown: event 5 is of item 9, of 9 items")
  }

  @Test func labelsOfOneKindSayWhatToChooseInstead() {
    // Of ten events, eight are before the cut at the eighth.
    #expect(
      refusal { _ = try RewardSplit(Self.events, itemCount: 1, objectives: [.like]) }
        == "nothingToLearn: of 8 training sessions none has, or all have, the label \"like\"; both kinds are needed: "
        + "choose another objective, or draw items for one of what was met")
  }

  private typealias ModelChange = @Sendable (inout RewardConfiguration, inout RewardTraining.Parameters) -> Void

  private static let models: [(change: ModelChange, message: String)] = [
    ({ shape, _ in shape.width = 4097 }, "width is 4097, expected 1 to 4096"),
    ({ shape, _ in shape.heads = 3 }, "heads is 3, expected a divisor of the width 32"),
    ({ shape, _ in shape.heads = 0 }, "heads is 0, expected a divisor of the width 32"),
    ({ shape, _ in shape.hidden = 8193 }, "hidden is 8193, expected 1 to 8192"),
    ({ shape, _ in shape.dropout = 1 }, "dropout is 1.0, expected at least 0 and below 1"),
    ({ shape, _ in shape.maximumHistory = 65_537 }, "maximumHistory is 65537, expected 1 to 65,536"),
    ({ _, training in training.batch = 1_048_577 }, "batch is 1048577, expected 1 to 1,048,576"),
    ({ _, training in training.epochs = 1001 }, "epochs is 1001, expected 1 to 1000"),
    ({ _, training in training.learningRate = -1 }, "learningRate is -1.0, expected a positive number"),
    ({ _, training in training.warmup = -1 }, "warmup is -1, expected at least 0"),
    ({ _, training in training.weightDecay = .nan }, "weightDecay is nan, expected at least 0"),
    ({ _, training in training.clip = .nan }, "clip is nan, expected a positive number"),
    ({ _, training in training.maximumValidation = 0 }, "maximumValidation is 0, expected at least 1"),
    ({ _, training in training.patience = 0 }, "patience is 0, expected at least 1"),
  ]

  @Test(arguments: models.indices)
  func aRewardModelThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var configuration = RewardConfiguration(), parameters = RewardTraining.Parameters()
    Self.models[index].change(&configuration, &parameters)
    let found = refusal { _ = try RewardTraining(configuration, parameters: parameters) }
    #expect(found == "invalidParameter: reward: " + Self.models[index].message)
  }
}
