import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct RankerTrainingTests {
  private static let errors:
    [(@Sendable (inout RankerTraining.Parameters, inout RankerConfiguration) -> Void, String)] = [
      (
        {
          $0.batch = 0; _ = $1
        }, "batch"
      ),
      (
        {
          $0.epochs = 0; _ = $1
        }, "epochs"
      ),
      (
        {
          $0.learningRate = .nan; _ = $1
        }, "learningRate"
      ),
      (
        {
          $0.weightDecay = -1; _ = $1
        }, "weightDecay"
      ),
      (
        {
          $0.clip = 0; _ = $1
        }, "clip"
      ),
      (
        {
          $0.patience = 0; _ = $1
        }, "patience"
      ),
      (
        {
          $0.maximumValidation = 0; _ = $1
        }, "maximumValidation"
      ),
      (
        {
          _ = $0; $1.width = 0
        }, "width"
      ),
      (
        {
          _ = $0; $1.historyLength = 0
        }, "historyLength"
      ),
      (
        {
          _ = $0; $1.hitHistoryLength = 0
        }, "hitHistoryLength"
      ),
      (
        {
          _ = $0; $1.attentionHidden = 0
        }, "attentionHidden"
      ),
      (
        {
          _ = $0; $1.hidden = []
        }, "hidden"
      ),
      (
        {
          _ = $0; $1.dropout = 1
        }, "dropout"
      ),
      (
        {
          _ = $0; $1.experts = .init(); $1.experts?.count = 1
        }, "experts.count"
      ),
      (
        {
          _ = $0; $1.experts = .init(); $1.experts?.maskRate = 1
        }, "experts.maskRate"
      ),
      (
        {
          _ = $0; $1.experts = .init(); $1.experts?.temperature = 0
        }, "experts.temperature"
      ),
      (
        {
          _ = $0; $1.experts = .init(); $1.experts?.contrastiveWeight = -1
        }, "experts.contrastiveWeight"
      ),
    ]

  private func short(_ epochs: Int = 1, seed: UInt64 = 1) -> RankerTraining.Parameters {
    var parameters = RankingWorld.training(seed: seed)
    parameters.epochs = epochs
    parameters.evaluationInterval = 10
    return parameters
  }

  private func smallWorld() throws -> RankingWorld { try RankingWorld(users: 40, items: 48, cold: 12, meetings: 15) }

  @Test func whatGeneralizesToColdItemsIsTheirContent() throws {
    let world = try RankingWorld()
    func area(_ variant: RankerVariant, _ slice: RankerSlice) throws -> Double {
      try #require(try world.result(RankingWorld.configuration(variant))[slice]?.auc)
    }
    let ids = try area(.ids, .coldItems)
    // Nothing tells a cold item's topic.
    #expect(abs(ids - 0.5) < 0.12, "item IDs: \(ids)")
    for variant in RankerVariant.allCases.dropFirst() {
      let content = try area(variant, .coldItems)
      #expect(content > 0.85, "\(variant.title): \(content)")
    }
  }

  @Test func itemNumbersLearnWhatTheyMeetOften() throws {
    let world = try RankingWorld(users: 240, items: 60, cold: 6, meetings: 40)
    let result = try world.result(RankingWorld.configuration(.ids))
    let area = try #require(result[.all]?.auc)
    #expect(area > 0.75)
  }

  @Test func expertsLearnTheSameTask() throws {
    let world = try RankingWorld()
    var configuration = RankingWorld.configuration(.residualCodes)
    configuration.experts = RankerConfiguration.Experts()
    let result = try world.result(configuration)
    let area = try #require(result[.coldItems]?.auc)
    #expect(area > 0.85)
  }

  @Test(arguments: [RankerVariant.ids, .allCodes])
  func oneSeedGivesOneRankerOnAnyThreads(variant: RankerVariant) throws {
    let world = try smallWorld()
    var configuration = RankingWorld.configuration(variant)
    configuration.dropout = 0.2
    configuration.experts = RankerConfiguration.Experts()
    func logits(threads: Int, seed: UInt64) throws -> ContiguousArray<Float> {
      try withThreads(threads) {
        let training = try RankerTraining(configuration, parameters: short(2, seed: seed))
        return try training.train(world.split.training, validation: world.split.validation, items: world.items)
          .ranker.logits(of: world.split.test)
      }
    }
    let first = try logits(threads: 1, seed: 1)
    #expect(try logits(threads: 3, seed: 1) == first)
    #expect(try logits(threads: 1, seed: 2) != first)
  }

  @Test func theBestMeasurementIsKeptAndPatienceEndsTraining() throws {
    let world = try smallWorld()
    var parameters = short(300)
    parameters.patience = 3
    var seen: [RankerTraining.Measurement] = []
    let result = try RankerTraining(RankingWorld.configuration(.residualCodes), parameters: parameters).train(
      world.split.training, validation: world.split.validation, items: world.items, observe: { seen.append($0) })
    #expect(result.measurements == seen && seen.first?.step == 0 && seen.first?.loss == nil)
    #expect(result.stopReason?.contains("no gain") == true)
    #expect(result.steps == seen.last?.step)
    let best = try #require(seen.compactMap(\.validation.auc).max())
    let logits = try result.ranker.logits(of: world.split.validation)
    #expect(AreaUnderCurve.measure(logits, labels: world.split.validation.labels) == best)
    #expect(seen.suffix(3).allSatisfy { ($0.validation.auc ?? 0) <= best })
    #expect(result.examplesPerSecond > 0 && result.ranker.parameterCount > 48 * 8)
  }

  @Test func withoutValidationTheLastRankerIsKept() throws {
    let world = try smallWorld(), events = world.split
    var none = RankingSplit.Parameters()
    (none.trainingShare, none.validationShare) = (0.5, 0)
    let some = try RankingSplit(
      (0..<40).map { .init(user: 0, item: UInt32($0 % 48), time: Double($0), label: Float($0 % 2)) }, userCount: 1,
      itemCount: 48, parameters: none)
    let result = try RankerTraining(RankingWorld.configuration(.ids), parameters: short()).train(
      events.training, validation: some.validation, items: world.items)
    #expect(result.measurements.last?.validation.auc == nil && result.stopReason == nil)
    #expect(result.measurements.last?.loss != nil)
  }

  @Test func unusableParametersAreNamed() {
    for (change, name) in Self.errors {
      var parameters = RankerTraining.Parameters(), configuration = RankerConfiguration()
      change(&parameters, &configuration)
      let error = #expect(throws: RecommenderError.self) {
        try RankerTraining(configuration, parameters: parameters)
      }
      #expect(error?.code == .invalidParameter && error?.message.contains(name) == true, "\(name)")
    }
  }

  @Test func aVariantSaysWhatTheItemsLack() throws {
    let world = try smallWorld(), bare = try RankerItems(itemCount: 48)
    for (variant, what) in [
      (RankerVariant.frozenVectors, "vectors"), (.itemSetCodes, "item set"), (.residualCodes, "residual codes"),
      (.allCodes, "item set"),
    ] {
      let error = #expect(throws: RecommenderError.self) {
        try RankerTraining(RankerConfiguration(variant)).train(
          world.split.training, validation: world.split.validation, items: bare)
      }
      #expect(error?.code == .nothingToLearn && error?.message.contains(what) == true)
    }
  }

  @Test func examplesOfAnotherCatalogueAreRefused() throws {
    let world = try smallWorld(), other = try RankerItems(itemCount: 47)
    let training = try RankerTraining(RankerConfiguration(), parameters: short())
    let error = #expect(throws: RecommenderError.self) {
      try training.train(world.split.training, validation: world.split.validation, items: other)
    }
    #expect(error?.code == .invalidParameter)
    let trained = try training.train(world.split.training, validation: world.split.validation, items: world.items)
    let foreign = try RankingWorld(users: 12, items: 24, cold: 6, meetings: 12).split.test
    let refused = #expect(throws: RecommenderError.self) { try trained.ranker.logits(of: foreign) }
    #expect(refused?.code == .invalidParameter)
  }

  @Test func aLossThatIsNoNumberIsAnErrorThatSaysWhatToChange() throws {
    let world = try smallWorld()
    var parameters = short(2)
    (parameters.learningRate, parameters.warmup, parameters.clip) = (1e30, 0, 1e30)
    let error = #expect(throws: RecommenderError.self) {
      try RankerTraining(RankingWorld.configuration(.ids), parameters: parameters).train(
        world.split.training, validation: world.split.validation, items: world.items)
    }
    #expect(error?.code == .diverged && error?.message.contains("learningRate") == true)
  }

  @Test func aWishToStopIsHeard() throws {
    let world = try smallWorld()
    let training = try RankerTraining(RankerConfiguration(), parameters: short())
    var asked = 0
    let error = #expect(throws: RecommenderError.self) {
      try training.train(
        world.split.training, validation: world.split.validation, items: world.items,
        isCancelled: {
          asked += 1
          return asked > 2
        })
    }
    #expect(error?.code == .cancelled)
    let ranker = try training.train(world.split.training, validation: world.split.validation, items: world.items).ranker
    let stopped = #expect(throws: RecommenderError.self) {
      try ranker.logits(of: world.split.test, isCancelled: { true })
    }
    #expect(stopped?.code == .cancelled)
  }
}
