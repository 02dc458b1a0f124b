import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct TwoTowerTrainingTests {
  private func train(
    _ split: TrainingSplit, _ parameters: TwoTowerTraining.Parameters = TwoTowerFixture.parameters(),
    pooling: TwoTowerModel.Configuration.Pooling = .attention, checkpoint: String? = nil,
    isCancelled: () -> Bool = { false }
  ) throws -> TwoTowerTraining.Result {
    var configuration = TwoTowerFixture.configuration
    configuration.pooling = pooling
    return try TwoTowerTraining(configuration, parameters: parameters)
      .train(split, checkpoint: checkpoint, isCancelled: isCancelled)
  }

  /// By chance a tenth of 80 items holds an eighth of the targets.
  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func plantedGroupsAreLearned(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let split = try TwoTowerFixture.split()
    let result = try train(split, pooling: pooling)
    let ranks = result.model.ranks(of: split.nextItemQueries(place: 1))
    let found = ranks.count { $0 <= 10.5 }
    #expect(ranks.count > 140 && Double(found) > 0.9 * Double(ranks.count), "\(found) of \(ranks.count)")
    let losses = result.measurements.map(\.loss)
    #expect(try #require(losses.last) < #require(losses.first) - 0.5)
    // An item's nearest are those of its group.
    let vectors = result.model.itemVectors
    let products = matrixProduct(vectors, vectors, transposingRight: true)
    for item in 0..<vectors.rows {
      let near = products.row(item).enumerated().sorted { $0.element > $1.element }.prefix(10).map(\.offset)
      #expect(near.count { $0 % 8 == item % 8 } >= 8, "\(item): \(near)")
    }
  }

  @Test func pairsOfItsVectorsStayWithinGroups() throws {
    let split = try TwoTowerFixture.split()
    let mined = try UserToItemMiner().mine(split, embeddings: try train(split).model.rowVectors)
    #expect(mined.table.count > 300)
    #expect(zip(mined.table.triggers, mined.table.targets).allSatisfy { $0 % 8 == $1 % 8 })
  }

  @Test func theSameSeedGivesTheSameModelOnAnyThreads() throws {
    let split = try TwoTowerFixture.split()
    var parameters = TwoTowerFixture.parameters(epochs: 2)
    let first = try withThreads(1) { try train(split, parameters) }
    for threads in [1, 2, 5] {
      let again = try withThreads(threads) { try train(split, parameters) }
      #expect(again.model.fingerprint == first.model.fingerprint && again.measurements == first.measurements)
    }
    parameters.seed = 2
    #expect(try train(split, parameters).model.fingerprint != first.model.fingerprint)
  }

  @Test func whatLiesBeyondTheWindowChangesNothing() throws {
    let rows = TwoTowerFixture.rows(users: 80, groups: 8)
    let parameters = TwoTowerFixture.parameters(epochs: 2)
    func fingerprint(_ later: [Int]) throws -> String {
      let changed = rows.map { Array($0.dropLast(2)) + later }
      let history = try history(changed, itemCount: 90)
      let result = try train(try TrainingSplit(history, window: .leaveLast(2)), parameters)
      #expect(result.measurements.count == 2)
      return result.model.fingerprint
    }
    #expect(try fingerprint([81, 82]) == fingerprint([85, 89]))
  }

  @Test func theBestEpochIsKeptAndTrainingStopsBehindIt() throws {
    var parameters = TwoTowerFixture.parameters(epochs: 60)
    parameters.patience = 2
    let result = try train(try TwoTowerFixture.split(), parameters)
    #expect(result.stopReason?.contains("no gain on held-out items in 2 epochs") == true)
    let gains = result.measurements.map(\.gain)
    #expect(gains.count < 60 && gains.dropLast(2).last == gains.max())
  }

  @Test func anInterruptedRunGoesOnBitForBit() throws {
    let split = try TwoTowerFixture.split()
    let parameters = TwoTowerFixture.parameters(epochs: 4)
    let whole = try train(split, parameters)
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      var steps = 0
      expectAlignmentError(.cancelled) {
        _ = try train(
          split, parameters, checkpoint: path,
          isCancelled: {
            steps += 1
            return steps > 25
          })
      }
      #expect(FileManager.default.fileExists(atPath: path))
      steps = 0
      let rest = try train(
        split, parameters, checkpoint: path,
        isCancelled: {
          steps += 1
          return false
        })
      #expect(rest.model.fingerprint == whole.model.fingerprint && rest.measurements == whole.measurements)
      #expect(steps > 0 && steps < 40)
      // A run that ended makes nothing anew.
      let ended = try train(split, parameters, checkpoint: path, isCancelled: { true })
      #expect(ended.model.fingerprint == whole.model.fingerprint && ended.measurements == whole.measurements)
    }
  }

  @Test func aRunThatStoppedEarlyStaysStopped() throws {
    let split = try TwoTowerFixture.split()
    var parameters = TwoTowerFixture.parameters(epochs: 60)
    parameters.patience = 1
    try withTemporaryDirectory { folder in
      let first = try train(split, parameters, checkpoint: folder + "/checkpoint")
      let again = try train(split, parameters, checkpoint: folder + "/checkpoint", isCancelled: { true })
      #expect(again.stopReason == first.stopReason && again.stopReason != nil)
      #expect(again.model.fingerprint == first.model.fingerprint && again.measurements == first.measurements)
    }
  }

  @Test func checkpointsOfOtherTrainingsAndDamageAreRefused() throws {
    let split = try TwoTowerFixture.split()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      _ = try train(split, TwoTowerFixture.parameters(epochs: 1), checkpoint: path)
      let message = "remove it to train anew"
      expectAlignmentError(.unreadableCheckpoint, "other settings", message) {
        _ = try train(split, TwoTowerFixture.parameters(epochs: 2), checkpoint: path)
      }
      expectAlignmentError(.unreadableCheckpoint, "other settings", message) {
        _ = try train(
          try TwoTowerFixture.split(leaving: 2), TwoTowerFixture.parameters(epochs: 1), checkpoint: path)
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
      expectAlignmentError(.unreadableCheckpoint, message) {
        _ = try train(split, TwoTowerFixture.parameters(epochs: 1), checkpoint: path)
      }
    }
  }

  @Test func aLossThatIsNoNumberStopsTraining() throws {
    var parameters = TwoTowerFixture.parameters()
    parameters.learningRate = 1e30
    parameters.clip = 1e30
    parameters.warmup = 0
    parameters.weightDecay = 1e9
    expectAlignmentError(.diverged, "learningRate is 1e+30 now") {
      _ = try train(try TwoTowerFixture.split(), parameters)
    }
  }

  @Test func aLaterDivergenceKeepsTheModelOfAnEarlierEpoch() throws {
    let split = try TwoTowerFixture.split()
    let parameters = TwoTowerFixture.parameters(epochs: 3)
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      var epochs = 0
      expectAlignmentError(.cancelled) {
        _ = try TwoTowerTraining(TwoTowerFixture.configuration, parameters: parameters).train(
          split, checkpoint: path, isCancelled: { epochs == 2 }, observe: { epochs = $0.epoch })
      }
      let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
      _ = try TwoTowerNetwork(scope, TwoTowerFixture.configuration, itemCount: ItemVocabulary(split).count)
      var checkpoint = try TrainingCheckpoint.read(path, for: try scope.finish())
      let parameter = try #require(checkpoint.state.parameters.parameter(named: "up.bias"))
      checkpoint.state.parameters[parameter].elements[0] = .nan
      // The best of the two epochs is the first, so that the poisoned one is not the one kept.
      checkpoint.metadata["best"] = "1"
      try checkpoint.write(to: path)
      let result = try train(split, parameters, checkpoint: path)
      #expect(result.stopReason?.contains("the model of epoch 1 is kept") == true)
      #expect(result.measurements.count == 2)
      #expect(result.model.itemVectors.firstNonFiniteRow() == nil)
    }
  }

  @Test func aLogWithoutASecondEventSaysSo() throws {
    expectAlignmentError(.noInteractions, "no user has two events") {
      _ = try train(try everything([[0], [1], [2]], itemCount: 5))
    }
  }

  @Test func eventsOfUnknownItemsAloneLeaveNothingToLearnFrom() throws {
    expectAlignmentError(.noInteractions, "none of the 2 interactions") {
      _ = try InteractionHistory(users: [0, 0], items: [-1, -1], userCount: 1, itemCount: 4)
    }
    var parameters = TwoTowerFixture.parameters()
    parameters.itemLimit = 1
    expectAlignmentError(.noInteractions, "no user has two events") {
      _ = try train(try everything([[0, 1], [0, 2], [0, 3]], itemCount: 4), parameters)
    }
  }

  @Test func aRobotAmongFewUsersIsLearnedFromWithoutHarm() throws {
    var random = RandomSource(seed: 4)
    let robot = (0..<50_000).map { _ in Int.random(in: 0..<80, using: &random) }
    let rows = TwoTowerFixture.rows(users: 80, groups: 8) + [robot]
    let split = try TrainingSplit(try history(rows, itemCount: 80, maximum: 500), window: .leaveLast(1))
    let result = try train(split)
    let queries = split.nextItemQueries(place: 1).filter { $0.history.count < 20 }
    let ranks = result.model.ranks(of: queries)
    #expect(ranks.count > 70 && ranks.count { $0 <= 10.5 } > 50)
  }

  private static let settings: [(String, @Sendable (inout TwoTowerTraining.Parameters) -> Void)] = [
    ("learningRate", { @Sendable in $0.learningRate = .infinity }), ("warmup", { @Sendable in $0.warmup = -1 }),
    ("weightDecay", { @Sendable in $0.weightDecay = -1 }), ("clip", { @Sendable in $0.clip = .infinity }),
    ("epochs", { @Sendable in $0.epochs = 0 }), ("positionsPerBatch", { @Sendable in $0.positionsPerBatch = 0 }),
    ("negatives", { @Sendable in $0.negatives = -1 }), ("temperature", { @Sendable in $0.temperature = 0 }),
    ("frequencyCorrection", { @Sendable in $0.frequencyCorrection = 1.5 }),
    ("patience", { @Sendable in $0.patience = 0 }), ("validationLimit", { @Sendable in $0.validationLimit = -1 }),
    ("itemLimit", { @Sendable in $0.itemLimit = 0 }),
    (
      "nothing to be told from",
      { @Sendable in
        $0.positionsPerBatch = 1
        $0.negatives = 0
      }
    ),
  ]

  @Test(arguments: settings.indices)
  func aSettingOutOfRangeIsNamed(index: Int) {
    var parameters = TwoTowerFixture.parameters()
    let (name, change) = Self.settings[index]
    change(&parameters)
    expectAlignmentError(.invalidParameter, name) {
      _ = try TwoTowerTraining(TwoTowerFixture.configuration, parameters: parameters)
    }
  }

  private static let shapes: [(String, @Sendable (inout TwoTowerModel.Configuration) -> Void)] = [
    ("width", { @Sendable in $0.width = 0 }), ("hidden", { @Sendable in $0.hidden = 0 }),
    ("dropout", { @Sendable in $0.dropout = 1 }), ("maximumHistory", { @Sendable in $0.maximumHistory = 0 }),
  ]

  @Test(arguments: shapes.indices)
  func aShapeOutOfRangeIsNamed(index: Int) {
    var configuration = TwoTowerFixture.configuration
    let (name, change) = Self.shapes[index]
    change(&configuration)
    expectAlignmentError(.invalidParameter, name) { _ = try TwoTowerTraining(configuration) }
  }
}
