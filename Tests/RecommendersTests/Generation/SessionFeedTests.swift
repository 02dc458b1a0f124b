import BehaviorAlignment
import Recommenders
import TensorMath
import TestSupport
import Testing

/// An event of a user: an item, when, and whether it was liked.
private typealias Event = (item: Int, time: Double, isLiked: Bool)

@Suite struct SessionFeedTests {
  private static func split(
    _ rows: [[Event]], window: TrainingWindow = .everything, hasTimes: Bool = true
  ) throws -> TrainingSplit {
    let users = rows.enumerated().flatMap { user, row in row.map { _ in Int32(user) } }, events = rows.joined()
    let history = try InteractionHistory(
      users: users, items: events.map { Int32($0.item) }, times: hasTimes ? events.map(\.time) : [],
      positives: ContiguousArray(events.map(\.isLiked)), userCount: rows.count, itemCount: 50)
    return try TrainingSplit(history, window: window)
  }

  private static func sequences(
    _ split: TrainingSplit, perSequence: Int = 9, targetItems: Int = 3, maximumHistory: Int = 6,
    _ change: (inout SessionRules) -> Void = { _ in }
  ) throws -> TrainingSequences {
    var rules = SessionRules()
    rules.gap = 10
    change(&rules)
    let vocabulary = try GeneratorVocabulary(
      randomTokens(items: 50, sizes: [4, 4, 4], without: [49]), CircleFixture.configuration)
    return TrainingSequences(
      split, vocabulary, maximumHistory: maximumHistory,
      cuts: .init(perSequence: perSequence, targetItems: targetItems, sessions: rules))
  }

  private static func examples(
    _ sequences: TrainingSequences, epoch: Int = 0, seed: UInt64 = 1
  ) -> [[[UInt32]]] {
    sequences.batches(epoch: epoch, seed: seed, positions: 12).flatMap { batch in
      let (users, targets) = sequences.examples(batch)
      #expect(batch.positions == users.reduce(0) { $0 + $1.items.count + 1 })
      return zip(users, targets).map { [$0.items, $1] }
    }.sorted { ($0[1] + $0[0]).lexicographicallyPrecedes($1[1] + $1[0]) }
  }

  private static func plain(_ items: [(Int, Double)]) -> [Event] { items.map { ($0.0, $0.1, true) } }

  @Test func theItemsOfASessionFollowAllThatWasBefore() throws {
    let row = Self.plain([(1, 0), (2, 5), (3, 100), (4, 101), (5, 111), (6, 111), (7, 500), (8, 501)])
    #expect(
      Self.examples(try Self.sequences(Self.split([row]))) == [
        [[], [1, 2]], [[1, 2], [3, 4, 5]], [[1, 2, 3, 4, 5, 6], [7, 8]],
      ])
  }

  @Test func aSessionThatIsLeftOutIsStillRead() throws {
    let row = Self.plain([(1, 0), (2, 5), (3, 100), (4, 200), (5, 201)])
    let sequences = try Self.sequences(Self.split([row]))
    #expect(Self.examples(sequences) == [[[], [1, 2]], [[1, 2, 3], [4, 5]]])
    let summary = try #require(sequences.summary)
    #expect(summary.isTimed && summary.sessions == 3 && summary.kept == 2 && summary.tooFewItems == 1)
    #expect(summary.items == 4 && summary.shortened == 0 && summary.usersWithout == 0)
  }

  @Test func anItemIsWrittenOnceASession() throws {
    let row = Self.plain([(1, 0), (2, 1), (1, 2), (3, 3), (2, 4), (4, 5), (5, 6)])
    let sequences = try Self.sequences(Self.split([row]))
    #expect(Self.examples(sequences) == [[[], [1, 2, 3]]])
    #expect(sequences.summary?.shortened == 1 && sequences.summary?.items == 3)
    // A session of one item, met again and again, has one.
    let again = try Self.sequences(Self.split([Self.plain([(1, 0), (2, 1), (1, 2), (2, 3)])])) { $0.minimumItems = 3 }
    #expect(Self.examples(again).isEmpty && again.summary?.tooFewItems == 1 && again.summary?.usersWithout == 1)
  }

  @Test func anItemWithoutCodesFillsAPauseAndCountsForNothingElse() throws {
    let row = Self.plain([(1, 0), (49, 8), (2, 16), (49, 100), (3, 105)])
    let sequences = try Self.sequences(Self.split([row]))
    #expect(Self.examples(sequences) == [[[], [1, 2]]])
    #expect(sequences.summary?.sessions == 2 && sequences.summary?.tooFewItems == 1)
  }

  @Test func everyRuleLeavesOutWhatBreaksIt() throws {
    let rows: [[Event]] = [
      [(1, 0, false), (2, 5, true), (3, 100, false), (4, 104, false), (5, 200, true), (6, 201, true), (7, 203, false)],
      [(8, 0, true), (9, 1, false), (10, 2, false), (11, 3, false), (12, 4, false)], [(13, 0, true)],
    ]
    let sequences = try Self.sequences(Self.split(rows)) {
      $0.maximumItems = 4
      $0.minimumDuration = 4
      $0.minimumPositives = 1
    }
    #expect(Self.examples(sequences) == [[[], [1, 2]]])
    let summary = try #require(sequences.summary)
    #expect(summary.sessions == 5 && summary.kept == 1 && summary.tooFewItems == 1 && summary.tooManyItems == 1)
    #expect(summary.tooBrief == 1 && summary.tooFewPositives == 1 && summary.usersWithout == 2)
    #expect(
      summary.text == "1 of 5 sessions are kept; left out: 1 of too few items, 1 of too many, 1 too brief, 1 without "
        + "enough positive feedback")
  }

  @Test func aLogWithoutTimesIsCutAnywhere() throws {
    let row = Self.plain((0..<9).map { ($0, 0) })
    let split = try Self.split([row, row], hasTimes: false)
    let sequences = try Self.sequences(split) { $0.minimumItems = 9 }
    let vocabulary = try GeneratorVocabulary(
      randomTokens(items: 50, sizes: [4, 4, 4], without: [49]), CircleFixture.configuration)
    let plain = TrainingSequences(
      split, vocabulary, maximumHistory: 6, cuts: .init(perSequence: 9, targetItems: 3))
    #expect(Self.examples(sequences) == Self.examples(plain))
    #expect(sequences.summary?.isTimed == false && sequences.summary?.sessions == 0 && plain.summary == nil)
  }

  @Test func timesThatComeInAnyOrderMakeTheSameSessions() throws {
    var random = RandomSource(seed: 9)
    let rows = (0..<8).map { _ in
      (0..<20).map { _ -> Event in
        (Int.random(in: 0..<49, using: &random), Double.random(in: 0...200, using: &random), true)
      }
    }
    let first = try Self.sequences(Self.split(rows))
    let shuffled = try Self.sequences(Self.split(rows.map { $0.shuffled(using: &random) }))
    #expect(Self.examples(first) == Self.examples(shuffled) && first.summary == shuffled.summary)
  }

  @Test func someSessionsOfAUserAreDrawnAndOthersInTheNextEpoch() throws {
    let row = Self.plain((0..<40).map { ($0, Double($0 / 2 * 100)) })
    let sequences = try Self.sequences(Self.split([row]), perSequence: 4)
    let found = Self.examples(sequences)
    #expect(found.count == 4 && Set(found.map { $0[1] }).count == 4)
    for example in found {
      #expect(example[1].count == 2 && example[1][0] % 2 == 0)
      #expect(example[0].last.map { $0 + 1 == example[1][0] } ?? true)
    }
    #expect(Self.examples(sequences) == found)
    #expect(Self.examples(sequences, epoch: 1) != found)
    #expect(Self.examples(sequences, seed: 2) != found)
  }

  /// Kept sessions, one user and one event at a time.
  @Test func theFeedIsThatOfPlainLoops() throws {
    var random = RandomSource(seed: 31)
    for _ in 0..<40 {
      var time = 0.0
      let rows = (0..<5).map { _ in
        (0..<Int.random(in: 0...25, using: &random)).map { _ -> Event in
          time += Double(Int.random(in: 0...14, using: &random))
          return (Int.random(in: 0..<50, using: &random), time, Bool.random(using: &random))
        }
      }
      guard rows.contains(where: { !$0.isEmpty }) else { continue }
      let split = try Self.split(rows)
      let needed = Int.random(in: 0...2, using: &random)
      let sequences = try Self.sequences(split, perSequence: 99, maximumHistory: 4) { $0.minimumPositives = needed }
      var (expected, count): ([[[UInt32]]], Int) = ([], 0)
      for user in 0..<5 {
        let events = split.trainingEvents(ofUser: user)
        var before: [UInt32] = [], session: [Int] = []
        func close() {
          guard !session.isEmpty else { return }
          count += 1
          let known = session.filter { events.items[$0] != 49 }
          var different: [UInt32] = []
          for place in known where !different.contains(events.items[place]) { different.append(events.items[place]) }
          if different.count >= 2, known.count(where: { events.positives[$0] }) >= needed {
            expected.append([Array(before.suffix(4)), Array(different.prefix(3))])
          }
          before += known.map { events.items[$0] }
          session = []
        }
        for place in events.items.indices {
          if place > 0, events.times[place] - events.times[place - 1] > 10 { close() }
          session.append(place)
        }
        close()
      }
      expected.sort { ($0[1] + $0[0]).lexicographicallyPrecedes($1[1] + $1[0]) }
      #expect(Self.examples(sequences) == expected)
      let summary = try #require(sequences.summary)
      #expect(summary.sessions == count && summary.kept == expected.count)
      #expect(summary.kept + summary.tooFewItems + summary.tooFewPositives == count)
    }
  }
}
