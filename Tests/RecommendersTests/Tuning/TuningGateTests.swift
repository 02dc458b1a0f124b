import Recommenders
import Testing

@Suite struct TuningGateTests {
  typealias Evidence = TuningGate.Evidence

  /// Three seeds with a gain of 0.004 at a standard deviation of about 0.001, and nothing else wrong.
  private static func evidence(_ change: (inout Evidence) -> Void = { _ in }) -> Evidence {
    var evidence = Evidence(
      servedNDCG: [0.040, 0.041, 0.042], tunedNDCG: [0.044, 0.045, 0.046], standardError: 0.0005, churn: 0.2,
      servedCollisionRate: 0.05, tunedCollisionRate: 0.055, servedUtilization: [1, 0.98, 0.9],
      tunedUtilization: [1, 0.97, 0.91])
    change(&evidence)
    return evidence
  }

  private func reasons(
    _ evidence: Evidence, _ parameters: TuningGate.Parameters = TuningGate.Parameters()
  ) throws -> [String] {
    switch try TuningGate(parameters).decide(evidence) {
    case .publish: []
    case .keep(let reasons): reasons
    }
  }

  @Test func whatRecommendsBetterAndHarmsNothingIsPublished() throws {
    #expect(try TuningGate().decide(Self.evidence()) == .publish)
  }

  @Test func noiseIsThatOfTheSeedsOfBothArmsAndAtLeastTheSamplingError() throws {
    #expect(abs(try #require(Self.evidence().noise) - 0.001) < 1e-12)
    #expect(Self.evidence { $0.standardError = 0.003 }.noise == 0.003)
    #expect(Self.evidence { $0.standardError = nil }.noise.map { abs($0 - 0.001) < 1e-12 } == true)
    let one = Self.evidence { ($0.servedNDCG, $0.tunedNDCG, $0.standardError) = ([0.04], [0.044], 0.002) }
    #expect(one.noise == 0.002)
    #expect(abs(one.gain - 0.004) < 1e-12)
    // The noisier arm counts.
    #expect(try #require(Self.evidence { $0.tunedNDCG = [0.03, 0.05, 0.055] }.noise) > 0.009)
  }

  /// A change to good evidence, and the beginning of the only reason to keep what is served.
  private static let refusals: [(name: String, change: @Sendable (inout Evidence) -> Void, reason: String)] = [
    ("a gain within the noise", { $0.tunedNDCG = [0.0405, 0.0415, 0.0425] }, "NDCG@10 went from 0.041 to 0.0415"),
    ("no gain", { $0.tunedNDCG = $0.servedNDCG }, "NDCG@10 went from 0.041 to 0.041, a gain of 0.0"),
    ("a loss", { $0.tunedNDCG = [0.02, 0.021, 0.022] }, "NDCG@10 went from 0.041 to 0.021"),
    (
      "no gain without noise", { ($0.servedNDCG, $0.tunedNDCG, $0.standardError) = ([0.1, 0.1], [0.1, 0.1], nil) },
      "NDCG@10 went from 0.1 to 0.1"
    ),
    ("a sampling error above the gain", { $0.standardError = 0.01 }, "NDCG@10 went from 0.041 to 0.045"),
    (
      "one seed and nothing to compare with",
      { ($0.servedNDCG, $0.tunedNDCG, $0.standardError) = ([0.04], [0.05], nil) },
      "NDCG@10 is known of one seed"
    ),
    (
      "too much churn", { $0.churn = 0.51 },
      "51.0 % of the items would change their semantic ID, expected at most 50.0 %"
    ),
    ("more collisions", { $0.tunedCollisionRate = 0.08 }, "8.0 % of the items would share a semantic ID, 5.0 % do now"),
    ("less use of a level", { $0.tunedUtilization[1] = 0.9 }, "Level 2 would use 90.0 % of its codes, it uses 98.0 %"),
    ("figures that are no numbers", { $0.tunedNDCG[1] = .nan }, "NDCG@10 with the tuned codes is nan"),
    ("figures out of range", { $0.churn = 1.5 }, "The churn is 1.5"),
    ("churn that is none", { $0.churn = .nan }, "The churn is nan"),
    ("an error that is infinite", { $0.standardError = .infinity }, "The standard error of NDCG@10 is inf"),
    ("collisions that are no number", { $0.tunedCollisionRate = .nan }, "The collision rate of the tuned codes is nan"),
    ("a negative rate", { $0.servedCollisionRate = -0.1 }, "The collision rate of the served codes is -0.1"),
    ("use that is no number", { $0.tunedUtilization[0] = .nan }, "The utilization of a tuned level is nan"),
    ("served use above one", { $0.servedUtilization[0] = 2 }, "The utilization of a served level is 2.0"),
    ("a seed that is missing", { $0.tunedNDCG.removeLast() }, "NDCG@10 is known of 3 seeds"),
    ("no seed at all", { ($0.servedNDCG, $0.tunedNDCG) = ([], []) }, "NDCG@10 is known of 0 seeds"),
    ("levels that do not match", { $0.tunedUtilization.removeLast() }, "Utilization is known of 3 served levels"),
  ]

  @Test(arguments: refusals.indices)
  func whatIsWorseIsNot(_ index: Int) throws {
    let refusal = Self.refusals[index]
    let reasons = try reasons(Self.evidence(refusal.change))
    #expect(reasons.count == 1, "\(refusal.name)")
    #expect(reasons.first?.hasPrefix(refusal.reason) == true, "\(refusal.name): \(reasons)")
    #expect(reasons.first?.contains("expected") == true, "\(refusal.name): \(reasons)")
  }

  @Test func allReasonsAreGiven() throws {
    let reasons = try reasons(
      Self.evidence {
        $0.tunedNDCG = [0, 0, 0]
        $0.churn = 1
        $0.tunedCollisionRate = 1
        $0.tunedUtilization = [0.1, 0.1, 0.1]
      })
    #expect(reasons.count == 6)
  }

  @Test func limitsAreInclusive() throws {
    var parameters = TuningGate.Parameters()
    parameters.maximumChurn = 0.2
    parameters.maximumCollisionIncrease = 0.0625
    parameters.minimumUtilizationRatio = 0.5
    parameters.minimumGain = 2
    let evidence = Self.evidence {
      ($0.servedNDCG, $0.tunedNDCG, $0.standardError) = ([0.25], [0.5], 0.125)
      ($0.servedCollisionRate, $0.tunedCollisionRate) = (0.0625, 0.125)
      ($0.servedUtilization, $0.tunedUtilization) = ([1], [0.5])
    }
    #expect(try reasons(evidence, parameters) == [])
    parameters.minimumGain = 2.01
    #expect(try reasons(evidence, parameters).count == 1)
  }

  @Test func withNoGainAskedForItMustStillBeBetter() throws {
    var parameters = TuningGate.Parameters()
    parameters.minimumGain = 0
    #expect(try reasons(Self.evidence { $0.tunedNDCG = [0.0401, 0.0411, 0.0421] }, parameters) == [])
    #expect(try reasons(Self.evidence { $0.tunedNDCG = $0.servedNDCG }, parameters).count == 1)
  }

  @Test func theSamplingErrorIsThatOfThePairedDifferences() throws {
    let served = [0.0, 1, 0.5, 0.5], tuned = [0.0, 1, 1, 0.5]
    // Differences 0, 0, ½, 0: mean ⅛, variance 1/16.
    let error = try #require(TuningGate.standardError(served: served, tuned: tuned))
    #expect(abs(error - 0.125) < 1e-12)
    #expect(TuningGate.standardError(served: served, tuned: served) == 0)
    #expect(TuningGate.standardError(served: [0.5], tuned: [1]) == nil)
    #expect(TuningGate.standardError(served: served, tuned: [1]) == nil)
  }

  @Test func limitsOutOfRangeAreRefused() {
    let changes: [(inout TuningGate.Parameters) -> Void] = [
      { $0.minimumGain = -1 }, { $0.minimumGain = .nan }, { $0.maximumChurn = 1.1 }, { $0.maximumChurn = .nan },
      { $0.maximumCollisionIncrease = -0.1 }, { $0.minimumUtilizationRatio = 2 },
    ]
    for change in changes {
      var parameters = TuningGate.Parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try TuningGate(parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }
}
