import Recommenders
import Testing

/// What tuning, its schedule and its gate say, word by word.
@Suite struct TuningLimitTests {
  private typealias Change = @Sendable (inout CodeTuning.Parameters) -> Void

  private static let tunings: [(change: Change, message: String)] = [
    ({ $0.steps = 1_000_001 }, "steps is 1000001, expected 1 to 1,000,000"),
    ({ $0.positionsPerBatch = 0 }, "positionsPerBatch is 0, expected 1 to 1,048,576"),
    ({ $0.learningRate = .infinity }, "learningRate is inf, expected a positive number"),
    ({ $0.representationLearningRate = 0 }, "representationLearningRate is 0.0, expected a positive number"),
    ({ $0.temperature = .nan }, "temperature is nan, expected a positive number"),
    ({ $0.clip = -1 }, "clip is -1.0, expected a positive number"),
    ({ $0.warmup = -1 }, "warmup is -1, expected at least 0"),
    ({ $0.weights.recommender = -0.5 }, "weights.recommender is -0.5, expected at least 0"),
    ({ $0.weights.commitment = .infinity }, "weights.commitment is inf, expected at least 0"),
    ({ $0.weights.reconstruction = .nan }, "weights.reconstruction is nan, expected at least 0"),
    ({ $0.weights.evenness = -1 }, "weights.evenness is -1.0, expected at least 0"),
    ({ $0.weights.anchor = -1 }, "weights.anchor is -1.0, expected at least 0"),
    ({ $0.weights.contrast = -1 }, "weights.contrast is -1.0, expected at least 0"),
    ({ $0.measuredBatches = 1_000_001 }, "measuredBatches is 1000001, expected 1 to 1,000,000"),
    (
      {
        ($0.weights.recommender, $0.weights.commitment, $0.weights.reconstruction) = (0, 0, 0)
        ($0.weights.evenness, $0.weights.anchor, $0.weights.contrast) = (0, 0, 0)
      }, "all weights are 0; at least one term must count"
    ),
  ]

  @Test(arguments: tunings.indices)
  func aTuningThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = CodeTuning.Parameters()
    Self.tunings[index].change(&parameters)
    let found = refusal { _ = try CodeTuning(parameters: parameters) }
    #expect(found == "invalidParameter: tuning: " + Self.tunings[index].message)
    // A schedule refuses at once what its cycles would refuse after hours.
    var schedule = TuningSchedule.Parameters()
    schedule.tuning = parameters
    #expect(refusal { _ = try TuningSchedule(schedule) } == found)
  }

  private static let schedules: [(change: @Sendable (inout TuningSchedule.Parameters) -> Void, message: String)] = [
    ({ $0.cycles = 1001 }, "schedule: 1001 cycles behind 12 epochs, expected 0 to 1000 and 0 to 100,000"),
    ({ $0.cycles = -1 }, "schedule: -1 cycles behind 12 epochs, expected 0 to 1000 and 0 to 100,000"),
    ({ $0.firstEpochs = 100_001 }, "schedule: 1 cycles behind 100001 epochs, expected 0 to 1000 and 0 to 100,000"),
    ({ $0.epochs = 0 }, "generator: epochs is 0, expected 1 to 100,000"),
    ({ $0.training.clip = 0 }, "generator: clip is 0.0, expected a positive number"),
    ({ $0.configuration.width = 0 }, "generator: width is 0, expected 1 to 4096"),
  ]

  @Test(arguments: schedules.indices)
  func aScheduleThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = TuningSchedule.Parameters()
    Self.schedules[index].change(&parameters)
    #expect(refusal { _ = try TuningSchedule(parameters) } == "invalidParameter: " + Self.schedules[index].message)
  }

  @Test func aScheduleOfNothingIsOne() {
    var parameters = TuningSchedule.Parameters()
    (parameters.cycles, parameters.firstEpochs) = (0, 0)
    #expect(refusal { _ = try TuningSchedule(parameters) } == nil)
    (parameters.cycles, parameters.firstEpochs) = (1000, 100_000)
    #expect(refusal { _ = try TuningSchedule(parameters) } == nil)
  }

  private static let gates: [(change: @Sendable (inout TuningGate.Parameters) -> Void, message: String)] = [
    ({ $0.minimumGain = -1 }, "minimumGain is -1.0, expected 0.0 to 1000.0"),
    ({ $0.maximumChurn = 1.5 }, "maximumChurn is 1.5, expected 0.0 to 1.0"),
    ({ $0.maximumCollisionIncrease = .nan }, "maximumCollisionIncrease is nan, expected 0.0 to 1.0"),
    ({ $0.minimumUtilizationRatio = 2 }, "minimumUtilizationRatio is 2.0, expected 0.0 to 1.0"),
  ]

  @Test(arguments: gates.indices)
  func aLimitOutOfRangeIsNamed(index: Int) {
    var parameters = TuningGate.Parameters()
    Self.gates[index].change(&parameters)
    let found = refusal { _ = try TuningGate(parameters) }
    #expect(found == "invalidParameter: gate: " + Self.gates[index].message)
  }

  /// All in powers of two, so that figures are exact: a gain of 1/4 at an error of 1/8.
  private static func evidence(_ change: (inout TuningGate.Evidence) -> Void = { _ in }) -> TuningGate.Evidence {
    var evidence = TuningGate.Evidence(
      servedNDCG: [0.25, 0.25], tunedNDCG: [0.5, 0.5], standardError: 0.125, churn: 0.25, servedCollisionRate: 0.0625,
      tunedCollisionRate: 0.0625, servedUtilization: [1, 0.5], tunedUtilization: [1, 0.5])
    change(&evidence)
    return evidence
  }

  private static func reasons(
    _ evidence: TuningGate.Evidence, _ change: (inout TuningGate.Parameters) -> Void = { _ in }
  ) throws -> [String] {
    var parameters = TuningGate.Parameters()
    (parameters.maximumCollisionIncrease, parameters.minimumUtilizationRatio) = (0.125, 0.5)
    change(&parameters)
    return if case .keep(let reasons) = try TuningGate(parameters).decide(evidence) { reasons } else { [] }
  }

  @Test func everyReasonIsASentenceWithWhatWasFoundAndExpected() throws {
    let evidence = Self.evidence {
      $0.churn = 0.75
      $0.tunedCollisionRate = 0.25
      $0.tunedUtilization = [0.25, 0.125]
    }
    let reasons = try Self.reasons(evidence) { $0.minimumGain = 4 }
    #expect(
      reasons == [
        "NDCG@10 went from 0.25 to 0.5, a gain of 0.25, expected more than 0 and at least 0.5, which is 4.0 standard "
          + "deviations of 0.125.",
        "75.0 % of the items would change their semantic ID, expected at most 50.0 %.",
        "25.0 % of the items would share a semantic ID, 6.25 % do now, expected a rise of at most 12.5 %.",
        "Level 1 would use 25.0 % of its codes, it uses 100.0 % now, expected at least 50.0 %.",
        "Level 2 would use 12.5 % of its codes, it uses 50.0 % now, expected at least 25.0 %.",
      ])
  }

  @Test func withoutNoiseTheGateSaysWhatItNeeds() throws {
    let one = Self.evidence { ($0.servedNDCG, $0.tunedNDCG, $0.standardError) = ([0.25], [0.5], nil) }
    #expect(
      try Self.reasons(one) == [
        "NDCG@10 is known of one seed and without a sampling error, expected either two seeds or the error, for a gain of "
          + "0.25 says nothing without."
      ])
  }

  @Test func whatIsMissingIsToldBeforeAnythingIsJudged() throws {
    let evidence = Self.evidence {
      // Would be reasons too, if there were figures to judge.
      ($0.churn, $0.tunedNDCG) = (1.5, [0.125])
      $0.servedUtilization = []
    }
    #expect(
      try Self.reasons(evidence) == [
        "NDCG@10 is known of 2 seeds with the served codes and of 1 with the tuned ones, expected as many of both and at "
          + "least one.",
        "Utilization is known of 0 served levels and of 2 tuned ones, expected as many of both and at least one.",
        "The churn is 1.5, expected a number from 0.0 to 1.0.",
      ])
  }

  @Test func aDecisionDoesNotDependOnTheOrderOfSeeds() throws {
    let evidence = Self.evidence { ($0.servedNDCG, $0.tunedNDCG) = ([0.25, 0.375, 0.5], [0.5, 0.375, 0.625]) }
    let turned = Self.evidence { ($0.servedNDCG, $0.tunedNDCG) = ([0.5, 0.25, 0.375], [0.625, 0.5, 0.375]) }
    #expect(evidence.noise == turned.noise && evidence.gain == turned.gain)
    #expect(try Self.reasons(evidence) == Self.reasons(turned))
    // A gain of exactly one deviation is enough, and of less is not.
    #expect(try Self.reasons(evidence) == [])
    #expect(try Self.reasons(turned) { $0.minimumGain = 1.0.nextUp }.count == 1)
  }

  @Test func aGateOfZerosTakesAnyRiseOfAccuracyThatCostsNothing() throws {
    let none: (inout TuningGate.Parameters) -> Void = {
      ($0.minimumGain, $0.maximumChurn, $0.maximumCollisionIncrease, $0.minimumUtilizationRatio) = (0, 0, 0, 1)
    }
    #expect(try Self.reasons(Self.evidence { $0.churn = 0 }, none) == [])
    #expect(try Self.reasons(Self.evidence { $0.churn = .leastNonzeroMagnitude }, none).count == 1)
    #expect(try Self.reasons(Self.evidence { ($0.churn, $0.tunedUtilization[1]) = (0, 0.4375) }, none).count == 1)
  }
}
