import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

/// Whatever happens behind a cut, training sees nothing of it.
@Suite struct FeedLeakTests {
  private struct Log {
    var users: [Int32] = []
    var items: [Int32] = []
    var times: [Double] = []
    var positives: ContiguousArray<Bool> = []

    init(events: Int, using random: inout RandomSource) {
      for _ in 0..<events {
        users.append(Int32.random(in: 0..<12, using: &random))
        items.append(Int32.random(in: 0..<30, using: &random))
        // Few moments, so that many events share one.
        times.append(Double(Int.random(in: 0..<60, using: &random)))
        positives.append(Bool.random(using: &random))
      }
    }

    func split(_ window: TrainingWindow) throws -> TrainingSplit {
      try TrainingSplit(
        try InteractionHistory(
          users: users, items: items, times: times, positives: positives, userCount: 12, itemCount: 30), window: window)
    }
  }

  /// Every example of three epochs, in order, and the counts.
  private struct Feed: Equatable {
    var users: [UserContext] = []
    var targets: [[UInt32]] = []
    var next: [ContiguousArray<Int32>] = []
    var popularity: ContiguousArray<UInt32> = []
    var summary: SessionSummary?

    init(_ split: TrainingSplit, sessions: SessionRules?) throws {
      let vocabulary = try GeneratorVocabulary(
        randomTokens(items: 30, sizes: [4, 4], without: [29]), CircleFixture.configuration)
      let cuts = TrainingSequences(
        split, vocabulary, maximumHistory: 3, cuts: .init(perSequence: 3, targetItems: 3, sessions: sessions),
        pathways: UserPathwayTests.all)
      let windows = TrainingSequences(split, vocabulary, maximumHistory: 3)
      for epoch in 0..<3 {
        for batch in cuts.batches(epoch: epoch, seed: 2, positions: 20) {
          let found = cuts.examples(batch)
          users += found.users
          targets += found.targets
        }
        for batch in windows.batches(epoch: epoch, seed: 2, positions: 20) {
          next.append(windows.sequences(batch).next)
        }
      }
      (popularity, summary) = (cuts.popularity, cuts.summary)
    }
  }

  private var sessions: SessionRules {
    var rules = SessionRules()
    (rules.gap, rules.minimumPositives) = (4, 1)
    return rules
  }

  @Test func eventsBehindATimeChangeNothing() throws {
    var random = RandomSource(seed: 50)
    for _ in 0..<15 {
      let log = Log(events: 250, using: &random), cut = 40.0
      var other = log
      for event in log.times.indices where log.times[event] >= cut {
        other.items[event] = Int32.random(in: 0..<30, using: &random)
        other.times[event] = cut + Double(Int.random(in: 0..<90, using: &random))
        other.positives[event].toggle()
      }
      for _ in 0..<40 {
        other.users.append(Int32.random(in: 0..<12, using: &random))
        other.items.append(Int32.random(in: 0..<30, using: &random))
        other.times.append(cut + Double(Int.random(in: 0..<90, using: &random)))
        other.positives.append(true)
      }
      for rules in [nil, sessions] {
        let former = try Feed(log.split(.until(cut)), sessions: rules)
        #expect(try Feed(other.split(.until(cut)), sessions: rules) == former)
        #expect(former.users.count > 20)
      }
    }
  }

  @Test func theLastEventsOfUsersChangeNothing() throws {
    var random = RandomSource(seed: 51)
    for _ in 0..<15 {
      let log = Log(events: 250, using: &random)
      let split = try log.split(.leaveLast(2))
      // What is learned from, and another end behind it; no item behind itself, which would be one event.
      var other = Log(events: 0, using: &random)
      for user in 0..<12 {
        var events = split.trainingEvents(ofUser: user)
        let held = split.heldOutItems(ofUser: user).count
        for _ in 0..<held {
          let last = events.items[events.items.count - 1]
          events.items.append((last + UInt32.random(in: 1..<30, using: &random)) % 30)
          events.times.append(events.times[events.times.count - 1] + Double(Int.random(in: 0..<9, using: &random)))
          events.positives.append(Bool.random(using: &random))
        }
        other.users += events.items.map { _ in Int32(user) }
        other.items += events.items.map { Int32($0) }
        other.times += events.times
        other.positives += events.positives
      }
      for rules in [nil, sessions] {
        let former = try Feed(split, sessions: rules)
        #expect(try Feed(other.split(.leaveLast(2)), sessions: rules) == former)
        #expect(former.users.count > 20)
      }
    }
  }

  @Test func theLastShareOfAllEventsChangesNothing() throws {
    var random = RandomSource(seed: 52)
    for _ in 0..<15 {
      let log = Log(events: 250, using: &random)
      let cut = try #require(try log.split(.fraction(0.7)).summary.cut)
      var other = log
      for event in log.times.indices where log.times[event] >= cut {
        other.items[event] = Int32.random(in: 0..<30, using: &random)
        other.positives[event].toggle()
        // The cut stays where it is as long as what lies behind it does.
        if log.times[event] > cut { other.times[event] += Double(Int.random(in: 0..<90, using: &random)) }
      }
      for rules in [nil, sessions] {
        let former = try Feed(log.split(.fraction(0.7)), sessions: rules)
        let found = try other.split(.fraction(0.7))
        // Repeats are one event wherever they stand, so that another end may count another number of events.
        guard found.summary.cut == cut else { continue }
        #expect(try Feed(found, sessions: rules) == former)
      }
    }
  }
}
