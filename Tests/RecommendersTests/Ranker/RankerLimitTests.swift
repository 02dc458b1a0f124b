import Recommenders
import Testing

/// What a ranker, its items and its examples refuse, word by word, and the last values that they take.
@Suite struct RankerLimitTests {
  private typealias ShapeChange = @Sendable (inout RankerConfiguration) -> Void
  private typealias TrainingChange = @Sendable (inout RankerTraining.Parameters) -> Void

  private static func experts(_ change: @Sendable (inout RankerConfiguration.Experts) -> Void) -> ShapeChange {
    var experts = RankerConfiguration.Experts()
    change(&experts)
    return { [experts] in $0.experts = experts }
  }

  private static let shapes: [(change: ShapeChange, message: String)] = [
    ({ $0.width = 1025 }, "width is 1025, expected 1 to 1024"),
    ({ $0.historyLength = 10_001 }, "historyLength is 10001, expected 1 to 10,000"),
    ({ $0.hitHistoryLength = 0 }, "hitHistoryLength is 0, expected 1 to 10,000"),
    ({ $0.attentionHidden = 4097 }, "attentionHidden is 4097, expected 1 to 4096"),
    ({ $0.hidden = [] }, "hidden is [], expected widths from 1 to 8192"),
    ({ $0.hidden = [64, 0] }, "hidden is [64, 0], expected widths from 1 to 8192"),
    ({ $0.hidden = [8193] }, "hidden is [8193], expected widths from 1 to 8192"),
    ({ $0.dropout = -0.5 }, "dropout is -0.5, expected 0 to below 1"),
    (experts { $0.count = 1 }, "experts.count is 1, expected 2 to 256"),
    (experts { $0.count = 257 }, "experts.count is 257, expected 2 to 256"),
    (experts { $0.maskRate = 1 }, "experts.maskRate is 1.0, expected 0 to below 1"),
    (experts { $0.contrastiveWeight = .infinity }, "experts.contrastiveWeight is inf, expected at least 0"),
    (experts { $0.temperature = 0 }, "experts.temperature is 0.0, expected 0.001 to 10"),
    (experts { $0.temperature = 10.5 }, "experts.temperature is 10.5, expected 0.001 to 10"),
  ]

  @Test(arguments: shapes.indices)
  func aShapeThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var configuration = RankerConfiguration()
    Self.shapes[index].change(&configuration)
    let found = refusal { _ = try RankerTraining(configuration) }
    #expect(found == "invalidParameter: ranker: " + Self.shapes[index].message)
  }

  private static let trainings: [(change: TrainingChange, message: String)] = [
    ({ $0.batch = 1_048_577 }, "batch is 1048577, expected 1 to 1,048,576"),
    ({ $0.epochs = 1001 }, "epochs is 1001, expected 1 to 1000"),
    ({ $0.learningRate = .infinity }, "learningRate is inf, expected a positive number"),
    ({ $0.warmup = -1 }, "warmup is -1, expected at least 0"),
    ({ $0.weightDecay = .infinity }, "weightDecay is inf, expected at least 0"),
    ({ $0.clip = .nan }, "clip is nan, expected a positive number"),
    ({ $0.maximumValidation = 0 }, "maximumValidation is 0, expected at least 1"),
    ({ $0.evaluationInterval = 0 }, "evaluationInterval and patience are at least 1"),
    ({ $0.patience = 0 }, "evaluationInterval and patience are at least 1"),
  ]

  @Test(arguments: trainings.indices)
  func aTrainingThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = RankerTraining.Parameters()
    Self.trainings[index].change(&parameters)
    let found = refusal { _ = try RankerTraining(RankerConfiguration(), parameters: parameters) }
    #expect(found == "invalidParameter: ranker: " + Self.trainings[index].message)
  }

  private static let lastShapes: [ShapeChange] = [
    { $0.width = 1 }, { $0.width = 1024 }, { ($0.historyLength, $0.hitHistoryLength) = (1, 1) },
    { ($0.historyLength, $0.hitHistoryLength) = (10_000, 10_000) }, { $0.attentionHidden = 4096 },
    { $0.hidden = [1] }, { $0.hidden = [8192, 1, 8192] }, { $0.dropout = 0 }, { $0.dropout = Float(1).nextDown },
    experts { ($0.count, $0.maskRate, $0.contrastiveWeight) = (2, 0, 0) },
    experts { ($0.count, $0.temperature) = (256, 10) },
  ]

  @Test(arguments: lastShapes.indices)
  func theLastValuesOfARangeArePartOfIt(index: Int) {
    var configuration = RankerConfiguration()
    Self.lastShapes[index](&configuration)
    #expect(refusal { _ = try RankerTraining(configuration) } == nil)
  }

  private static func event(_ user: Int32 = 0, item: UInt32 = 0, time: Double = 0, label: Float = 1)
    -> RankingSplit.Event
  {
    RankingSplit.Event(user: user, item: item, time: time, label: label)
  }

  private static let events: [(event: RankingSplit.Event, message: String)] = [
    (event(label: 0.5), "invalidParameter: event 1 has the label 0.5, expected 0 or 1"),
    (event(label: .nan), "invalidParameter: event 1 has the label nan, expected 0 or 1"),
    (event(time: .infinity), "invalidParameter: event 1 has the time inf, expected a number"),
    (event(-1), "unknown: event 1 is of user -1 and item 0, of 3 users and 4 items"),
    (event(3), "unknown: event 1 is of user 3 and item 0, of 3 users and 4 items"),
    (event(item: 4), "unknown: event 1 is of user 0 and item 4, of 3 users and 4 items"),
  ]

  @Test(arguments: events.indices)
  func anEventThatCannotBeIsNamedWithItsPlace(index: Int) {
    let events = [Self.event(), Self.events[index].event]
    let found = refusal { _ = try RankingSplit(events, userCount: 3, itemCount: 4) }
    #expect(found == Self.events[index].message)
  }

  private static let splits: [(change: @Sendable (inout RankingSplit.Parameters) -> Void, message: String)] = [
    (
      { ($0.trainingShare, $0.validationShare) = (0.5, 0.5) },
      "trainingShare is 0.5 and validationShare 0.5, expected a positive number, one of at least 0, and both together "
        + "below 1"
    ),
    (
      { ($0.trainingShare, $0.validationShare) = (0.5, -0.25) },
      "trainingShare is 0.5 and validationShare -0.25, expected a positive number, one of at least 0, and both together "
        + "below 1"
    ),
    ({ $0.dislikes = .drawn(perLike: 0, seed: 1) }, "0 dislikes drawn per like, expected 1 to 100"),
    ({ $0.dislikes = .drawn(perLike: 101, seed: 1) }, "101 dislikes drawn per like, expected 1 to 100"),
    ({ $0.maximumHistory = 0 }, "maximumHistory is 0, expected 1 to 100,000"),
    ({ $0.maximumHistory = 100_001 }, "maximumHistory is 100001, expected 1 to 100,000"),
  ]

  @Test(arguments: splits.indices)
  func aSplitThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = RankingSplit.Parameters()
    Self.splits[index].change(&parameters)
    let found = refusal {
      _ = try RankingSplit([Self.event()], userCount: 1, itemCount: 1, parameters: parameters)
    }
    #expect(found == "invalidParameter: " + Self.splits[index].message)
  }

  @Test(arguments: [(Float(1), "all"), (0, "none")])
  func aPartOfOneKindSaysWhichAndWhatToMove(label: Float, share: String) {
    // Of ten events, eight are before the first cut.
    let events = (0..<10).map { Self.event(time: Double($0), label: label) }
    let found = refusal { _ = try RankingSplit(events, userCount: 1, itemCount: 1) }
    #expect(
      found
        == "nothingToLearn: the training part has 8 examples, \(share) of them liked; both kinds are needed: move the "
        + "cuts or positiveRating")
  }
}
