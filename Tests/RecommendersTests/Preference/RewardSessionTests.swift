import Recommenders
import TensorMath
import Testing

/// Sessions of several items against what their events say, event by event.
@Suite struct RewardSessionTests {
  private struct World {
    let events: [RewardEvent]
    let split: RewardSplit

    init(seed: UInt64, objectives: [RewardObjective], _ change: (inout RewardSplit.Parameters) -> Void) throws {
      var random = RandomSource(seed: seed)
      var events: [RewardEvent] = []
      // Each item once a user: an event is told by the two. Three items at a time.
      for item in 0..<50 {
        for user in 0..<10 as Range<Int32> {
          let rating = Float(Int.random(in: 1...5, using: &random))
          events.append(RewardEvent(user: user, item: UInt32(item), time: Double(item / 3), rating: rating))
        }
      }
      self.events = events
      var parameters = RewardSplit.Parameters()
      parameters.maximumHistory = 1000
      change(&parameters)
      split = try RewardSplit(
        events, itemCount: 50, objectives: objectives,
        parameters: parameters)
    }

    func event(_ user: Int32, _ item: UInt32) -> RewardEvent? { events.first { $0.user == user && $0.item == item } }
  }

  @Test(arguments: [1, 2, 5, 40])
  func everyEventIsInOneSessionOfItsPart(longest: Int) throws {
    let world = try World(seed: 1, objectives: [.like]) { $0.maximumSession = longest }
    var seen: [Int32: [UInt32]] = [:]
    for (index, part) in [world.split.training, world.split.validation, world.split.test].enumerated() {
      for session in 0..<part.count {
        let user = part.users[session], items = Array(part.items(of: session))
        #expect(items.count >= 1 && items.count <= (index == 0 ? longest : 1))
        seen[user, default: []] += items
        for item in items {
          let time = try #require(world.event(user, item)).time
          #expect(world.split.cuts.count { $0 <= time } == index)
        }
      }
    }
    for user in 0..<10 as Range<Int32> { #expect(seen[user] == Array(0..<50)) }
  }

  @Test func aHistoryEndsBeforeItsSessionsFirstEvent() throws {
    let world = try World(seed: 2, objectives: [.like]) { $0.maximumSession = 4 }
    for session in 0..<world.split.training.count {
      let user = world.split.training.users[session]
      let first = try #require(world.split.training.items(of: session).first)
      let start = try #require(world.event(user, first)).time
      let expected = world.events.filter { $0.user == user && $0.time < start }.map(\.item)
      #expect(Array(world.split.training.history(of: session)) == expected)
    }
  }

  @Test func aSessionsLabelIsTheShareOfItsItems() throws {
    let world = try World(seed: 3, objectives: [.love, .like]) { $0.maximumSession = 6 }
    for session in 0..<world.split.training.count {
      let user = world.split.training.users[session]
      let events = world.split.training.items(of: session).compactMap { world.event(user, $0) }
      let ratings = events.compactMap(\.rating)
      for (place, least) in [0: Float(5), 1: 4] {
        let share = Float(ratings.count { $0 >= least }) / Float(ratings.count)
        #expect(abs(try #require(world.split.training.label(of: session, place)) - share) < 1e-6)
      }
    }
  }

  @Test func drawnSessionsAreAsLongAsTheRealOnes() throws {
    var random = RandomSource(seed: 5)
    let events = (0..<600).map { index in
      RewardEvent(user: Int32(index % 20), item: UInt32.random(in: 0..<300, using: &random), time: Double(index / 20))
    }
    var parameters = RewardSplit.Parameters()
    (parameters.maximumSession, parameters.drawnPerSession) = (3, 3)
    let split = try RewardSplit(events, itemCount: 300, objectives: [.met], parameters: parameters)
    var last = 0
    for session in 0..<split.training.count {
      let items = split.training.items(of: session)
      if split.training.label(of: session, 0) == 1 { last = items.count } else { #expect(items.count == last) }
    }
    #expect((0..<split.training.count).count { split.training.label(of: $0, 0) == 0 } * 4 == split.training.count * 3)
    // Only what was met in the same part is drawn.
    let late = Set(events.filter { $0.time >= split.cuts[1] }.map(\.item))
    for session in 0..<split.test.count { #expect(split.test.items(of: session).allSatisfy(late.contains)) }
  }
}
