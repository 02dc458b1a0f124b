import BehaviorAlignment
import TestSupport
import Testing

@Suite("Positive feedback")
struct PositiveFeedbackTests {
  private static let csv = """
    user_id,item_id,timestamp,event,rating,weight
    u,a,1,view,5,
    u,b,2,like,,
    u,c,3,view,3.5,0.9
    u,d,4,,4,
    u,e,5,view,,0.2

    """

  private func marks(_ positive: PositiveFeedback?) throws -> [Bool] {
    var parameters = InteractionHistory.Parameters()
    parameters.positive = positive
    let history = try history(csv: Self.csv, items: ["a", "b", "c", "d", "e"], parameters: parameters)
    let events = history.events(ofUser: 0)
    #expect(events.items == [0, 1, 2, 3, 4] && events.times == [1, 2, 3, 4, 5])
    return Array(events.positives)
  }

  @Test func anEventThatMeetsOneOfTheCriteriaIsPositive() throws {
    #expect(try marks(nil) == [])
    #expect(try marks(PositiveFeedback(minimumRating: 4)) == [true, false, false, true, false])
    #expect(try marks(PositiveFeedback(minimumWeight: 0.5)) == [false, false, true, false, false])
    #expect(try marks(PositiveFeedback(events: ["like", "follow"])) == [false, true, false, false, false])
    #expect(
      try marks(PositiveFeedback(minimumRating: 5, minimumWeight: 0.2, events: ["like"])) == [
        true, true, true, false, true,
      ])
  }

  @Test func criteriaThatNoEventMeetsAreRefused() {
    for positive in [
      PositiveFeedback(minimumRating: 6), PositiveFeedback(minimumWeight: 2), PositiveFeedback(events: ["buy"]),
      PositiveFeedback(),
    ] { expectAlignmentError(.invalidParameter, "positive feedback", "lower them") { _ = try marks(positive) } }
  }

  @Test func marksGoWithTheirEvents() throws {
    // Out of order, with a repeat of event 2 and a limit of 3 events a user.
    var parameters = InteractionHistory.Parameters()
    parameters.maximumEventsPerUser = 3
    let history = try InteractionHistory(
      users: [0, 0, 0, 0, 0, 1], items: [3, 0, 2, 1, 1, 4], times: [9, 1, 5, 3, 4, 2],
      positives: [true, true, false, true, false, false], userCount: 2, itemCount: 5, parameters: parameters)
    let first = history.events(ofUser: 0), second = history.events(ofUser: 1)
    #expect(first == UserEvents(items: [1, 2, 3], times: [3, 5, 9], positives: [true, false, true]))
    #expect(second == UserEvents(items: [4], times: [2], positives: [false]))
    let fewer = try history.removing([false, false, true, false, false])
    #expect(fewer.events(ofUser: 0) == UserEvents(items: [1, 3], times: [3, 9], positives: [true, true]))
  }

  @Test func aLikeOfTheSameMomentCountsAndALaterOneDoesNot() throws {
    func marks(_ times: [Double], _ positives: ContiguousArray<Bool>) throws -> ContiguousArray<Bool> {
      try InteractionHistory(
        users: [0, 0], items: [2, 2], times: times, positives: positives, userCount: 1, itemCount: 3
      ).events(ofUser: 0).positives
    }
    #expect(try marks([4, 4], [false, true]) == [true])
    #expect(try marks([], [false, true]) == [true])
    #expect(try marks([4, 5], [false, true]) == [false])
    #expect(try marks([4, 5], [true, false]) == [true])
  }

  @Test func questionsHoldWhatIsKnownOfTheirEventsAndNothingOfWhatFollows() throws {
    let history = try InteractionHistory(
      users: [0, 0, 0, 0], items: [3, 1, 2, 0], times: [1, 2, 3, 4], positives: [true, false, true, true], userCount: 1,
      itemCount: 4)
    let split = try TrainingSplit(history, window: .leaveLast(2))
    let query = try #require(split.nextItemQueries(place: 2, maximumHistory: 2, withFeedback: true).first)
    #expect(
      query.history == [1, 2] && query.times == [2, 3] && query.positives == [false, true] && query.target == 0)
    let bare = try #require(split.nextItemQueries(place: 1).first)
    #expect(bare == NextItemQuery(user: 0, history: [3, 1], target: 2))
    #expect(split.trainingEvents(ofUser: 0) == UserEvents(items: [3, 1], times: [1, 2], positives: [true, false]))
  }
}
