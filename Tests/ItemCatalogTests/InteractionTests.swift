import Foundation
import ItemCatalog
import TensorMath
import Testing

@Suite("Behavior logs")
struct InteractionTests {
  func read(_ text: String, name: String = "log.csv", minimumRating: Double? = nil) throws -> (
    InteractionLog, [Rejection]
  ) {
    try withCatalogFixture { fixture in
      let path = try fixture.write(text, to: name)
      let log = try InteractionReader(minimumRating: minimumRating).read(
        [path], rejectedTo: fixture.folder + "/r.jsonl")
      let lines = try String(contentsOfFile: fixture.folder + "/r.jsonl", encoding: .utf8).split(separator: "\n")
      return (log, try lines.map { try JSONDecoder().decode(Rejection.self, from: Data($0.utf8)) })
    }
  }

  func events(_ log: InteractionLog) -> [Interaction] { (0..<log.count).map { log[$0] } }

  @Test func everyColumnIsRead() throws {
    let (log, rejected) = try read(
      "event,user_id,note,item_id,timestamp,position,rating,weight\nview,u,x,i,10.5,3,4.5,0.25\n,v,,i,11,4,,\n")
    #expect(
      events(log) == [
        Interaction(userID: "u", itemID: "i", timestamp: 10.5, position: 3, event: "view", rating: 4.5, weight: 0.25),
        Interaction(userID: "v", itemID: "i", timestamp: 11, position: 4),
      ])
    #expect(rejected.isEmpty && log.users.count == 2 && log.items.count == 1 && log.itemIndices == [0, 0])
    #expect(log.ratings[0] == 4.5 && log.ratings[1] == nil && !log.ratings.isComplete && !log.ratings.isEmpty)
  }

  @Test func jsonLinesReadLikeCSV() throws {
    let (log, rejected) = try read(
      """
      {"user_id": 1, "item_id": "a", "timestamp": 5, "rating": null, "context": {"page": [1]}}
      {"user_id": "1", "item_id": 7, "timestamp": 4, "event": "buy", "weight": 2}
      {"user_id": "1", "item_id": "a"}
      {"user_id": "1", "item_id": 1.5, "timestamp": 1}
      {"user_id": "1", "item_id": "a", "timestamp": "now"}
      {"user_id": "1", "item_id": "a", "item_id": "b", "timestamp": 1}
      """, name: "log.jsonl")
    #expect(events(log).map(\.itemID) == ["7", "a"] && log.users.count == 1)
    #expect(events(log).first?.event == "buy" && events(log).first?.weight == 2)
    #expect(rejected.map(\.line) == [3, 4, 5, 6])
    #expect(rejected.map(\.reason) == ["missing", "wrong_type", "wrong_type", "duplicate_key"])
  }

  @Test func theOrderIsTimeThenPositionThenFile() throws {
    let (log, _) = try read(
      "user_id,item_id,timestamp,position\nu,a,20,0\nu,b,10,2\nu,c,10,1\nu,d,10,1\nu,e,5,9\n")
    #expect(log.ordering == .timestamp && events(log).map(\.itemID) == ["e", "c", "d", "b", "a"])
    #expect(events(log).map(\.position) == [9, 1, 1, 2, 0])
  }

  /// Both are kept in single precision.
  @Test(arguments: ["rating", "weight"]) func numbersThatSinglePrecisionCannotHoldAreRejected(field: String) throws {
    let largest = "\(Double(Float.greatestFiniteMagnitude))"
    let (log, rejected) = try read(
      "user_id,item_id,position,\(field)\nu,a,1,1e39\nu,b,2,-1e39\nu,c,3,\(largest)\nu,d,4,1e-60\n")
    #expect(log.count == 2 && rejected.map(\.line) == [2, 3])
    #expect(rejected.allSatisfy { $0.field == field && $0.reason == "invalid_number" })
    #expect(rejected.map(\.found) == ["1e39", "-1e39"])
  }

  @Test func positionsOrderWhereTimesAreIncomplete() throws {
    let (log, rejected) = try read("user_id,item_id,position,rating,timestamp\nu,a,2,,\nu,b,0,5,99\nu,c,1,,\n")
    #expect(log.ordering == .position && events(log).map(\.itemID) == ["b", "c", "a"] && rejected.isEmpty)
    let (mixed, _) = try read("user_id,item_id,position,timestamp\nu,a,,5\nu,b,0,\nu,c,1,1\n")
    #expect(mixed.ordering == .file && events(mixed).map(\.itemID) == ["a", "b", "c"])
  }

  @Test func aMinimumRatingLeavesOutLowAndUnknownOnes() throws {
    let text = "user_id,item_id,timestamp,rating\nu,a,1,5\nu,b,2,3.5\nv,c,3,\nu,d,4,4\n"
    let (log, rejected) = try read(text, minimumRating: 4)
    #expect(events(log).map(\.itemID) == ["a", "d"] && rejected.isEmpty)
    #expect(log.summary.belowMinimumRating == 2 && log.summary.users == 1 && log.summary.interactions == 2)
    #expect(log.summary.rejectedFraction == 0)
    #expect(try read(text).0.count == 4)
  }

  @Test(arguments: [
    (",a,1,", "user_id", "missing"), ("u,,1,", "item_id", "missing"), ("u,a,x,", "timestamp", "invalid_number"),
    ("u,a,1e999,", "timestamp", "invalid_number"), ("u,a,,", "timestamp", "missing"), ("u,a,1", "", "invalid_row"),
    ("u,a,1,many", "rating", "invalid_number"), ("u,a,2024-01-01,", "timestamp", "invalid_number"),
    ("u,\"a\nb\",1,", "item_id", "control_character"), ("u,a,1,2,3", "", "invalid_row"),
  ])
  func wrongRowsAreRejectedAlone(row: String, field: String, reason: String) throws {
    let (log, rejected) = try read("user_id,item_id,timestamp,rating\nu,good,1,\n\(row)\nu,fine,2,\n")
    #expect(events(log).map(\.itemID) == ["good", "fine"])
    #expect(rejected.map(\.field) == [field] && rejected.map(\.reason) == [reason] && rejected.map(\.line) == [3])
    #expect(log.summary.rejected == 1 && log.summary.reasons.count == 1)
    #expect(throws: CatalogError.self) { try log.summary.requireRejectedFraction(atMost: 0.3, rejectedPath: "r") }
  }

  @Test(
    arguments: [
      ("user_id,timestamp\n", nil, "item_id"), ("user_id,item_id\n", nil, "position"),
      ("user_id,item_id,timestamp\n", 4, "rating"),
    ] as [(String, Double?, String)])
  func aMissingColumnStopsTheRead(text: String, minimumRating: Double?, column: String) throws {
    let error = #expect(throws: CatalogError.self) { try read(text, minimumRating: minimumRating) }
    #expect(error?.code == .badData && error?.message.contains("no column \(column)") == true)
  }

  @Test func unknownItemsAreCountedAgainstACatalogue() throws {
    try withCatalogFixture { fixture in
      _ = try fixture.write("id,title\na,A\nb,B\n", to: "items.csv")
      _ = try fixture.build("items.csv")
      let path = try fixture.write("user_id,item_id,timestamp\nu,a,1\nu,x,2\nv,x,3\nv,b,4\nv,y,5\n", to: "log.csv")
      let log = try InteractionReader().read([path])
      let identifiers = try ItemTable.open(directory: fixture.table).identifiers()
      #expect(log.rows(in: identifiers) == [0, -1, 1, -1])
      let summary = log.check(against: identifiers)
      #expect(summary.unknownItems == 2 && summary.interactionsWithUnknownItems == 3)
      #expect(summary.unknownItemExamples == ["x", "y"] && summary.users == 2 && summary.items == 4)
    }
  }

  @Test func manyChunksNumberUsersInTheOrderOfTheFile() throws {
    var text = "user_id,item_id,timestamp\n"
    for row in 0..<300_000 { text += "user-\(row % 1000),item-\(row % 777),\(row)\n" }
    let threads = Parallelism.threadCount
    defer { Parallelism.threadCount = threads }
    Parallelism.threadCount = 2
    let (log, rejected) = try read(text)
    #expect(log.count == 300_000 && rejected.isEmpty && log.summary.bytes + 26 == text.utf8.count)
    #expect((0..<1000).allSatisfy { log.users[$0] == "user-\($0)" } && log.users.count == 1000)
    #expect((0..<300_000).allSatisfy { Int(log.itemIndices[$0]) == $0 % 777 && Int(log.userIndices[$0]) == $0 % 1000 })
    #expect(log[299_999] == Interaction(userID: "user-999", itemID: "item-77", timestamp: 299_999))
  }

  @Test func anIdentifierTableNumbersByFirstAppearance() {
    var table = IdentifierTable()
    let names = (0..<5000).map { "name-\($0 % 2500)-\(String(repeating: "é", count: $0 % 7 == 0 ? 0 : 3))" }
    var expected: [String: Int] = [:]
    for name in names {
      let number = expected[name] ?? expected.count
      expected[name] = number
      #expect(table.insert(name) == number)
    }
    #expect(table.count == expected.count)
    #expect(expected.allSatisfy { table[$0.value] == $0.key && table.index(of: $0.key) == $0.value })
    #expect(table.index(of: "name") == nil && table.insert("") == expected.count && table[expected.count] == "")
  }

  @Suite("Real logs", .enabled(if: realData != nil, "no real data: set TESSERA_DATA to the folder of the sets"))
  struct RealLogTests {
    @Test(
      arguments: [
        ("movielens/interactions.csv", nil, 591_063, "timestamp"),
        ("movielens/interactions.csv", 4, 523_062, "timestamp"),
        ("movielens/sequences.csv", nil, 999_611, "position"),
        ("amazon-beauty/interactions.csv", nil, 198_502, "timestamp"),
      ] as [(String, Double?, Int, String)])
    func everyRowIsRead(path: String, minimumRating: Double?, count: Int, ordering: String) throws {
      let data = try #require(realData)
      let log = try InteractionReader(minimumRating: minimumRating).read(["\(data)/\(path)"])
      #expect(log.count == count && log.summary.rejected == 0 && log.ordering.rawValue == ordering)
    }
  }
}
