import Recommenders
import TensorMath
import Testing

@Suite struct SessionRulesTests {
  private func rules(_ change: (inout SessionRules) -> Void) -> SessionRules {
    var rules = SessionRules()
    change(&rules)
    return rules
  }

  @Test func aPauseLongerThanTheGapEndsASession() {
    let rules = rules { $0.gap = 10 }
    #expect(rules.sessions(at: [1, 5, 15, 25.5, 26]) == [0..<3, 3..<5])
    #expect(rules.sessions(at: [7]) == [0..<1])
    #expect(rules.sessions(at: []) == [])
    #expect(rules.sessions(at: [-30, -20, 0]) == [0..<2, 2..<3])
  }

  @Test func eventsOfOneMomentAreOneSession() {
    #expect(rules { $0.gap = 0 }.sessions(at: [3, 3, 3, 4, 4, 9]) == [0..<3, 3..<5, 5..<6])
  }

  @Test func sessionsCoverAllEventsAndNoPauseLiesWithin() {
    var random = RandomSource(seed: 4)
    for _ in 0..<200 {
      let rules = rules { $0.gap = Double(Int.random(in: 0...9, using: &random)) }
      var time = 0.0
      let times = ContiguousArray(
        (0..<Int.random(in: 1...30, using: &random)).map { _ in
          time += Double(Int.random(in: 0...12, using: &random))
          return time
        })
      let sessions = rules.sessions(at: times)
      #expect(sessions.flatMap { Array($0) } == Array(times.indices))
      for session in sessions {
        for place in session.dropFirst() { #expect(times[place] - times[place - 1] <= rules.gap) }
        if session.lowerBound > 0 { #expect(times[session.lowerBound] - times[session.lowerBound - 1] > rules.gap) }
      }
    }
  }

  @Test func aSessionIsCountedByTheFirstRuleThatItBreaks() {
    let rules = rules {
      $0.minimumItems = 2
      $0.maximumItems = 5
      $0.minimumDuration = 60
      $0.minimumPositives = 1
    }
    var summary = SessionSummary()
    let sessions: [(traits: SessionRules.Traits, isKept: Bool)] = [
      (.init(items: 2, positives: 1, duration: 60), true), (.init(items: 5, positives: 5, duration: 61), true),
      (.init(items: 1, positives: 0, duration: 0), false), (.init(items: 0, positives: 0, duration: 99), false),
      (.init(items: 6, positives: 0, duration: 0), false), (.init(items: 3, positives: 0, duration: 59), false),
      (.init(items: 3, positives: 0, duration: 60), false),
    ]
    for session in sessions { #expect(rules.keeps(session.traits, &summary) == session.isKept) }
    #expect(summary.sessions == 7 && summary.kept == 2 && summary.tooFewItems == 2 && summary.tooManyItems == 1)
    #expect(summary.tooBrief == 1 && summary.tooFewPositives == 1)
  }

  @Test func rulesOutOfRangeAreRefused() {
    let changes: [(inout SessionRules) -> Void] = [
      { $0.gap = -1 }, { $0.gap = .nan }, { $0.gap = .infinity }, { $0.minimumItems = 0 }, { $0.maximumItems = 1 },
      { $0.minimumDuration = -1 }, { $0.minimumPositives = -1 },
    ]
    for change in changes {
      var (configuration, parameters) = (GeneratorConfiguration(), GeneratorTraining.Parameters())
      configuration.backbone = .encoderDecoder
      parameters.sessions = rules(change)
      let error = #expect(throws: RecommenderError.self) {
        try GeneratorTraining(configuration, parameters: parameters)
      }
      #expect(error?.code == .invalidParameter && error?.message.contains("sessions: ") == true)
    }
  }

  @Test func theOnePositionBackboneWritesNoSessions() {
    var parameters = GeneratorTraining.Parameters()
    parameters.sessions = SessionRules()
    let error = #expect(throws: RecommenderError.self) { try GeneratorTraining(parameters: parameters) }
    #expect(error?.message.contains("encoder-decoder") == true)
  }
}
