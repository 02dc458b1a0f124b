import Foundation
import ItemCatalog
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct RankingSplitTests {
  private typealias Event = RankingSplit.Event

  private func event(_ user: Int32, _ item: UInt32, _ time: Double, _ label: Float) -> Event {
    Event(user: user, item: item, time: time, label: label)
  }

  private func randomEvents(_ count: Int, seed: UInt64) -> [Event] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { _ in
      event(
        Int32.random(in: 0..<12, using: &random), UInt32.random(in: 0..<30, using: &random),
        Double(Int.random(in: 0..<60, using: &random)), random.nextUniform() < 0.5 ? 1 : 0)
    }
  }

  private func flat(_ examples: RankingExamples) -> [[UInt32]] {
    (0..<examples.count).map { example in
      [UInt32(examples.users[example]), examples.items[example], UInt32(examples.labels[example])]
        + examples.history(of: example)
    }
  }

  @Test func examplesAreCutByTimeWithTheLikesBeforeThem() throws {
    let events = randomEvents(600, seed: 4)
    var parameters = RankingSplit.Parameters()
    parameters.maximumHistory = 5
    let split = try RankingSplit(events, userCount: 12, itemCount: 30, parameters: parameters)
    let times = events.map(\.time).sorted(), cuts = [times[480], times[540]]
    #expect(split.summary.cuts == cuts)
    let ranges = [-1..<cuts[0], cuts[0]..<cuts[1], cuts[1]..<1000]
    for (part, range) in zip([split.training, split.validation, split.test], ranges) {
      let ordered = events.enumerated().filter { range.contains($0.element.time) }
        .sorted { ($0.element.user, $0.element.time, $0.offset) < ($1.element.user, $1.element.time, $1.offset) }
      let expected = ordered.map { _, example -> [UInt32] in
        let likes = events.enumerated()
          .filter { $0.element.user == example.user && $0.element.time < example.time && $0.element.label == 1 }
          .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
        return [UInt32(example.user), example.item, UInt32(example.label)] + likes.map(\.element.item).suffix(5)
      }
      #expect(flat(part) == expected)
    }
  }

  @Test func eventsAtOneTimeAreNotInOneAnothersHistory() throws {
    let events = [event(0, 1, 1, 1), event(0, 2, 1, 1), event(0, 3, 2, 0), event(0, 4, 9, 1), event(0, 5, 9, 0)]
    var parameters = RankingSplit.Parameters()
    (parameters.trainingShare, parameters.validationShare) = (0.6, 0)
    let split = try RankingSplit(events, userCount: 1, itemCount: 6, parameters: parameters)
    #expect(flat(split.training) == [[0, 1, 1], [0, 2, 1], [0, 3, 0, 1, 2]])
    #expect(flat(split.test) == [[0, 4, 1, 1, 2], [0, 5, 0, 1, 2]])
    #expect(split.validation.count == 0 && split.validation.positiveShare == nil)
    #expect(Array(split.training.countsByItem()) == [0, 1, 1, 1, 0, 0])
  }

  @Test(arguments: [Float.nan, 0.5, 2, -1])
  func aLabelOtherThanZeroAndOneIsRefused(label: Float) {
    var events = randomEvents(50, seed: 1)
    events[17].label = label
    let error = #expect(throws: RecommenderError.self) { try RankingSplit(events, userCount: 12, itemCount: 30) }
    #expect(error?.code == .invalidParameter && error?.message.contains("event 17 has the label") == true)
  }

  @Test func timesAndNumbersOutOfRangeAreNamed() {
    var late = randomEvents(50, seed: 1), foreign = late
    late[3].time = .nan
    foreign[4].item = 30
    let error = #expect(throws: RecommenderError.self) { try RankingSplit(late, userCount: 12, itemCount: 30) }
    #expect(error?.code == .invalidParameter && error?.message.contains("event 3 has the time") == true)
    let unknown = #expect(throws: RecommenderError.self) { try RankingSplit(foreign, userCount: 12, itemCount: 30) }
    #expect(unknown?.code == .unknown && unknown?.message.contains("event 4") == true)
  }

  @Test func aPartOfOneKindIsNothingToLearnFrom() {
    let likes = (0..<40).map { event(0, 1, Double($0), 1) }
    for events in [[], likes] {
      let error = #expect(throws: RecommenderError.self) { try RankingSplit(events, userCount: 1, itemCount: 2) }
      #expect(error?.code == .nothingToLearn && error?.message.contains("both kinds") == true)
    }
  }

  @Test(arguments: [(0.0, 0.1, 5), (0.8, 0.2, 5), (0.8, -0.1, 5), (0.8, 0.1, 0), (Double.nan, 0.1, 5)])
  func unusableParametersAreRefused(training: Double, validation: Double, history: Int) {
    var parameters = RankingSplit.Parameters()
    (parameters.trainingShare, parameters.validationShare) = (training, validation)
    parameters.maximumHistory = history
    let events = randomEvents(50, seed: 1)
    let error = #expect(throws: RecommenderError.self) {
      try RankingSplit(events, userCount: 12, itemCount: 30, parameters: parameters)
    }
    #expect(error?.code == .invalidParameter)
  }

  private func log(_ text: String) throws -> InteractionLog {
    try withTemporaryDirectory { folder in
      try text.write(toFile: folder + "/log.csv", atomically: true, encoding: .utf8)
      return try InteractionReader().read([folder + "/log.csv"])
    }
  }

  @Test func aLogsRatingsBecomeLikes() throws {
    let lines = (0..<20).map { "u\($0 % 2),\($0 % 3),\($0 == 4 ? "" : "\($0 % 5 + 1)"),\($0)" }
    let log = try log("user_id,item_id,rating,timestamp\n" + lines.joined(separator: "\n") + "\nu0,9,5,20\n")
    var catalog = IdentifierTable()
    for item in 0..<3 { _ = catalog.insert("\(item)") }
    var parameters = RankingSplit.Parameters()
    (parameters.trainingShare, parameters.validationShare) = (0.5, 0.2)
    let split = try RankingSplit(log, catalog: catalog, parameters: parameters)
    #expect(split.summary.unknownItemEvents == 1 && split.summary.unratedEvents == 1)
    #expect(split.training.count + split.validation.count + split.test.count == 19)
    #expect(split.training.labels.count { $0 == 1 } == 3)
    let none = #expect(throws: RecommenderError.self) {
      try RankingSplit(log, catalog: IdentifierTable(), parameters: parameters)
    }
    #expect(none?.code == .nothingToLearn)
  }

  @Test func aLogWithoutTimesIsRefused() throws {
    let log = try log("user_id,item_id,position,rating\na,1,0,5\na,2,1,1\n")
    let error = #expect(throws: RecommenderError.self) { try RankingSplit(log, catalog: log.items) }
    #expect(error?.code == .invalidParameter && error?.message.contains("by time") == true)
  }

  @Test(.enabled(if: realData("movielens") != nil, "no MovieLens: set TESSERA_DATA to the folder of the sets"))
  func movieLensIsCutByTime() throws {
    let folder = try #require(realData("movielens"))
    let log = try InteractionReader().read([folder + "/interactions.csv"])
    let split = try RankingSplit(log, catalog: log.items)
    #expect(split.training.count + split.validation.count + split.test.count == 591_063)
    #expect(abs(split.training.count - 472_850) < 100)
    // The set is no uniform sample below four stars: its dislikes come late.
    let liked = try [split.training, split.test].map { try #require($0.positiveShare) }
    #expect(abs(liked[0] - 0.963) < 0.01 && liked[1] < 0.7)
  }
}
