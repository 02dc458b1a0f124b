import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct EncoderDecoderTrainingTests {
  private static func configuration(targetItems: Int = 1) -> GeneratorConfiguration {
    var configuration = CircleFixture.configuration
    configuration.backbone = .encoderDecoder
    configuration.decoderLayers = 1
    configuration.experts = .init(count: 4, selected: 2, hidden: 32)
    configuration.targetItems = targetItems
    return configuration
  }

  private static func parameters(epochs: Int) -> GeneratorTraining.Parameters {
    var parameters = CircleFixture.parameters(epochs: epochs)
    parameters.positionsPerBatch = 128
    parameters.expertBalanceRate = 0.01
    return parameters
  }

  private func train(
    _ parameters: GeneratorTraining.Parameters, targetItems: Int = 1
  ) throws -> (result: GeneratorTraining.Result, events: [TrainingEvent], fixture: CircleFixture) {
    let fixture = try CircleFixture()
    var events: [TrainingEvent] = []
    let result = try fixture.train(
      parameters, configuration: Self.configuration(targetItems: targetItems),
      observe: { progress in
        if case .step(let event) = progress { events.append(event) }
      })
    return (result, events, fixture)
  }

  /// The mean over the later half of a run.
  private func imbalance(_ events: [TrainingEvent]) throws -> Double {
    let found = try events.suffix(events.count / 2).map { try #require($0.expertImbalance) }
    return found.reduce(0, +) / Double(found.count)
  }

  @Test func whatFollowsAnItemIsLearnedAndTheExpertsShareIt() throws {
    let (result, events, fixture) = try train(Self.parameters(epochs: 30))
    let last = try #require(result.measurements.last)
    #expect(try #require(last.validationRecall) > 0.95)
    #expect(last.loss < 0.5 * result.measurements[0].loss)
    #expect(events.map(\.step) == Array(1...result.steps))
    let answers = try result.generator.recommend(
      fixture.validation[...], count: 1, filter: RecommendationFilter(excludesHistory: true))
    let hits = zip(fixture.validation, answers).count { $1.first?.item == $0.target }
    #expect(Double(hits) > 0.6 * Double(fixture.validation.count))
    var unbalanced = Self.parameters(epochs: 30)
    unbalanced.expertBalanceRate = 0
    let (balanced, free) = (try imbalance(events), try imbalance(train(unbalanced).events))
    #expect(balanced < 1.4 && balanced < free, "\(balanced), \(free) unbalanced")
  }

  @Test func sessionsGoOnAroundTheCircle() throws {
    let (result, _, fixture) = try train(Self.parameters(epochs: 40), targetItems: 3)
    let sessions = try result.generator.generateSessions(fixture.validation[...], items: 3, filter: .init())
    let right = zip(fixture.validation, sessions).reduce(0) { sum, pair in
      sum + (0..<3).count { pair.1[$0].item == (pair.0.target + UInt32($0)) % UInt32(CircleFixture.items) }
    }
    #expect(Double(right) > 0.6 * Double(3 * sessions.count), "\(right) of \(3 * sessions.count)")
  }

  @Test func aRunThatWasStoppedGoesOnBitForBitAndIsReadAgain() throws {
    try withTemporaryDirectory { directory in
      let fixture = try CircleFixture(), parameters = Self.parameters(epochs: 3)
      let configuration = Self.configuration(targetItems: 2)
      let whole = try fixture.train(parameters, configuration: configuration)
      let path = directory + "/run.safetensors"
      var epochs = 0
      let error = #expect(throws: RecommenderError.self) {
        try fixture.train(
          parameters, configuration: configuration, checkpoint: path, isCancelled: { epochs == 2 },
          observe: { progress in
            if case .epoch = progress { epochs += 1 }
          })
      }
      #expect(error?.code == .cancelled)
      let resumed = try fixture.train(parameters, configuration: configuration, checkpoint: path)
      #expect(resumed.generator.fingerprint == whole.generator.fingerprint)
      #expect(resumed.measurements == whole.measurements)
      try whole.generator.write(to: directory + "/generator.safetensors")
      let again = try Generator(contentsOf: directory + "/generator.safetensors", tokens: fixture.tokens)
      #expect(again.configuration == configuration)
      #expect(
        try again.generateSessions(fixture.validation.prefix(9), items: 2, filter: .init())
          == whole.generator.generateSessions(fixture.validation.prefix(9), items: 2, filter: .init()))
      // A checkpoint of the other backbone has other settings.
      let refused = #expect(throws: RecommenderError.self) { try fixture.train(parameters, checkpoint: path) }
      #expect(refused?.message.contains("other settings") == true)
    }
  }

  @Test func trainingOnSessionsGoesOnBitForBitAndSaysWhatItLeftOut() throws {
    try withTemporaryDirectory { directory in
      let circle = try CircleFixture()
      // Two items a moment, so that every second pause ends a session.
      let users = (0..<60).flatMap { user in (0..<9).map { _ in Int32(user) } }
      let history = try InteractionHistory(
        users: users, items: users.indices.map { Int32(($0 + $0 / 9 * 4) % CircleFixture.items) },
        times: users.indices.map { Double($0 % 9 / 2 * 100) }, userCount: 60, itemCount: CircleFixture.items)
      let split = try TrainingSplit(history, window: .leaveLast(1))
      var parameters = Self.parameters(epochs: 3)
      parameters.sessions = SessionRules()
      parameters.sessions?.gap = 50
      let training = try GeneratorTraining(Self.configuration(targetItems: 2), parameters: parameters)
      let whole = try training.train(circle.tokens, split: split)
      #expect(whole.sessions?.sessions == 240 && whole.sessions?.kept == 240 && whole.sessions?.items == 480)
      let path = directory + "/run.safetensors"
      var epochs = 0
      #expect(throws: RecommenderError.self) {
        try training.train(
          circle.tokens, split: split, checkpoint: path, isCancelled: { epochs == 1 },
          observe: { progress in
            if case .epoch = progress { epochs += 1 }
          })
      }
      let resumed = try training.train(circle.tokens, split: split, checkpoint: path)
      #expect(resumed.generator.fingerprint == whole.generator.fingerprint && resumed.sessions == whole.sessions)
      parameters.sessions?.gap = 1000
      let other = try GeneratorTraining(Self.configuration(targetItems: 2), parameters: parameters)
      let refused = #expect(throws: RecommenderError.self) {
        try other.train(circle.tokens, split: split, checkpoint: path)
      }
      #expect(refused?.message.contains("other settings") == true)
      parameters.sessions?.minimumItems = 10
      let empty = #expect(throws: RecommenderError.self) {
        try GeneratorTraining(Self.configuration(targetItems: 2), parameters: parameters).train(
          circle.tokens, split: split)
      }
      #expect(empty?.code == .nothingToLearn && empty?.message.contains("0 of 60 sessions are kept") == true)
    }
  }

  @Test func theThreadsDoNotDecide() throws {
    let fixture = try CircleFixture(), parameters = Self.parameters(epochs: 1), configuration = Self.configuration()
    let first = try withThreads(1) { try fixture.train(parameters, configuration: configuration) }
    let second = try withThreads(3) { try fixture.train(parameters, configuration: configuration) }
    #expect(first.generator.fingerprint == second.generator.fingerprint)
  }
}
