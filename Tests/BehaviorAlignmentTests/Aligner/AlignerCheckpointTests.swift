import BehaviorAlignment
import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct AlignerCheckpointTests {
  private static let fixture = AlignerFixture(items: 240)

  private static func parameters(steps: Int = 90) -> AlignerTraining.Parameters {
    var parameters = fixture.parameters(steps: steps)
    parameters.batch = 64
    parameters.evaluationInterval = 30
    return parameters
  }

  private static func train(
    _ parameters: AlignerTraining.Parameters = parameters(), pairs: PairTable = fixture.pairs,
    checkpoint: String? = nil, isCancelled: () -> Bool = { false },
    observe: (AlignerTraining.Measurement) -> Void = { _ in }
  ) throws -> AlignerTraining.Result {
    try AlignerTraining(fixture.configuration(), parameters: parameters).train(
      fixture.modalities, pairs: pairs, validation: fixture.validation, checkpoint: checkpoint,
      isCancelled: isCancelled, observe: observe)
  }

  /// Trains until `steps` were made, and is then stopped.
  private static func interrupted(
    _ parameters: AlignerTraining.Parameters = parameters(), after steps: Int, checkpoint: String
  ) {
    var asked = 0
    expectAlignmentError(.cancelled) {
      _ = try train(
        parameters, checkpoint: checkpoint,
        isCancelled: {
          asked += 1
          return asked > steps
        })
    }
  }

  private static func expectSame(_ result: AlignerTraining.Result, as whole: AlignerTraining.Result) {
    #expect(result.aligner.fingerprint == whole.aligner.fingerprint)
    #expect(result.measurements == whole.measurements)
    #expect(result.steps == whole.steps && result.stopReason == whole.stopReason)
  }

  @Test(arguments: [0, 1, 29, 30, 31, 75])
  func aRunThatIsStoppedGoesOnBitForBit(steps: Int) throws {
    let whole = try Self.train()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(after: steps, checkpoint: path)
      var seen: [Int] = []
      let resumed = try Self.train(checkpoint: path, observe: { seen.append($0.step) })
      Self.expectSame(resumed, as: whole)
      #expect(seen == whole.measurements.map(\.step).filter { $0 > steps })
      // And one that is over has nothing left to do.
      Self.expectSame(try Self.train(checkpoint: path, isCancelled: { true }), as: whole)
    }
  }

  /// A killed process asks nobody: it leaves the file of its last measurement.
  @Test func aRunThatIsKilledGoesOnFromItsLastMeasurement() throws {
    try withTemporaryDirectory { folder in
      let (path, left) = (folder + "/checkpoint", folder + "/left")
      let whole = try Self.train(
        checkpoint: path,
        observe: { measurement in
          if measurement.step == 60 { try? FileManager.default.copyItem(atPath: path, toPath: left) }
        })
      var seen: [Int] = []
      let resumed = try Self.train(checkpoint: left, observe: { seen.append($0.step) })
      #expect(seen == [60, 90])
      Self.expectSame(resumed, as: whole)
    }
  }

  /// The best measurement is not the last, so that its parameters have to come out of the file.
  @Test func theBestParametersSoFarAreKeptToo() throws {
    var parameters = Self.parameters(steps: 120)
    parameters.learningRate = 0.5
    parameters.warmup = 100
    parameters.clip = 100
    parameters.patience = 9
    let whole = try Self.train(parameters)
    let scores = whole.measurements.map(\.validation.meanReciprocalRank)
    let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
    try #require(best < scores.count - 1)
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(parameters, after: 119, checkpoint: path)
      Self.expectSame(try Self.train(parameters, checkpoint: path), as: whole)
    }
  }

  @Test func aCheckpointOfAnotherTrainingIsRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(after: 3, checkpoint: path)
      let changes: [(inout AlignerTraining.Parameters) -> Void] = [
        { $0.learningRate = 1e-4 }, { $0.seed = 2 }, { $0.steps = 91 }, { $0.shares[.swing] = .init(2) },
      ]
      for change in changes {
        var parameters = Self.parameters()
        change(&parameters)
        expectAlignmentError(.unreadableCheckpoint, "other settings", "remove it to train anew") {
          _ = try Self.train(parameters, checkpoint: path)
        }
      }
      let pairs = PairTable(itemCount: 240, (1..<Self.fixture.pairs.count).map { Self.fixture.pairs[$0] })
      expectAlignmentError(.unreadableCheckpoint, "other data") { _ = try Self.train(pairs: pairs, checkpoint: path) }
      // A wider model too, whose parameters have other shapes.
      var wide = Self.fixture.configuration()
      wide.width = 32
      expectAlignmentError(.unreadableCheckpoint) {
        _ = try AlignerTraining(wide, parameters: Self.parameters()).train(
          Self.fixture.modalities, pairs: Self.fixture.pairs, validation: Self.fixture.validation, checkpoint: path)
      }
    }
  }

  @Test func aDamagedCheckpointIsRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      Self.interrupted(after: 31, checkpoint: path)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var random = RandomSource(seed: 4)
      for attempt in 0..<150 {
        var bytes = [UInt8](whole)
        // Half of them in the header.
        let bound = attempt % 2 == 0 ? 2000 : bytes.count
        bytes[Int.random(in: 0..<bound, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        if attempt % 5 == 0 { bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        expectAlignmentError(.unreadableCheckpoint, "remove it to train anew") { _ = try Self.train(checkpoint: path) }
      }
    }
  }

  @Test func aFolderThatIsNotThereSaysSo() {
    expectAlignmentError(.unwritableModel, "checkpoint cannot be written") {
      _ = try Self.train(checkpoint: "/nowhere/at/all")
    }
  }
}
