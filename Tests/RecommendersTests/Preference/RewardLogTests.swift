import Foundation
import ItemCatalog
import Recommenders
import TestSupport
import Testing

@Suite struct RewardLogTests {
  /// Forty users who rate the items of a small catalogue, and one item that it does not have.
  private func withLog<Result>(
    header: String = "user_id,item_id,rating,timestamp,event",
    _ body: (InteractionLog, IdentifierTable) throws -> Result
  ) throws -> Result {
    try withTemporaryDirectory { folder in
      var lines = [header], catalog = IdentifierTable()
      for item in 0..<12 { _ = catalog.insert("item-\(item)") }
      for index in 0..<400 {
        let item = index % 13, rating = index % 3 == 0 ? "" : "\(index % 5 + 1)"
        lines.append("user-\(index * 7 % 40),item-\(item),\(rating),\(index),\(index % 2 == 0 ? "buy" : "view")")
      }
      try lines.joined(separator: "\n").write(toFile: folder + "/log.csv", atomically: true, encoding: .utf8)
      return try body(try InteractionReader().read([folder + "/log.csv"]), catalog)
    }
  }

  private let objectives = [RewardObjective.like, RewardObjective("bought", .event(named: "buy"))]

  private func users(_ split: RewardSplit) -> Set<Int32> {
    Set([split.training, split.validation, split.test].flatMap(\.users))
  }

  private func count(_ split: RewardSplit) -> Int {
    [split.training, split.validation, split.test].reduce(0) { $0 + $1.count }
  }

  @Test func halvesOfTheUsersShareNone() throws {
    try withLog { log, catalog in
      func split(_ part: UserPart) throws -> RewardSplit {
        var parameters = RewardSplit.Parameters()
        parameters.users = part
        return try RewardSplit(log, catalog: catalog, objectives: objectives, parameters: parameters)
      }
      let all = try split(.all), first = try split(.firstHalf), second = try split(.secondHalf)
      #expect(users(first).isDisjoint(with: users(second)))
      #expect(users(first).union(users(second)) == users(all))
      #expect(count(first) + count(second) == count(all))
      for user in users(first) { #expect(UserPart.firstHalf.contains(log.users[Int(user)])) }
      // Every thirteenth event is on an item that the catalogue does not have.
      #expect(count(all) == log.count - log.itemIndices.count { log.items[Int($0)] == "item-12" })
    }
  }

  @Test func ratingsAndNamesOfEventsBecomeLabels() throws {
    try withLog { log, catalog in
      let split = try RewardSplit(log, catalog: catalog, objectives: objectives)
      var (rated, bought) = (0, 0)
      for part in [split.training, split.validation, split.test] {
        for session in 0..<part.count {
          rated += part.label(of: session, 0) == nil ? 0 : 1
          bought += part.label(of: session, 1) == 1 ? 1 : 0
        }
      }
      let known = (0..<log.count).filter { log.items[Int(log.itemIndices[$0])] != "item-12" }
      #expect(rated == known.count { log.ratings[$0] != nil })
      #expect(bought == known.count { log[$0].event == "buy" })
    }
  }

  @Test func aLogWithoutTimesIsRefused() throws {
    try withLog(header: "user_id,item_id,rating,position,event") { log, catalog in
      let error = #expect(throws: RecommenderError.self) {
        try RewardSplit(log, catalog: catalog, objectives: objectives)
      }
      #expect(error?.code == .invalidParameter && error?.message.contains("timestamp") == true)
    }
  }
}
