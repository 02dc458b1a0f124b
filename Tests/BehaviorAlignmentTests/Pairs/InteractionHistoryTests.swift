import BehaviorAlignment
import ItemCatalog
import TensorMath
import TestSupport
import Testing

@Suite("Histories of users")
struct InteractionHistoryTests {
  private func rows(_ history: InteractionHistory) -> [[UInt32]] {
    (0..<history.userCount).map { Array(history.items(ofUser: $0)) }
  }

  @Test func eventsAreGroupedByUserInOrder() throws {
    let history = try InteractionHistory(
      users: [1, 0, 1, 0, 1], items: [4, 2, 3, 0, 1], userCount: 3, itemCount: 5)
    #expect(rows(history) == [[2, 0], [4, 3, 1], []])
    #expect(history.count == 5 && history.userCount == 3 && !history.hasTimes)
    #expect(history.summary.users == 2 && history.summary.items == 5 && history.summary.events == 5)
  }

  @Test func timesOrderAUsersEventsAndEqualOnesStayAsTheyCame() throws {
    let history = try InteractionHistory(
      users: [0, 0, 0, 0], items: [3, 2, 1, 0], times: [7, 5, 7, 5], userCount: 1, itemCount: 4)
    #expect(rows(history) == [[2, 0, 3, 1]])
  }

  @Test func equalTimestampsFollowPositionThenFileOrder() throws {
    let history = try history(
      csv: "user_id,item_id,timestamp,position\nu,a,10,2\nu,b,10,1\nu,c,5,9\nu,d,10,1\n", items: ["a", "b", "c", "d"])
    #expect(rows(history) == [[2, 1, 3, 0]])
  }

  @Test func theOrderOfTheFileDoesNotMatterWhereTimesDiffer() throws {
    var random = RandomSource(seed: 5)
    let names = (0..<9).map { "item \($0)" }
    var lines = (0..<200).map { time in
      "user \(Int.random(in: 0..<20, using: &random)),\(names.randomElement(using: &random)!),\(time)"
    }
    func built() throws -> InteractionHistory {
      try history(csv: "user_id,item_id,timestamp\n" + lines.joined(separator: "\n") + "\n", items: names)
    }
    let first = try built()
    let mined = try SwingMiner().mine(try TrainingSplit(first, window: .fraction(0.8))).table
    for _ in 0..<3 {
      lines.shuffle(using: &random)
      let shuffled = try built()
      #expect(rows(shuffled) == rows(first) && shuffled.summary == first.summary)
      #expect(try SwingMiner().mine(try TrainingSplit(shuffled, window: .fraction(0.8))).table == mined)
    }
    #expect(!mined.isEmpty)
  }

  @Test func positionsOrderALogWithoutTimes() throws {
    let history = try history(csv: "user_id,item_id,position\nu,a,2\nu,b,0\nv,a,1\n", items: ["a", "b"])
    #expect(!history.hasTimes && history.count == 3)
    #expect(rows(history).sorted { $0.count < $1.count } == [[0], [1, 0]])
  }

  @Test func eventsOfUnknownItemsAreCountedAndDropped() throws {
    let history = try history(
      csv: "user_id,item_id,timestamp\nu,a,1\nu,x,2\nv,y,3\nu,b,4\n", items: ["b", "a", "c"])
    #expect(history.summary.unknownItemEvents == 2 && history.summary.users == 1)
    #expect(history.userCount == 2 && history.itemCount == 3 && history.count == 2)
    #expect(rows(history).contains([1, 0]))
  }

  @Test func repeatsOfTheEventBeforeAreDroppedAndReturnsAreKept() throws {
    let history = try history([[1, 1, 2, 1, 1, 1], [1]], itemCount: 3)
    #expect(rows(history) == [[1, 2, 1], [1]])
    #expect(history.summary.repeatedEvents == 3 && history.summary.events == 4)
  }

  @Test func theEarlierOfRepeatedEventsStays() throws {
    let history = try InteractionHistory(
      users: [0, 0, 0], items: [1, 0, 0], times: [9, 3, 5], userCount: 1, itemCount: 2)
    let split = try TrainingSplit(history, window: .until(4))
    #expect(Array(split.trainingItems(ofUser: 0)) == [0] && Array(split.heldOutItems(ofUser: 0)) == [1])
  }

  @Test func aUserOfAMillionEventsKeepsTheLatest() throws {
    let count = 1_000_000
    let history = try InteractionHistory(
      users: Array(repeating: 1, count: count) + [0, 2], items: (0..<count).map { Int32($0 % 1000) } + [5, 6],
      userCount: 3, itemCount: 1000)
    #expect(history.items(ofUser: 1).count == 4096 && history.items(ofUser: 1).last == 999)
    #expect(history.items(ofUser: 1).first == UInt32((count - 4096) % 1000))
    #expect(rows(history)[0] == [5] && rows(history)[2] == [6])
    #expect(history.summary.eventsBeyondMaximum == count - 4096 && history.summary.usersBeyondMaximum == 1)
  }

  @Test func everyEventIsCountedOnce() throws {
    var random = RandomSource(seed: 3)
    for _ in 0..<50 {
      let count = Int.random(in: 1...300, using: &random)
      let users = (0..<count).map { _ in Int32.random(in: 0..<6, using: &random) }
      let items = [Int32(0)] + (1..<count).map { _ in Int32.random(in: -1..<8, using: &random) }
      var parameters = InteractionHistory.Parameters()
      parameters.maximumEventsPerUser = Int.random(in: 1...30, using: &random)
      let history = try InteractionHistory(
        users: users, items: items, userCount: 6, itemCount: 8, parameters: parameters)
      let summary = history.summary
      #expect(
        summary.events + summary.unknownItemEvents + summary.repeatedEvents + summary.eventsBeyondMaximum == count)
      for user in 0..<6 {
        var expected = zip(users, items).filter { $0.0 == user && $0.1 >= 0 }.map { UInt32($0.1) }
        expected = expected.indices.filter { $0 == 0 || expected[$0 - 1] != expected[$0] }.map { expected[$0] }
        #expect(Array(history.items(ofUser: user)) == expected.suffix(parameters.maximumEventsPerUser))
      }
    }
  }

  @Test func aLogWithoutEventsSaysWhatToDo() {
    expectAlignmentError(.noInteractions, "no interactions", "remove 'pairs'") {
      _ = try InteractionHistory(users: [], items: [], userCount: 0, itemCount: 3)
    }
    expectAlignmentError(.noInteractions, "none of the 2 interactions", "item_id") {
      _ = try InteractionHistory(users: [0, 0], items: [-1, -1], userCount: 1, itemCount: 3)
    }
    expectAlignmentError(.noInteractions, "none of the 1 interactions") {
      _ = try history(csv: "user_id,item_id,timestamp\nu,a,1\n", items: ["b"])
    }
    expectAlignmentError(.invalidParameter, "maximumEventsPerUser is 0") {
      _ = try history([[1]], itemCount: 2, maximum: 0)
    }
  }
}
