import Foundation
import Recommenders
import TestSupport
import Testing

/// An alignment that is stopped and goes on, against one that is not.
@Suite struct PreferenceResumeTests {
  private static func parameters(
    _ method: PreferenceOptimization.Method, _ change: (inout PreferenceOptimization.Parameters) -> Void = { _ in }
  ) -> PreferenceOptimization.Parameters {
    PreferenceWorld.parameters(method) {
      $0.share = 0.5
      $0.users = 8
      $0.format = PreferenceOptimization.FormatReward()
      $0.format?.draws = 16
      change(&$0)
    }
  }

  /// - Parameter epochs: behind which it is stopped.
  private func run(
    _ world: PreferenceWorld, _ parameters: PreferenceOptimization.Parameters, _ path: String?,
    stopBehind epochs: Int? = nil,
    told: (Int) -> Void = { _ in }
  ) throws -> PreferenceOptimization.Result {
    var done = -1
    return try PreferenceOptimization(parameters).optimize(
      world.generator, reward: world.reward, judge: world.judge, split: world.split, validation: world.validation,
      checkpoint: path, isCancelled: { done == epochs },
      observe: { progress in
        guard case .epoch(let measurement) = progress else { return }
        done = measurement.epoch
        told(done)
      })
  }

  @Test func stoppedBehindAnyEpochItComesToTheSame() throws {
    let world = try PreferenceWorld.onePosition.get()
    for method in [PreferenceWorld.direct(candidates: 8), PreferenceWorld.group(CodeSampling(), size: 8)] {
      let parameters = Self.parameters(method)
      let whole = try run(world, parameters, nil)
      #expect(whole.epoch == 3)
      for epoch in 0...2 {
        try withTemporaryDirectory { folder in
          let path = folder + "/alignment.safetensors"
          let error = #expect(throws: RecommenderError.self) { try run(world, parameters, path, stopBehind: epoch) }
          #expect(error?.code == .cancelled)
          #expect(FileManager.default.fileExists(atPath: path) == (epoch > 0))
          var told: [Int] = []
          let resumed = try run(world, parameters, path) { told.append($0) }
          #expect(told == Array((epoch == 0 ? 0 : epoch + 1)...3))
          #expect(resumed.generator.fingerprint == whole.generator.fingerprint)
          #expect(resumed.measurements == whole.measurements)
          #expect(resumed.epoch == whole.epoch && resumed.steps == whole.steps)
          #expect(resumed.stopReason == whole.stopReason)
        }
      }
    }
  }

  @Test func aGuardThatEndedItEndsItAgain() throws {
    let world = try PreferenceWorld.onePosition.get()
    let parameters = Self.parameters(PreferenceWorld.direct(candidates: 8)) {
      $0.weight = 30
      $0.training.learningRate = 0.05
      $0.guards.ndcgTolerance = 0.01
    }
    try withTemporaryDirectory { folder in
      let path = folder + "/alignment.safetensors"
      let first = try run(world, parameters, path)
      let reason = try #require(first.stopReason)
      let again = try run(world, parameters, path)
      #expect(again.stopReason == reason && again.epoch == first.epoch)
      #expect(again.generator.fingerprint == first.generator.fingerprint)
      #expect(again.measurements == first.measurements)
    }
  }

  @Test func aCheckpointOfAnotherAlignmentOrDamagedIsRefused() throws {
    let world = try PreferenceWorld.onePosition.get(),
      parameters = Self.parameters(PreferenceWorld.direct(candidates: 8)) {
        $0.training.epochs = 2
        $0.exposure = .init(items: Set(0..<40), share: 0.9, factor: 0.5)
      }
    try withTemporaryDirectory { folder in
      let path = folder + "/alignment.safetensors"
      #expect(throws: RecommenderError.self) { try run(world, parameters, path, stopBehind: 1) }
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var changed = parameters
      changed.weight = 0.25
      let other = #expect(throws: RecommenderError.self) { try run(world, changed, path) }
      #expect(other?.code == .unreadableModel && other?.message.contains("other settings") == true)
      changed = parameters
      changed.exposure?.items.remove(3)
      #expect(throws: RecommenderError.self) { try run(world, changed, path) }
      let judged = #expect(throws: RecommenderError.self) {
        try PreferenceOptimization(parameters).optimize(
          world.generator, reward: world.judge, judge: world.reward, split: world.split,
          validation: world.validation, checkpoint: path)
      }
      #expect(judged?.code == .unreadableModel)
      var damaged = bytes
      damaged[bytes.count - 20] ^= 1
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: RecommenderError.self) { try run(world, parameters, path) }
      #expect(error?.code == .unreadableModel && error?.message.contains("remove it") == true)
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(try run(world, parameters, path).measurements.count == 3)
    }
  }
}
