import BehaviorAlignment
import Recommenders
import TensorMath
import TestSupport
import Testing

/// What is taken from a user's events.
@Suite struct UserPathwayTests {
  static var all: UserPathways {
    var pathways = UserPathways()
    (pathways.hasTraits, pathways.positiveItems) = (true, 3)
    (pathways.lifelongItems, pathways.lifelongQueries) = (4, 2)
    return pathways
  }

  @Test func traitsAreStepsThatDouble() {
    func steps(_ events: Int, _ duration: Double?, _ positives: Int?) -> [Int32] {
      UserTraits(events: events, duration: duration, positives: positives).steps
    }
    #expect(steps(0, nil, nil) == [0, 0, 0])
    #expect(steps(1, 0, 0) == [1, 0, 1])
    #expect(steps(3, 0, 3) == [2, 1, 11])
    #expect(steps(6, 5, 3) == [2, 2, 6])
    #expect(steps(7, 6 * 1023, 1) == [3, 11, 2])
    #expect(steps(100_000, 1e300, 99_999) == [15, 33, 10])
    #expect(steps(2, .infinity, 2) == [1, 33, 11])
    for size in zip(steps(.max - 1, .infinity, .max / 10), UserTraits.sizes) { #expect(size.0 < size.1) }
  }

  private func sequences(
    _ split: TrainingSplit, _ pathways: UserPathways?, perSequence: Int = 99, maximumHistory: Int = 2
  ) throws -> TrainingSequences {
    let vocabulary = try GeneratorVocabulary(
      randomTokens(items: 50, sizes: [4, 4, 4], without: [49]), CircleFixture.configuration)
    return TrainingSequences(
      split, vocabulary, maximumHistory: maximumHistory, cuts: .init(perSequence: perSequence, targetItems: 1),
      pathways: pathways)
  }

  private func examples(_ sequences: TrainingSequences) -> [UInt32: UserContext] {
    let found = sequences.batches(epoch: 0, seed: 1, positions: 20).flatMap { batch in
      let (users, targets) = sequences.examples(batch)
      return zip(targets.map { $0[0] }, users)
    }
    return Dictionary(found) { first, _ in first }
  }

  private func split(_ positives: ContiguousArray<Bool>, hasTimes: Bool = true) throws -> TrainingSplit {
    // Item 49 has no codes.
    let history = try InteractionHistory(
      users: Array(repeating: 0, count: 10), items: [0, 1, 2, 49, 3, 4, 5, 6, 7, 8],
      times: hasTimes ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 90] : [], positives: positives, userCount: 1, itemCount: 50)
    return try TrainingSplit(history, window: .everything)
  }

  @Test func eachCutReadsWhatWasThereBefore() throws {
    let positives: ContiguousArray<Bool> = [true, true, false, true, true, false, true, false, false, true]
    let found = examples(try sequences(split(positives), Self.all))
    #expect(found.count == 9)
    #expect(found[0] == UserContext(items: [], traits: UserTraits(events: 0, duration: nil, positives: 0)))
    #expect(
      found[2]
        == UserContext(items: [0, 1], positives: [0, 1], traits: UserTraits(events: 2, duration: 1, positives: 2)))
    #expect(
      found[8]
        == UserContext(
          items: [6, 7], positives: [1, 3, 5], older: [2, 3, 4, 5],
          traits: UserTraits(events: 8, duration: 8, positives: 4)))
  }

  @Test func whereFeedbackIsNotToldApartAllOfItIsPositive() throws {
    let found = examples(try sequences(split([], hasTimes: false), Self.all))
    #expect(
      found[8]
        == UserContext(
          items: [6, 7], positives: [5, 6, 7], older: [2, 3, 4, 5],
          traits: UserTraits(events: 8, duration: nil, positives: nil)))
  }

  @Test func withoutPathwaysTheLatestItemsAreRead() throws {
    let found = examples(try sequences(split([]), nil))
    #expect(found[8] == UserContext(items: [6, 7]) && found[1] == UserContext(items: [0]))
  }

  @Test func aQuestionIsReadAsTheCutAtItsPlaceIs() throws {
    var random = RandomSource(seed: 12)
    let tokens = try randomTokens(items: 50, sizes: [4, 4, 4], without: [49, 7])
    for hasFeedback in [true, false] {
      let count = 300
      var time = 0.0
      let history = try InteractionHistory(
        users: (0..<count).map { _ in Int32.random(in: 0..<9, using: &random) },
        items: (0..<count).map { _ in Int32.random(in: 0..<50, using: &random) },
        times: (0..<count).map { _ in
          time += Double.random(in: 0...9, using: &random)
          return time
        }, positives: hasFeedback ? ContiguousArray((0..<count).map { _ in Bool.random(using: &random) }) : [],
        userCount: 9, itemCount: 50)
      let fixture = try EncoderDecoderFixture(tokens) { $0.pathways = Self.all }
      let everything = TrainingSequences(
        try TrainingSplit(history, window: .everything), fixture.vocabulary, maximumHistory: 5,
        cuts: .init(perSequence: 999, targetItems: 1), pathways: Self.all)
      let contexts = everything.batches(epoch: 0, seed: 1, positions: 50).flatMap { batch in
        let (users, targets) = everything.examples(batch)
        return zip(users, targets).map { (context: $0, target: $1[0]) }
      }
      let queries = try TrainingSplit(history, window: .leaveLast(3)).nextItemQueries(place: 2, withFeedback: true)
      for query in queries where fixture.vocabulary.knows(query.target) {
        let read = fixture.generator().readable([query])[0]
        #expect(contexts.contains { $0.context == read && $0.target == query.target })
      }
      #expect(queries.count == 9)
    }
  }

  @Test func pathwaysOutOfRangeAreRefused() {
    let changes: [(inout UserPathways) -> Void] = [
      { $0 = UserPathways() }, { $0.positiveItems = -1 }, { $0.lifelongItems = 70_000 }, { $0.lifelongQueries = 0 },
    ]
    for change in changes {
      var (configuration, pathways) = (GeneratorConfiguration(), Self.all)
      change(&pathways)
      configuration.backbone = .encoderDecoder
      configuration.pathways = pathways
      let error = #expect(throws: RecommenderError.self) { try GeneratorTraining(configuration) }
      #expect(error?.code == .invalidParameter && error?.message.contains("pathways: ") == true)
    }
  }

  @Test func theOnePositionBackboneHasNoPathways() {
    var configuration = GeneratorConfiguration()
    configuration.pathways = Self.all
    let error = #expect(throws: RecommenderError.self) { try GeneratorTraining(configuration) }
    #expect(error?.message.contains("pathways") == true && error?.message.contains("encoder-decoder") == true)
  }
}
