import BehaviorAlignment
import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct PreferenceMeasurementTests {
  @Test func theFirstMeasurementIsOfTheGeneratorAsItCame() throws {
    let world = try PreferenceWorld.onePosition.get(), validation = world.validation
    let set: Set<UInt32> = [0, 5, 10, 20]
    let parameters = PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) {
      $0.training.epochs = 1
      $0.exposure = .init(items: set, share: 1, factor: 0.5)
    }
    let found = try world.optimize(parameters).measurements[0]
    var generator = world.generator
    generator.beamWidth = parameters.training.validationBeam
    let answers = try generator.recommend(validation[...], count: 10, filter: .init())
    let places = zip(validation, answers).map { query, answer in
      answer.firstIndex { $0.item == query.target }.map { $0 + 1 }
    }
    let metrics = try #require(RankingMetrics(places: places, cutoffs: [10])[10])
    #expect(found.ndcg == metrics.ndcg && found.recall == metrics.recall)
    let items = answers.map { $0.map(\.item) }, histories = validation.map { Array($0.history) }
    func mean(_ model: RewardModel) throws -> Double {
      let rewards = try model.rewards(of: items, behind: histories).joined()
      return rewards.reduce(0) { $0 + Double($1) } / Double(rewards.count)
    }
    #expect(abs(try #require(found.reward) - mean(world.reward)) < 1e-6)
    #expect(abs(try #require(found.judgeReward) - mean(world.judge)) < 1e-6)
    let exposed = items.joined().count { set.contains($0) }
    #expect(found.exposure == Double(exposed) / Double(10 * validation.count))
    var sampling = CodeSampling()
    sampling.seed = parameters.training.seed
    #expect(
      try found.legality
        == generator.legality(on: validation.prefix(40), draws: parameters.legalityDraws, sampling: sampling))
    #expect(found.epoch == 0 && found.step == 0 && found.loss == nil && found.preferenceLoss == nil)
  }

  @Test func observersAreToldOfEveryStepAndEpoch() throws {
    let world = try PreferenceWorld.onePosition.get()
    var (steps, epochs): ([TrainingEvent], [PreferenceOptimization.Measurement]) = ([], [])
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) { $0.training.epochs = 2 },
      observe: { progress in
        switch progress {
        case .step(let event): steps.append(event)
        case .epoch(let measurement): epochs.append(measurement)
        }
      })
    #expect(epochs == result.measurements && epochs.map(\.epoch) == [0, 1, 2])
    #expect(steps.map(\.step) == Array(1...result.steps))
    #expect(steps.allSatisfy { $0.loss.isFinite && $0.gradientNorm > 0 })
    #expect(result.measurements[2].preferenceSteps == result.steps)
    let data = try JSONEncoder().encode(epochs)
    #expect(try JSONDecoder().decode([PreferenceOptimization.Measurement].self, from: data) == epochs)
  }

  @Test func anAlignedGeneratorIsWrittenAndReadAsAnyOther() throws {
    let world = try PreferenceWorld.onePosition.get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 8)) { $0.training.epochs = 1 })
    #expect(result.generator.fingerprint != world.generator.fingerprint)
    try withTemporaryDirectory { directory in
      let path = directory + "/generator.safetensors"
      try result.generator.write(to: path)
      let again = try Generator(contentsOf: path, tokens: result.generator.vocabulary.tokens)
      #expect(again.fingerprint == result.generator.fingerprint)
      let queries = world.validation.prefix(10)
      #expect(
        try again.recommend(queries, count: 5, filter: .init())
          == result.generator.recommend(queries, count: 5, filter: .init()))
    }
  }

  @Test func settingsOfUseSurviveAlignment() throws {
    let world = try PreferenceWorld.onePosition.get()
    var generator = world.generator
    (generator.beamWidth, generator.sampling) = (7, CodeSampling())
    let result = try PreferenceOptimization(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) { $0.training.epochs = 1 }
    ).optimize(
      generator, reward: world.reward, judge: world.judge, split: world.split, validation: world.validation)
    #expect(result.generator.beamWidth == 7 && result.generator.sampling == CodeSampling())
    // And what is measured is beam search all the same.
    #expect(
      result.measurements[0].ndcg
        == (try world.optimize(
          PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) { $0.training.epochs = 1 }
        ).measurements[0].ndcg))
  }

  @Test func parametersAreWrittenAndReadAsJSON() throws {
    let changes: [(inout PreferenceOptimization.Parameters) -> Void] = [
      { _ in }, { ($0.method, $0.legality) = (PreferenceWorld.group(CodeSampling()), .unconstrained) },
      { $0.format = PreferenceOptimization.FormatReward() },
      { $0.exposure = .init(items: [3, 4], share: 0.2, factor: 0.5) },
    ]
    for change in changes {
      let parameters = PreferenceWorld.parameters(PreferenceWorld.direct(), change)
      let data = try JSONEncoder().encode(parameters)
      #expect(try JSONDecoder().decode(PreferenceOptimization.Parameters.self, from: data) == parameters)
    }
    let objectives = [RewardObjective.like, .met, RewardObjective("bought", .event(named: "buy"), weight: 2)]
    let data = try JSONEncoder().encode(objectives)
    #expect(try JSONDecoder().decode([RewardObjective].self, from: data) == objectives)
  }

  /// Heads and experts are other branches of the same step.
  @Test func generatorsWithADenseHeadAndWithExpertsAreAlignedToo() throws {
    let world = try PreferenceWorld.onePosition.get(), tokens = world.generator.vocabulary.tokens
    let changes: [(inout GeneratorConfiguration) -> Void] = [
      { $0.hasDenseHead = true },
      {
        $0.backbone = .encoderDecoder
        ($0.decoderLayers, $0.experts) = (1, .init(count: 3, selected: 2, hidden: 16))
      },
    ]
    for change in changes {
      var configuration = CircleFixture.configuration
      change(&configuration)
      var training = CircleFixture.parameters(epochs: 1)
      training.positionsPerBatch = 256
      let generator = try GeneratorTraining(configuration, parameters: training).train(
        tokens, split: world.split
      ).generator
      let result = try PreferenceOptimization(
        PreferenceWorld.parameters(PreferenceWorld.group(size: 8)) {
          $0.training.epochs = 1
          $0.training.denseNegatives = 16
          $0.guards.ndcgTolerance = 1
        }
      ).optimize(
        generator, reward: world.reward, judge: world.judge, split: world.split, validation: world.validation)
      #expect(result.epoch == 1 && result.stopReason == nil)
      #expect(result.generator.fingerprint != generator.fingerprint)
      for entry in generator.parameters.entries where entry.isTrainable && !entry.name.hasSuffix("balance") {
        let parameter = try #require(result.generator.parameters.parameter(named: entry.name))
        #expect(result.generator.parameters[parameter] != entry.value, "\(entry.name) did not learn")
      }
    }
  }

  @Test func modelsOfOtherCataloguesAreRefused() throws {
    let world = try PreferenceWorld.onePosition.get()
    let small = try split([[1, 2, 3], [2, 3, 4]], itemCount: 5)
    let error = #expect(throws: RecommenderError.self) {
      try PreferenceOptimization(PreferenceWorld.parameters(PreferenceWorld.direct())).optimize(
        world.generator, reward: world.reward, split: small, validation: [])
    }
    #expect(error?.code == .invalidParameter && error?.message.contains("the log is of 5 items") == true)
  }
}
