import BehaviorAlignment
import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct PathwayNetworkTests {
  /// Which pathways there are.
  enum Choice: String, CaseIterable {
    case all, traits, positive, lifelong

    var pathways: UserPathways {
      var pathways = UserPathways()
      pathways.hasTraits = self == .all || self == .traits
      pathways.positiveItems = self == .all || self == .positive ? 3 : 0
      pathways.lifelongItems = self == .all || self == .lifelong ? 20 : 0
      pathways.lifelongQueries = 2
      return pathways
    }
  }

  /// What a network of a choice reads.
  private static func users(_ choice: Choice) -> [UserContext] {
    let users = [
      UserContext(
        items: [1, 5, 9, 2], positives: [7, 5], older: [3, 3, 8], traits: .init(events: 7, duration: 60, positives: 2)),
      UserContext(items: [], traits: .init(events: 0, duration: nil, positives: 0)),
      UserContext(items: [7], positives: [7], traits: .init(events: 1, duration: 0, positives: nil)),
      UserContext(
        items: [20, 12, 3, 3, 8], positives: [12, 4, 8], older: [4, 10, 21, 22, 1, 2, 3],
        traits: .init(events: 12, duration: 1e6, positives: 9)),
    ]
    let pathways = choice.pathways
    return users.map { user in
      UserContext(
        items: user.items, positives: pathways.positiveItems > 0 ? user.positives : [],
        older: pathways.lifelongItems > 0 ? user.older : [], traits: pathways.hasTraits ? user.traits : nil)
    }
  }

  private static let targets: [[UInt32]] = [[6, 1], [4], [], [17, 9]]

  private static func fixture(_ choice: Choice) throws -> EncoderDecoderFixture {
    try EncoderDecoderFixture(randomTokens(items: 30, sizes: [4, 3, 3], without: [11])) {
      $0.targetItems = 2
      $0.pathways = choice.pathways
    }
  }

  @Test(arguments: Choice.allCases)
  func theLossIsThatOfPlainLoops(_ choice: Choice) throws {
    let fixture = try Self.fixture(choice), reference = fixture.reference, users = Self.users(choice)
    let sum = zip(users, Self.targets).reduce(0.0) {
      $0 - reference.logProbabilities(of: $1.1, behind: $1.0).joined().reduce(0, +)
    }
    let pass = ModelPass(inferring: fixture.parameters)
    let found = try #require(fixture.network.loss(users, targets: Self.targets, fixture.vocabulary, in: pass)).scalar
    #expect(abs(Double(found) - sum / 5) < 2e-5 * sum)
  }

  @Test func everyParameterOfAllPathwaysHasItsGradient() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 30, sizes: [4, 3, 3])) {
      $0.targetItems = 2
      $0.experts = nil
      $0.pathways = Choice.all.pathways
    }
    #expect(fixture.parameters.entries.count { $0.name.hasPrefix("pathways.") } > 10)
    try expectParameterGradients(fixture.parameters, bound: 0.03, step: 0.005) { pass in
      fixture.network.loss(Self.users(.all), targets: Self.targets, fixture.vocabulary, in: pass)
    }
  }

  @Test func rowsStandBeforeTheBeginningAndTheLatestCodeStaysLast() throws {
    let tokens = try ItemTokens(sizes: [3, 4], codes: [2, 1, 0, 3, 1, 2], isPresent: [true, true, true])
    let vocabulary = try GeneratorVocabulary(tokens, CircleFixture.configuration)
    let users = [
      UserContext(
        items: [1], positives: [2, 0], older: [0, 1, 2], traits: .init(events: 4, duration: nil, positives: 2)),
      UserContext(items: [], traits: .init(events: 0, duration: nil, positives: nil)),
    ]
    let read = HistoryTokens(users, vocabulary, Choice.all.pathways)
    let rows = try #require(read.pathways)
    // Traits, two queries, two liked items, the beginning, two codes; traits and the beginning.
    #expect(rows.pathways == [1, 3, 3, 2, 2, 0, 0, 0, 1, 0])
    #expect(read.beginnings == [-1, -1, -1, -1, -1, 0, -1, -1, -1, 0])
    #expect(read.levels == [-1, -1, -1, -1, -1, -1, 0, 1, -1, -1])
    #expect(read.codes == [[-1, -1, -1, 1, 2, -1, 0, -1, -1, -1], [-1, -1, -1, 2, 1, -1, -1, 3, -1, -1]])
    #expect(read.closedItems == [-1, -1, -1, 2, 0, -1, -1, 1, -1, -1])
    #expect(read.places == [-1, -1, -1, -1, -1, -1, 0, 0, -1, -1])
    #expect(rows.positivePlaces == [-1, -1, -1, 1, 0, -1, -1, -1, -1, -1])
    #expect(rows.queryRows == [-1, 0, 1, -1, -1, -1, -1, -1, -1, -1] && rows.queries == [0, 1])
    #expect(rows.olderItems == [0, 1, 2] && rows.olderSteps == [1, 1, 0])
    #expect(rows.traits[0] == [2, -1, -1, -1, -1, -1, -1, -1, 0, -1])
    #expect(read.offsets == [0, 8, 10] && read.lastRows == [7, 9])
  }

  /// Without the keys nothing is there that was not before: parameters, configuration and what is computed.
  @Test func withoutPathwaysTheNetworkIsTheOneOfBefore() throws {
    let tokens = try randomTokens(items: 30, sizes: [4, 3, 3])
    let plain = try EncoderDecoderFixture(tokens) { $0.targetItems = 2 }
    let rich = try EncoderDecoderFixture(tokens) {
      $0.targetItems = 2
      $0.pathways = Choice.all.pathways
    }
    #expect(!plain.parameters.entries.contains { $0.name.hasPrefix("pathways.") })
    // Numbers come from the names: those of the other parameters are the same with pathways and without.
    #expect(
      rich.parameters.entries.filter { !$0.name.hasPrefix("pathways.") }.map(\.name)
        == plain.parameters.entries.map(\.name))
    let json = String(decoding: try JSONEncoder().encode(plain.configuration), as: UTF8.self)
    #expect(!json.contains("pathways"))
    let training = String(decoding: try JSONEncoder().encode(GeneratorTraining.Parameters()), as: UTF8.self)
    #expect(!training.contains("sessions"))
    let bare = Self.users(.all).map { UserContext(items: $0.items) }
    func loss(_ users: [UserContext]) -> Float? {
      plain.network.loss(
        users, targets: Self.targets, plain.vocabulary, in: ModelPass(inferring: plain.parameters))?.scalar
    }
    #expect(loss(Self.users(.all)) == loss(bare))
  }

  @Test func beamSearchAndSessionsReadThePathways() throws {
    let fixture = try EncoderDecoderFixture(uniqueTokens(items: 30, sizes: [5, 4, 6], without: [11])) {
      $0.pathways = Choice.all.pathways
      $0.targetItems = 2
      $0.maximumHistory = 2
    }
    var generator = fixture.generator()
    generator.beamWidth = 30
    let queries = [
      NextItemQuery(
        user: 0,
        after: UserEvents(
          items: [1, 5, 11, 9, 2, 3], times: [1, 2, 3, 40, 50, 60], positives: [true, false, true, false, true, false])),
      NextItemQuery(user: 1, after: UserEvents(items: [])), query([4, 8, 9]),
    ]
    let contexts = [
      UserContext(
        items: [2, 3], positives: [1, 2], older: [1, 5, 9], traits: .init(events: 5, duration: 59, positives: 2)),
      UserContext(items: [], traits: .init(events: 0, duration: nil, positives: nil)),
      UserContext(
        items: [8, 9], positives: [4, 8, 9], older: [4], traits: .init(events: 3, duration: nil, positives: nil)),
    ]
    let answers = try generator.recommend(queries[...], count: 30, filter: .init())
    let sessions = try generator.generateSessions(queries[...], items: 2, filter: .init())
    for (place, context) in contexts.enumerated() {
      let expected = (0..<UInt32(30)).filter { $0 != 11 }.map { item in
        (item, fixture.reference.logProbabilities(of: [item], behind: context)[0].reduce(0, +))
      }.sorted { $0.1 > $1.1 }
      #expect(answers[place].map(\.item) == expected.map(\.0))
      for (found, wanted) in zip(answers[place], expected) { #expect(abs(Double(found.score) - wanted.1) < 1e-3) }
      #expect(sessions[place].count == 2 && sessions[place][0].item == expected[0].0)
      let second = fixture.reference.logProbabilities(of: sessions[place].map(\.item), behind: context)[1].reduce(0, +)
      #expect(abs(Double(sessions[place][1].score) - second) < 1e-3)
    }
    let loss = try #require(try generator.loss(on: queries))
    #expect(loss > 0)
  }
}
