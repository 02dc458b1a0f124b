import Foundation
import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

/// A schedule that is stopped and goes on, against one that is not.
@Suite struct TuningResumeTests {
  private static func parameters() -> TuningSchedule.Parameters {
    var parameters = TuningSchedule.Parameters()
    parameters.cycles = 2
    parameters.configuration = TunableWorld.configuration
    (parameters.firstEpochs, parameters.epochs) = (2, 2)
    parameters.training = CircleFixture.parameters()
    parameters.training.positionsPerBatch = 256
    parameters.tuning = TunableWorld.parameters(steps: 6)
    parameters.tuning.representationLearningRate = 0.01
    parameters.tuning.usesDropout = true
    return parameters
  }

  /// What a run made, was asked and was told.
  private struct Run {
    var result: TuningSchedule.Result?
    /// How often it asked whether to stop.
    var asked = 0
    var steps = 0
    var discarded: [String] = []
  }

  private let world: TunableWorld
  private let source: TurnedRepresentations

  init() throws {
    world = try TunableWorld()
    source = try TurnedRepresentations(world.items.vectors)
  }

  /// - Parameter limit: of what it may ask before it is stopped.
  private func run(
    _ parameters: TuningSchedule.Parameters = parameters(), in folder: String?, limit: Int = .max,
    codes: TuningSchedule.Codes = .tuned
  ) throws -> Run {
    var run = Run()
    do {
      run.result = try TuningSchedule(parameters).run(
        TuningSchedule.State(tokens: world.items.tokens, codebooks: world.items.codebooks), representations: source,
        split: world.split, validation: world.validation, codes: codes, checkpoints: folder,
        isCancelled: {
          run.asked += 1
          return run.asked > limit
        },
        observe: { progress in
          switch progress {
          case .training(_, .step), .tuning: run.steps += 1
          case .discarded(let reason): run.discarded.append(reason)
          case .training, .revision: break
          }
        })
    } catch let error as RecommenderError where error.code == .cancelled {}
    return run
  }

  private func expectSame(
    _ run: Run, _ whole: Run, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (found, expected) = (try #require(run.result), try #require(whole.result))
    #expect(found.state.codebooks == expected.state.codebooks, sourceLocation: sourceLocation)
    #expect(found.state.tokens == expected.state.tokens, sourceLocation: sourceLocation)
    #expect(found.state.representation == expected.state.representation, sourceLocation: sourceLocation)
    #expect(
      found.state.generator?.fingerprint == expected.state.generator?.fingerprint, sourceLocation: sourceLocation)
    #expect(found.steps == expected.steps && found.stopReason == expected.stopReason, sourceLocation: sourceLocation)
    #expect(
      found.trainings.map(\.measurements) == expected.trainings.map(\.measurements), sourceLocation: sourceLocation)
    #expect(found.cycles.count == expected.cycles.count, sourceLocation: sourceLocation)
    for (found, expected) in zip(found.cycles, expected.cycles) {
      #expect(found.tuning.steps == expected.tuning.steps, sourceLocation: sourceLocation)
      #expect(found.tuning.lossBefore == expected.tuning.lossBefore, sourceLocation: sourceLocation)
      #expect(found.tuning.lossAfter == expected.tuning.lossAfter, sourceLocation: sourceLocation)
      #expect(found.revision.churn.rate == expected.revision.churn.rate, sourceLocation: sourceLocation)
      #expect(found.revision.suffixes == expected.revision.suffixes, sourceLocation: sourceLocation)
    }
  }

  @Test func stoppedAnywhereItComesToTheSame() throws {
    let whole = try run(in: nil)
    #expect(whole.asked >= whole.steps && whole.result != nil)
    // In each of the three trainings and two tunings, at their ends too.
    for limit in stride(from: 0, to: whole.asked, by: max(1, whole.asked / 9)) {
      try withTemporaryDirectory { folder in
        let stopped = try run(in: folder + "/run", limit: limit)
        #expect(stopped.result == nil && stopped.steps <= limit)
        let resumed = try run(in: folder + "/run")
        try expectSame(resumed, whole)
        #expect(resumed.discarded.isEmpty)
        #expect(resumed.steps + stopped.steps >= whole.steps)
      }
    }
  }

  @Test func whatIsFinishedIsNotMadeAgain() throws {
    let whole = try run(in: nil)
    try withTemporaryDirectory { folder in
      var (runs, steps) = (0, 0)
      var last = Run()
      while last.result == nil, runs < 30 {
        // More than any part has between two of its checkpoints, and no more than two of them.
        last = try run(in: folder, limit: whole.asked / 4)
        (runs, steps) = (runs + 1, steps + last.steps)
      }
      try expectSame(last, whole)
      #expect(runs >= 4)
      #expect(steps < 2 * whole.steps, "\(steps) steps in \(runs) runs, where one run has \(whole.steps)")
      let again = try run(in: folder, limit: 0)
      try expectSame(again, whole)
      #expect(again.steps == 0 && again.asked == 0)
    }
  }

  @Test func theArmsThatFollowGoOnLikewise() throws {
    let cycles = try #require(try run(in: nil).result).cycles
    for codes in [TuningSchedule.Codes.served, .following(cycles)] {
      let whole = try run(in: nil, codes: codes)
      try withTemporaryDirectory { folder in
        #expect(try run(in: folder, limit: whole.asked * 2 / 3, codes: codes).result == nil)
        try expectSame(run(in: folder, codes: codes), whole)
      }
    }
  }

  @Test func damagedFilesAreMadeAgain() throws {
    let whole = try run(in: nil)
    try withTemporaryDirectory { folder in
      _ = try run(in: folder)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasSuffix(".best") }.sorted()
      #expect(
        names == [
          "training-0.safetensors", "training-1.safetensors", "training-2.safetensors", "tuning-1.safetensors",
          "tuning-2.safetensors",
        ])
      for name in names {
        let url = URL(fileURLWithPath: folder + "/" + name)
        let bytes = [UInt8](try Data(contentsOf: url))
        // A bit of a number, a bit of the header, and half of the file.
        for change in [bytes.count - 9, 40, -1] {
          var damaged = bytes
          if change >= 0 { damaged[change] ^= 16 } else { damaged.removeLast(bytes.count / 2) }
          try Data(damaged).write(to: url)
          let found = try run(in: folder)
          try expectSame(found, whole)
          #expect(found.discarded.count == 1, "\(name), \(change)")
          #expect(found.discarded.first?.contains(name) == true, "\(found.discarded)")
        }
      }
    }
  }

  @Test func filesOfOtherSettingsAreMadeAgain() throws {
    let changes: [(inout TuningSchedule.Parameters) -> Void] = [
      { $0.tuning.steps = 7 }, { $0.tuning.weights.anchor = 0.3 }, { $0.training.learningRate = 4e-3 },
      { $0.epochs = 1 },
    ]
    try withTemporaryDirectory { folder in
      for (number, change) in changes.enumerated() {
        var parameters = Self.parameters()
        change(&parameters)
        let path = folder + "/\(number)"
        _ = try run(in: path)
        let found = try run(parameters, in: path)
        #expect(!found.discarded.isEmpty)
        try expectSame(found, run(parameters, in: nil))
      }
    }
  }

  @Test func aTuningThatDivergedHasDivergedStill() throws {
    var parameters = Self.parameters()
    (parameters.firstEpochs, parameters.epochs) = (1, 1)
    parameters.tuning.learningRate = 1e5
    parameters.tuning.warmup = 0
    parameters.tuning.steps = 60
    parameters.tuning.weights.recommender = 0
    parameters.tuning.divergence = TrainingMonitor.Parameters(factor: 2, patience: 2)
    try withTemporaryDirectory { folder in
      let first = try run(parameters, in: folder)
      #expect(first.result?.stopReason?.contains("training diverged") == true)
      let again = try run(parameters, in: folder)
      try expectSame(again, first)
      #expect(again.discarded.isEmpty && again.steps == 0)
    }
  }

  @Test func aFolderThatCannotBeMadeIsAnError() throws {
    try withTemporaryDirectory { folder in
      try Data().write(to: URL(fileURLWithPath: folder + "/file"))
      let error = #expect(throws: RecommenderError.self) { try run(in: folder + "/file/run") }
      #expect(error?.code == .unwritableModel)
    }
  }
}
