import BehaviorAlignment
import Testing

@Suite struct NextItemQueryTests {
  private func split(_ rows: [[Int]], leaving count: Int) throws -> TrainingSplit {
    try TrainingSplit(try history(rows, itemCount: 20), window: .leaveLast(count))
  }

  @Test func theSecondPlaceHasTheFirstInItsHistory() throws {
    let split = try split([[1, 2, 3, 4, 5]], leaving: 2)
    let validation = split.nextItemQueries(place: 1), test = split.nextItemQueries(place: 2)
    #expect(validation == [NextItemQuery(user: 0, history: [1, 2, 3], target: 4)])
    #expect(test == [NextItemQuery(user: 0, history: [1, 2, 3, 4], target: 5)])
    #expect(split.nextItemQueries(place: 3).isEmpty)
  }

  @Test func aLongHistoryKeepsItsEnd() throws {
    let query = try #require(
      try split([[1, 2, 3, 4, 5]], leaving: 2).nextItemQueries(place: 2, maximumHistory: 2).first)
    #expect(query.history == [3, 4])
  }

  @Test func aUserWithNothingHeldOutAsksNothing() throws {
    let split = try split([[1, 2], [3, 4, 5], []], leaving: 2)
    let queries = split.nextItemQueries(place: 1)
    #expect(queries.map(\.target) == [4])
  }

  @Test func aFirstEventIsNoOnesTarget() throws {
    let split = try TrainingSplit(try history([[7, 8, 9], [1, 2, 3, 4]], itemCount: 20), window: .leaveLast(3))
    // The first user has three events, which leaves none to hold out; the second keeps one.
    #expect(
      split.nextItemQueries(place: 1) == [
        NextItemQuery(user: split.nextItemQueries(place: 1)[0].user, history: [1], target: 2)
      ])
  }
}

@Suite struct ItemVocabularyTests {
  @Test func itemsWithTrainingEventsAreNumberedByRow() throws {
    let split = try TrainingSplit(try history([[5, 2, 9, 2, 7]], itemCount: 12), window: .leaveLast(1))
    let vocabulary = ItemVocabulary(split)
    #expect(Array(vocabulary.rows) == [2, 5, 9])
    #expect(Array(vocabulary.counts) == [2, 1, 1])
    #expect(vocabulary.number(ofRow: 9) == 2)
    #expect(vocabulary.number(ofRow: 7) == nil)
  }

  @Test func aLimitKeepsTheMostFrequent() throws {
    let split = try everything([[5, 2, 9, 2, 7, 9]], itemCount: 12)
    let vocabulary = ItemVocabulary(split, maximum: 3)
    #expect(Array(vocabulary.rows) == [2, 5, 9])
    #expect(vocabulary.number(ofRow: 7) == nil)
  }
}
