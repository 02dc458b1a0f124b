import BehaviorAlignment
import TensorMath
import Testing

/// What holds of every cut of a log, and of every split of its pairs.
@Suite struct SplitPropertyTests {
  private static func log(_ seed: UInt64) throws -> InteractionHistory {
    var random = RandomSource(seed: seed)
    let count = 300
    return try InteractionHistory(
      users: (0..<count).map { _ in Int32.random(in: 0..<40, using: &random) },
      items: (0..<count).map { _ in Int32.random(in: 0..<60, using: &random) },
      times: (0..<count).map { _ in Double(Int.random(in: 0..<100, using: &random)) }, userCount: 45, itemCount: 64)
  }

  private static let windows: [TrainingWindow] = [
    .everything, .leaveLast(1), .leaveLast(4), .leaveLast(1000), .until(50), .until(1e9), .fraction(0.3),
    .fraction(0.95),
  ]

  @Test(arguments: windows.indices)
  func everyEventIsLearnedFromOrHeldOut(index: Int) throws {
    let history = try Self.log(UInt64(index)), split = try TrainingSplit(history, window: Self.windows[index])
    var counts = [UInt32](repeating: 0, count: history.itemCount), heldOut: [UInt32] = []
    var (users, heldOutUsers) = (0, 0)
    for user in 0..<history.userCount {
      let training = split.trainingItems(ofUser: user), rest = split.heldOutItems(ofUser: user)
      #expect(Array(training) + Array(rest) == Array(history.items(ofUser: user)))
      for item in training { counts[Int(item)] += 1 }
      heldOut += rest
      users += training.isEmpty ? 0 : 1
      heldOutUsers += rest.isEmpty ? 0 : 1
    }
    #expect(Array(split.itemEventCounts()) == counts)
    let summary = split.summary
    #expect(summary.trainingEvents == history.count - heldOut.count && summary.heldOutEvents == heldOut.count)
    #expect(summary.trainingUsers == users && summary.heldOutUsers == heldOutUsers)
    #expect(summary.trainingItems == counts.count { $0 > 0 } && summary.heldOutItems == Set(heldOut).count)
    #expect(summary.heldOutEventsOfColdItems == heldOut.count { counts[Int($0)] == 0 })
  }

  @Test(arguments: windows.indices)
  func aCutInTimeIsOneForAllUsers(index: Int) throws {
    let history = try Self.log(UInt64(index)), split = try TrainingSplit(history, window: Self.windows[index])
    guard let cut = split.summary.cut else {
      // Windows by place have none.
      #expect([0, 1, 2, 3].contains(index))
      return
    }
    for user in 0..<history.userCount {
      let training = split.trainingEvents(ofUser: user).times, all = history.events(ofUser: user).times
      #expect(training.allSatisfy { $0 < cut })
      #expect(all.dropFirst(training.count).allSatisfy { $0 >= cut })
    }
  }

  @Test(arguments: windows.indices)
  func heldOutPairsLeadToEveryHeldOutEventButAUsersFirst(index: Int) throws {
    let history = try Self.log(UInt64(index)), split = try TrainingSplit(history, window: Self.windows[index])
    var expected: [[Int]] = []
    for user in 0..<history.userCount {
      let items = Array(history.items(ofUser: user)), start = split.trainingItems(ofUser: user).count
      for place in max(1, start)..<max(1, start, items.count) {
        expected.append([Int(items[place - 1]), Int(items[place]), place - start + 1])
      }
    }
    let pairs = split.heldOutPairs()
    #expect(pairs.count == expected.count)
    #expect(
      (0..<pairs.count).map { [Int(pairs.triggers[$0]), Int(pairs.targets[$0]), Int(pairs.places[$0])] } == expected)
    // Places part the pairs.
    let places = Set(pairs.places.map { Int($0) })
    #expect(places.reduce(0) { $0 + pairs.at(place: $1).count } == pairs.count && pairs.at(place: 0).count == 0)
  }

  @Test func placesBeyondTheLastThatIsToldApartAreOne() throws {
    let row = (0..<66_010).map { $0 % 2 }
    let pairs = try TrainingSplit(
      try history([row], itemCount: 2, maximum: 100_000), window: .leaveLast(66_000)
    ).heldOutPairs()
    #expect(pairs.count == 66_000 && pairs.at(place: 65_534).count == 1)
    // 65,535 to 66,000.
    #expect(pairs.at(place: 65_535).count == 466)
    #expect(pairs.at(place: 65_536).count == 0)
  }

  @Test func aWindowThatLeavesNothingSaysWhichAndWhatToDo() throws {
    let log = try Self.log(1)
    expectAlignmentError(.invalidWindow, "holds none of the", "widen pairs.window") {
      _ = try TrainingSplit(log, window: .until(-1))
    }
    for share in [0, 1, -0.5, Double.nan] {
      expectAlignmentError(.invalidWindow, "fraction is \(share), expected a number between 0 and 1") {
        _ = try TrainingSplit(log, window: .fraction(share))
      }
    }
    expectAlignmentError(.invalidWindow, "leaveLast is -2, expected at least 1") {
      _ = try TrainingSplit(log, window: .leaveLast(-2))
    }
    let untimed = try history([[0, 1]], itemCount: 2)
    expectAlignmentError(.invalidWindow, "not ordered by timestamps", "use leaveLast for pairs.window") {
      _ = try TrainingSplit(untimed, window: .fraction(0.5))
    }
  }

  private static func key(_ first: UInt32, _ second: UInt32) -> [UInt32] { [min(first, second), max(first, second)] }

  private static func keys(_ table: PairTable) -> Set<[UInt32]> {
    Set((0..<table.count).map { key(table.triggers[$0], table.targets[$0]) })
  }

  @Test func nothingOrAllOfThePairsMayBeTaken() {
    var random = RandomSource(seed: 9)
    let table = randomTable(150, items: 25, using: &random)
    for share in [0, -3.0] {
      let (training, validation) = table.splittingValidation(share: share, seed: 1)
      #expect(training == table && validation.count == 0)
    }
    for share in [1, 7.5] {
      let (training, validation) = table.splittingValidation(share: share, seed: 1)
      #expect(training.isEmpty && training.itemCount == 25 && validation.count == Self.keys(table).count)
    }
  }

  @Test func whetherAPairIsTakenDependsOnItAndTheSeedAlone() {
    var random = RandomSource(seed: 10)
    let table = randomTable(300, items: 25, using: &random)
    let (training, validation) = table.splittingValidation(share: 0.4, seed: 5)
    let kept = Self.keys(training)
    let taken = Set((0..<validation.count).map { Self.key(validation.triggers[$0], validation.targets[$0]) })
    #expect(kept.isDisjoint(with: taken) && kept.union(taken) == Self.keys(table))
    #expect(taken.count == validation.count && validation.places.allSatisfy { $0 == 1 })
    // Among fewer pairs the same are taken.
    let part = PairTable(itemCount: 25, stride(from: 0, to: table.count, by: 3).map { table[$0] })
    #expect(Self.keys(part.splittingValidation(share: 0.4, seed: 5).training) == Self.keys(part).intersection(kept))
    // A larger share takes those and more.
    #expect(Self.keys(table.splittingValidation(share: 0.7, seed: 5).training).isStrictSubset(of: kept))
    #expect(Self.keys(table.splittingValidation(share: 0.4, seed: 6).training) != kept)
    // What is not measured on is not learned from either.
    let few = table.splittingValidation(share: 0.4, limit: 7, seed: 5)
    #expect(few.training == training && few.validation.count == 7)
    #expect(few.validation.triggers == ContiguousArray(validation.triggers.prefix(7)))
  }

  @Test func thinningKeepsOrderPlacesAndShortLists() throws {
    let pairs = try TrainingSplit(try history([Array(0..<11)], itemCount: 11), window: .leaveLast(10)).heldOutPairs()
    #expect(pairs.thinned(to: 10) == pairs && pairs.thinned(to: 99) == pairs)
    // No limit is none.
    #expect(pairs.thinned(to: 0) == pairs && pairs.thinned(to: -1) == pairs)
    #expect(Array(pairs.thinned(to: 3).places) == [1, 4, 7])
    #expect(Array(pairs.thinned(to: 3).triggers) == [0, 3, 6])
    #expect(Array(pairs.thinned(to: 1).targets) == [1])
  }
}
