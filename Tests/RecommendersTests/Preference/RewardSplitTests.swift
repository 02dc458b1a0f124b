import Recommenders
import TensorMath
import Testing

@Suite struct RewardSplitTests {
  private func events(_ seed: UInt64, users: Int = 20, perUser: Int = 30) -> [RewardEvent] {
    var random = RandomSource(seed: seed)
    return (0..<users * perUser).map { index in
      RewardEvent(
        user: Int32(index % users), item: UInt32.random(in: 0..<40, using: &random),
        // Some at the same time.
        time: Double(index / users / 2), rating: index % 7 == 0 ? nil : Float(Int.random(in: 1...5, using: &random)),
        name: index % 2 == 0 ? "buy" : "view")
    }
  }

  private func parameters(_ change: (inout RewardSplit.Parameters) -> Void = { _ in }) -> RewardSplit.Parameters {
    var parameters = RewardSplit.Parameters()
    change(&parameters)
    return parameters
  }

  @Test func sessionsOfOneCarryTheLabelsOfTheirEvent() throws {
    let events = events(1)
    let split = try RewardSplit(
      events, itemCount: 40, objectives: [.like, .love, RewardObjective("bought", .event(named: "buy"))],
      parameters: parameters { $0.maximumHistory = 1000 })
    #expect(split.training.count + split.validation.count + split.test.count == events.count)
    // Per user, in order: what the sessions should be.
    var place: [Int32: Int] = [:]
    for (part, isIn) in [
      (split.training, { $0 < split.cuts[0] }), (split.validation, { $0 >= split.cuts[0] && $0 < split.cuts[1] }),
      (split.test, { $0 >= split.cuts[1] }),
    ] as [(RewardSessions, (Double) -> Bool)] {
      for session in 0..<part.count {
        let user = part.users[session]
        let own = events.filter { $0.user == user }
        let event = own[place[user, default: 0]]
        place[user, default: 0] += 1
        #expect(isIn(event.time))
        #expect(Array(part.items(of: session)) == [event.item])
        #expect(Array(part.history(of: session)) == own.filter { $0.time < event.time }.map(\.item))
        #expect(part.label(of: session, 0) == event.rating.map { $0 >= 4 ? 1 : 0 })
        #expect(part.label(of: session, 1) == event.rating.map { $0 >= 5 ? 1 : 0 })
        #expect(part.label(of: session, 2) == (event.name == "buy" ? 1 : 0))
      }
    }
  }

  @Test func longerSessionsShareTheirLabels() throws {
    let events = events(2)
    let split = try RewardSplit(
      events, itemCount: 40, objectives: [.like, RewardObjective("bought", .event(named: "buy"))],
      parameters: parameters { $0.maximumSession = 4 })
    var (lengths, items): (Set<Int>, Int) = ([], 0)
    for session in 0..<split.training.count {
      let own = Array(split.training.items(of: session))
      lengths.insert(own.count)
      items += own.count
      guard let label = split.training.label(of: session, 0) else { continue }
      #expect(label >= 0 && label <= 1)
    }
    #expect(lengths == [1, 2, 3, 4])
    #expect(items == events.count { $0.time < split.cuts[0] })
    // What measures has one item.
    #expect((0..<split.test.count).allSatisfy { split.test.items(of: $0).count == 1 })
  }

  @Test func historiesHoldTheLatestOfWhatWasLikedBefore() throws {
    let events = events(3)
    let split = try RewardSplit(
      events, itemCount: 40, objectives: [.like],
      parameters: parameters {
        $0.historyRating = 4
        $0.maximumHistory = 3
      })
    for session in 0..<split.test.count {
      let history = split.test.history(of: session)
      #expect(history.count <= 3)
      let liked = events.filter { $0.user == split.test.users[session] && $0.rating.map { $0 >= 4 } ?? true }
      #expect(history.allSatisfy { item in liked.contains { $0.item == item } })
    }
  }

  @Test func whatWasNeverMetIsDrawn() throws {
    let events = events(4, perUser: 12)
    let split = try RewardSplit(
      events, itemCount: 40, objectives: [.met, .like], parameters: parameters { $0.drawnPerSession = 2 })
    var (real, drawn) = (0, 0)
    for session in 0..<split.training.count {
      let met = Set(events.filter { $0.user == split.training.users[session] }.map(\.item))
      let items = split.training.items(of: session)
      if split.training.label(of: session, 0) == 1 {
        real += 1
        #expect(items.allSatisfy(met.contains))
      } else {
        drawn += 1
        #expect(items.allSatisfy { !met.contains($0) })
        #expect(split.training.label(of: session, 1) == nil)
      }
    }
    #expect(real > 0 && drawn == 2 * real)
  }

  @Test func theSameSeedCutsTheSameSessions() throws {
    func split(_ seed: UInt64) throws -> RewardSplit {
      try RewardSplit(
        events(5), itemCount: 40, objectives: [.met],
        parameters: parameters {
          $0.maximumSession = 3
          $0.seed = seed
        })
    }
    #expect(try split(1).training == split(1).training)
    #expect(try split(1).training != split(2).training)
  }

  @Test func partsOfUsersAreDisjointAndCoverAll() {
    let users = (0..<2000).map { "user-\($0)" }
    #expect(users.allSatisfy { UserPart.all.contains($0) })
    #expect(users.allSatisfy { UserPart.firstHalf.contains($0) != UserPart.secondHalf.contains($0) })
    let half = users.count { UserPart.firstHalf.contains($0) }
    #expect(half > 900 && half < 1100)
    #expect(users.allSatisfy { user in (0..<5).count { UserPart($0, of: 5).contains(user) } == 1 })
  }

  @Test func whatIsOutOfRangeIsRefused() throws {
    let changes: [(inout RewardSplit.Parameters) -> Void] = [
      { $0.trainingShare = 0 }, { $0.validationShare = 0.3 }, { $0.maximumSession = 0 }, { $0.maximumHistory = 0 },
      { $0.drawnPerSession = 0 }, { $0.historyRating = .nan }, { $0.users = UserPart(2, of: 2) },
    ]
    for change in changes {
      let error = #expect(throws: RecommenderError.self) {
        try RewardSplit(events(1), itemCount: 40, objectives: [.like], parameters: parameters(change))
      }
      #expect(error?.code == .invalidParameter)
    }
    let lists: [[RewardObjective]] = [
      [], [.like, .like], [RewardObjective("x", .met, weight: -1)], [RewardObjective("x", .met, weight: 0)],
      [RewardObjective("x", .rating(atLeast: .nan))],
    ]
    for objectives in lists {
      let error = #expect(throws: RecommenderError.self) {
        try RewardSplit(events(1), itemCount: 40, objectives: objectives)
      }
      #expect(error?.code == .invalidParameter)
    }
    #expect(throws: RecommenderError.self) { try RewardSplit(events(1), itemCount: 4, objectives: [.like]) }
    let late = [RewardEvent(user: 0, item: 0, time: .nan, rating: 4)]
    #expect(throws: RecommenderError.self) { try RewardSplit(late, itemCount: 4, objectives: [.like]) }
  }

  @Test func aLogOfOneKindHasNothingToLearn() throws {
    let liked = events(1).map { event in
      var event = event
      event.rating = 5
      return event
    }
    let error = #expect(throws: RecommenderError.self) { try RewardSplit(liked, itemCount: 40, objectives: [.like]) }
    #expect(error?.code == .nothingToLearn && error?.message.contains("\"like\"") == true)
    _ = try RewardSplit(liked, itemCount: 40, objectives: [.met])
  }
}
