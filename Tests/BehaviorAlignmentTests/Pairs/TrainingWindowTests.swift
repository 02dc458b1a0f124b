import BehaviorAlignment
import TensorMath
import Testing

@Suite("Training windows")
struct TrainingWindowTests {
  private func timed(_ events: [(user: Int32, item: Int32, time: Double)]) throws -> InteractionHistory {
    try InteractionHistory(
      users: events.map(\.user), items: events.map(\.item), times: events.map(\.time), userCount: 3, itemCount: 9)
  }

  private func triples(_ pairs: HeldOutPairs) -> [[Int]] {
    (0..<pairs.count).map { [Int(pairs.triggers[$0]), Int(pairs.targets[$0]), Int(pairs.places[$0])] }
  }

  @Test func leavingTheLastHoldsOutOnePairPerUserAndPlace() throws {
    let split = try TrainingSplit(
      try history([[0, 1, 2, 3], [4, 5], [6, 7, 8], []], itemCount: 9), window: .leaveLast(2))
    #expect((0..<4).map { Array(split.trainingItems(ofUser: $0)) } == [[0, 1], [4, 5], [6], []])
    #expect((0..<4).map { Array(split.heldOutItems(ofUser: $0)) } == [[2, 3], [], [7, 8], []])
    #expect(triples(split.heldOutPairs()) == [[1, 2, 1], [2, 3, 2], [6, 7, 1], [7, 8, 2]])
    #expect(triples(split.heldOutPairs().at(place: 1)) == [[1, 2, 1], [6, 7, 1]])
    #expect(split.summary.trainingEvents == 5 && split.summary.heldOutEvents == 4)
    #expect(split.summary.trainingUsers == 3 && split.summary.heldOutUsers == 2 && split.summary.usersTooShort == 1)
    #expect(split.summary.trainingItems == 5 && split.summary.heldOutItems == 4)
    #expect(split.summary.heldOutEventsOfColdItems == 4 && split.summary.cut == nil)
  }

  @Test func aTimeCutsBeforeItself() throws {
    let history = try timed([(0, 1, 1), (0, 2, 5), (0, 3, 9), (1, 1, 5), (1, 4, 6), (2, 2, 1)])
    let split = try TrainingSplit(history, window: .until(5))
    #expect((0..<3).map { Array(split.trainingItems(ofUser: $0)) } == [[1], [], [2]])
    // User 1's first event has no event before it, so it is no one's target.
    #expect(triples(split.heldOutPairs()) == [[1, 2, 1], [2, 3, 2], [1, 4, 2]])
    #expect(split.summary.heldOutEventsOfColdItems == 2 && split.summary.cut == 5)
  }

  @Test func aFractionHoldsOutAllEventsOfTheCutsTime() throws {
    let history = try timed((0..<10).map { (Int32($0 % 3), Int32($0 % 7), Double(min($0, 7))) })
    let half = try TrainingSplit(history, window: .fraction(0.5))
    #expect(half.summary.trainingEvents == 5 && half.summary.cut == 5)
    let most = try TrainingSplit(history, window: .fraction(0.9))
    #expect(most.summary.trainingEvents == 7 && most.summary.cut == 7 && most.summary.heldOutEvents == 3)
  }

  @Test func everythingHoldsOutNothing() throws {
    let split = try everything([[0, 1], [2]], itemCount: 3)
    #expect(split.summary.trainingEvents == 3 && split.summary.heldOutEvents == 0)
    #expect(split.heldOutPairs().count == 0 && split.summary.usersTooShort == 0)
  }

  @Test func pairsComeFromTheTrainingWindowAlone() throws {
    var random = RandomSource(seed: 8)
    // Items 0 to 9 in training, 10 to 19 in what is held out.
    let rows = (0..<60).map { _ in
      (0..<6).map { _ in Int.random(in: 0..<10, using: &random) }
        + [10, 11].map { $0 + Int.random(in: 0..<4, using: &random) * 2 }
    }
    let split = try TrainingSplit(try history(rows, itemCount: 20), window: .leaveLast(2))
    let embeddings = Matrix(rows: 20, columns: 2, elements: ContiguousArray((0..<40).map { Float($0 % 7) + 1 }))
    for mined in [
      try SwingMiner().mine(split), try NearbyMiner().mine(split),
      try UserToItemMiner().mine(split, embeddings: embeddings),
    ] {
      #expect(!mined.table.isEmpty)
      #expect(mined.table.triggers.allSatisfy { $0 < 10 } && mined.table.targets.allSatisfy { $0 < 10 })
    }
  }

  @Test func windowsThatCannotBeAreRefused() throws {
    let plain = try history([[0, 1, 2]], itemCount: 3)
    let timed = try timed([(0, 1, 3), (0, 2, 3)])
    expectAlignmentError(.invalidWindow, "leaveLast is 0") { _ = try TrainingSplit(plain, window: .leaveLast(0)) }
    expectAlignmentError(.invalidWindow, "not ordered by timestamps", "leaveLast") {
      _ = try TrainingSplit(plain, window: .until(4))
    }
    expectAlignmentError(.invalidWindow, "not ordered by timestamps") {
      _ = try TrainingSplit(plain, window: .fraction(0.5))
    }
    expectAlignmentError(.invalidWindow, "none of the 2 interactions", "pairs.window") {
      _ = try TrainingSplit(timed, window: .until(1))
    }
    // All events have one time, and those of the cut's time are held out.
    expectAlignmentError(.invalidWindow, "none of the 2") { _ = try TrainingSplit(timed, window: .fraction(0.5)) }
    for share in [0, 1, -1, Double.nan] {
      expectAlignmentError(.invalidWindow, "fraction") { _ = try TrainingSplit(timed, window: .fraction(share)) }
    }
  }
}
