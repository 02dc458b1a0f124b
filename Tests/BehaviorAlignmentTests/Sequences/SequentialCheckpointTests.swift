import BehaviorAlignment
import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct SequentialCheckpointTests {
  private static func split(users: Int = 60) throws -> TrainingSplit {
    let rows = (0..<users).map { user in (0..<9).map { (user * 7 + $0 * (1 + user % 2)) % 20 } }
    return try TrainingSplit(try history(rows, itemCount: 23), window: .leaveLast(2))
  }

  private static func parameters(epochs: Int = 5) -> SequentialTraining.Parameters {
    var parameters = SequentialTraining.Parameters()
    parameters.learningRate = 1e-2
    parameters.warmup = 5
    parameters.epochs = epochs
    parameters.positionsPerBatch = 64
    parameters.patience = 20
    return parameters
  }

  private static func train(
    _ parameters: SequentialTraining.Parameters = parameters(), users: Int = 60, checkpoint: String? = nil,
    isCancelled: () -> Bool = { false }, observe: (SequentialTraining.Measurement) -> Void = { _ in }
  ) throws -> SequentialTraining.Result {
    var configuration = SequentialModel.Configuration()
    configuration.width = 16
    configuration.hidden = 32
    configuration.dropout = 0.2
    configuration.maximumHistory = 8
    let split = try split(users: users)
    return try SequentialTraining(configuration, parameters: parameters).train(
      split, validation: split.nextItemQueries(place: 1), checkpoint: checkpoint, isCancelled: isCancelled,
      observe: observe)
  }

  private static func interrupted(
    _ parameters: SequentialTraining.Parameters = parameters(), afterEpoch last: Int, checkpoint: String
  ) {
    var epoch = 0
    expectAlignmentError(.cancelled) {
      _ = try train(
        parameters, checkpoint: checkpoint, isCancelled: { epoch == last }, observe: { epoch = $0.epoch })
    }
  }

  private static func expectSame(_ result: SequentialTraining.Result, as whole: SequentialTraining.Result) {
    #expect(result.model.itemVectors == whole.model.itemVectors)
    #expect(result.measurements == whole.measurements && result.stopReason == whole.stopReason)
  }

  @Test(arguments: [1, 2, 4])
  func aRunThatIsStoppedGoesOnBitForBit(epoch: Int) throws {
    let whole = try Self.train()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(afterEpoch: epoch, checkpoint: path)
      var seen: [Int] = []
      let resumed = try Self.train(checkpoint: path, observe: { seen.append($0.epoch) })
      #expect(seen == Array(epoch + 1...5))
      Self.expectSame(resumed, as: whole)
      Self.expectSame(try Self.train(checkpoint: path, isCancelled: { true }), as: whole)
    }
  }

  @Test func theBestParametersSoFarAreKeptToo() throws {
    var parameters = Self.parameters(epochs: 8)
    parameters.learningRate = 0.3
    parameters.warmup = 40
    parameters.clip = 100
    let whole = try Self.train(parameters)
    let gains = whole.measurements.map(\.gain)
    let best = try #require(gains.indices.max { gains[$0] < gains[$1] })
    try #require(best < gains.count - 1)
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(parameters, afterEpoch: 7, checkpoint: path)
      Self.expectSame(try Self.train(parameters, checkpoint: path), as: whole)
    }
  }

  @Test func aCheckpointOfAnotherTrainingIsRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(afterEpoch: 1, checkpoint: path)
      var parameters = Self.parameters()
      parameters.seed = 2
      expectAlignmentError(.unreadableCheckpoint, "other settings", "remove it to train anew") {
        _ = try Self.train(parameters, checkpoint: path)
      }
      expectAlignmentError(.unreadableCheckpoint, "other data") { _ = try Self.train(users: 61, checkpoint: path) }
    }
  }

  @Test func aDamagedCheckpointIsRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(afterEpoch: 1, checkpoint: path)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var random = RandomSource(seed: 4)
      for _ in 0..<60 {
        var bytes = [UInt8](whole)
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        expectAlignmentError(.unreadableCheckpoint) { _ = try Self.train(checkpoint: path) }
      }
      try Data(whole.prefix(whole.count / 2)).write(to: URL(fileURLWithPath: path))
      expectAlignmentError(.unreadableCheckpoint) { _ = try Self.train(checkpoint: path) }
    }
  }
}
