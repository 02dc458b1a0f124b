import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

@Suite struct SequentialTrainingTests {
  private var small: SequentialModel.Configuration {
    var configuration = SequentialModel.Configuration()
    configuration.width = 16
    configuration.hidden = 32
    configuration.dropout = 0
    configuration.maximumHistory = 8
    return configuration
  }

  private var quick: SequentialTraining.Parameters {
    var parameters = SequentialTraining.Parameters()
    parameters.learningRate = 1e-2
    parameters.warmup = 10
    parameters.epochs = 12
    parameters.positionsPerBatch = 64
    return parameters
  }

  /// Users who walk around a ring of items, each from a place of its own: an item tells the next.
  private func ring(users: Int, items: Int) throws -> TrainingSplit {
    let rows = (0..<users).map { user in (0..<9).map { (user * 7 + $0) % items } }
    return try TrainingSplit(try history(rows, itemCount: items + 3), window: .leaveLast(2))
  }

  @Test func whatFollowsWhatIsLearned() throws {
    let split = try ring(users: 120, items: 40)
    let result = try SequentialTraining(small, parameters: quick)
      .train(split, validation: split.nextItemQueries(place: 1))
    let ranks = result.model.ranks(of: split.nextItemQueries(place: 2))
    #expect(ranks.count == 120)
    #expect(ranks.count { $0 == 1 } > 110)
    let losses = result.measurements.map(\.loss)
    #expect(try #require(losses.last) < #require(losses.first) / 2)
  }

  @Test func theSameSeedGivesTheSameModel() throws {
    let split = try ring(users: 30, items: 12)
    var parameters = quick
    parameters.epochs = 2
    func vectors() throws -> Matrix {
      try SequentialTraining(small, parameters: parameters).train(split, validation: []).model.itemVectors
    }
    let first = try vectors()
    #expect(try vectors() == first)
    parameters.seed = 2
    #expect(try vectors() != first)
  }

  @Test func theBestEpochIsKeptAndTrainingStopsBehindIt() throws {
    let split = try ring(users: 120, items: 40)
    var parameters = quick
    parameters.epochs = 60
    parameters.patience = 2
    let result = try SequentialTraining(small, parameters: parameters)
      .train(split, validation: split.nextItemQueries(place: 1))
    #expect(result.stopReason?.contains("no gain") == true)
    let best = try #require(result.measurements.map(\.gain).max())
    let ranks = result.model.ranks(of: split.nextItemQueries(place: 1))
    let recall = Double(ranks.count { $0 <= 10 }) / Double(ranks.count)
    #expect(result.measurements.last.map { $0.gain <= best } == true)
    #expect(result.measurements.contains { $0.gain == best && $0.recall == recall })
  }

  @Test func aHistoryDoesNotDependOnTheOthersAskedWithIt() throws {
    let split = try ring(users: 30, items: 12)
    var parameters = quick
    parameters.epochs = 1
    let model = try SequentialTraining(small, parameters: parameters).train(split, validation: []).model
    let histories: [ContiguousArray<UInt32>] = [[1, 2, 3], [], [5], [13, 4], Array(repeating: 2, count: 30).items]
    let together = model.states(histories)
    for (row, history) in histories.enumerated() {
      expectClose(Array(together.row(row)), Array(model.states([history]).row(0)), tolerance: 1e-5)
    }
    // Unknown items are skipped, and a history of none asks for nothing.
    expectClose(Array(together.row(3)), Array(model.states([[4]]).row(0)), tolerance: 1e-5)
    #expect(together.row(1).allSatisfy { $0 == 0 })
  }

  @Test func anEmptyHistoryAsksForWhatIsPopular() throws {
    let split = try everything([[0, 1], [0, 2], [0, 3], [3, 0]], itemCount: 5)
    let model = try SequentialTraining(small, parameters: quick).train(split, validation: []).model
    let scores = SequentialModel.Scorer(model).scores([[]]).row(0)
    #expect(scores.count == 4)
    #expect(scores.max() == scores.first)
    #expect(model.ranks(of: [NextItemQuery(user: 0, history: [], target: 4)]) == [.infinity])
  }

  @Test func aLogWithoutASecondEventSaysSo() throws {
    let split = try everything([[0], [1], [2]], itemCount: 5)
    expectAlignmentError(.noInteractions, "no user has two events") {
      _ = try SequentialTraining(small, parameters: quick).train(split, validation: [])
    }
  }

  @Test func aLossThatIsNoNumberStopsTraining() throws {
    let split = try ring(users: 30, items: 12)
    var parameters = quick
    parameters.learningRate = 1e30
    parameters.clip = 1e30
    parameters.warmup = 0
    expectAlignmentError(.diverged, "learningRate") {
      _ = try SequentialTraining(small, parameters: parameters).train(split, validation: [])
    }
  }

  @Test func aCancelledTrainingEnds() throws {
    let split = try ring(users: 30, items: 12)
    expectAlignmentError(.cancelled) {
      _ = try SequentialTraining(small, parameters: quick).train(split, validation: [], isCancelled: { true })
    }
  }

  private static let shapes: [(String, @Sendable (inout SequentialModel.Configuration) -> Void)] = [
    ("width", { @Sendable in $0.width = 0 }), ("heads", { @Sendable in $0.heads = 3 }),
    ("dropout", { @Sendable in $0.dropout = 1 }), ("maximumHistory", { @Sendable in $0.maximumHistory = 0 }),
    ("layers", { @Sendable in $0.layers = -1 }), ("hidden", { @Sendable in $0.hidden = 0 }),
  ]

  @Test(arguments: shapes.indices)
  func aShapeOutOfRangeIsNamed(index: Int) {
    var configuration = small
    let (name, change) = Self.shapes[index]
    change(&configuration)
    expectAlignmentError(.invalidParameter, name) { _ = try SequentialTraining(configuration) }
  }

  private static let settings: [(String, @Sendable (inout SequentialTraining.Parameters) -> Void)] = [
    ("learningRate", { @Sendable in $0.learningRate = 0 }), ("epochs", { @Sendable in $0.epochs = 0 }),
    ("positionsPerBatch", { @Sendable in $0.positionsPerBatch = 0 }), ("patience", { @Sendable in $0.patience = 0 }),
    ("clip", { @Sendable in $0.clip = 0 }), ("weightDecay", { @Sendable in $0.weightDecay = -1 }),
  ]

  @Test(arguments: settings.indices)
  func aSettingOutOfRangeIsNamed(index: Int) {
    var parameters = quick
    let (name, change) = Self.settings[index]
    change(&parameters)
    expectAlignmentError(.invalidParameter, name) { _ = try SequentialTraining(small, parameters: parameters) }
  }
}

extension [Int] {
  fileprivate var items: ContiguousArray<UInt32> { ContiguousArray(map { UInt32($0) }) }
}
