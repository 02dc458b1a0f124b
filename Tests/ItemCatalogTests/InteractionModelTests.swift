import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// Random behavior logs in every format, against events that are kept and sorted as plain values.
@Suite("Behavior logs against a model")
struct InteractionModelTests {
  private struct Case {
    var events: [Interaction]
    var ordering: InteractionLog.Ordering

    /// Events in the order that the documentation gives.
    var sorted: [Interaction] {
      func clock(_ event: Interaction) -> [Double] {
        switch ordering {
        case .timestamp:
          [event.timestamp!] + (events.allSatisfy { $0.position != nil } ? [event.position!] : [])
        case .position: [event.position!]
        case .file: []
        }
      }
      return events.enumerated().sorted { left, right in
        let (a, b) = (clock(left.element), clock(right.element))
        return a != b ? a.lexicographicallyPrecedes(b) : left.offset < right.offset
      }.map(\.element)
    }
  }

  private func randomCase(using random: inout RandomSource) -> Case {
    let count = Int.random(in: 1...60, using: &random)
    let (hasTimes, hasPlaces) = (Int.random(in: 0...2, using: &random), Int.random(in: 0...2, using: &random))
    var events: [Interaction] = []
    for index in 0..<count {
      func number(_ presence: Int, _ range: ClosedRange<Int>) -> Double? {
        presence == 2 || presence == 1 && index % 3 > 0 ? Double(Int.random(in: range, using: &random)) / 2 : nil
      }
      var event = Interaction(
        userID: "u\(Int.random(in: 0..<5, using: &random))", itemID: "é, \"\(Int.random(in: 0..<9, using: &random))\"",
        timestamp: number(hasTimes, -6...6), position: number(hasPlaces, 0...4),
        event: [nil, "view", "buy"].randomElement(using: &random)!, rating: number(1, 0...10).map { Float($0) },
        weight: number(1, -3...3).map { Float($0) })
      // One of the two must be there.
      if event.timestamp == nil, event.position == nil { event.position = 1 }
      events.append(event)
    }
    let ordering: InteractionLog.Ordering =
      events.allSatisfy { $0.timestamp != nil }
      ? .timestamp : events.allSatisfy { $0.position != nil } ? .position : .file
    return Case(events: events, ordering: ordering)
  }

  private func text(_ events: [Interaction], delimiter: String) -> String {
    func quoted(_ text: String) -> String { "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }
    func cell(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "" }
    return ["item_id", "event", "weight", "user_id", "rating", "position", "timestamp"].joined(separator: delimiter)
      + "\n"
      + events.map { event in
        [
          quoted(event.itemID), cell(event.event), cell(event.weight), event.userID, cell(event.rating),
          cell(event.position), cell(event.timestamp),
        ].joined(separator: delimiter) + "\n"
      }.joined()
  }

  private func json(_ events: [Interaction]) throws -> String {
    try events.map { event in
      var object: [String: Any] = ["user_id": event.userID, "item_id": event.itemID, "other": ["x": [1]]]
      object["timestamp"] = event.timestamp
      object["position"] = event.position
      object["event"] = event.event
      object["rating"] = event.rating.map { Double($0) }
      object["weight"] = event.weight.map { Double($0) }
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
    }.joined()
  }

  @Test(arguments: ["log.csv", "log.tsv", "log.jsonl", "log.csv.gz"]) func logsReadLikeTheModel(name: String) throws {
    var random = RandomSource(seed: 41)
    for _ in 0..<40 {
      let expected = randomCase(using: &random)
      try withCatalogFixture { fixture in
        switch name {
        case "log.jsonl": try fixture.write(Array(json(expected.events).utf8), to: name)
        case "log.csv.gz": try fixture.write(storedGzip(text(expected.events, delimiter: ",")), to: name)
        default:
          try fixture.write(Array(text(expected.events, delimiter: name == "log.csv" ? "," : "\t").utf8), to: name)
        }
        let log = try InteractionReader().read([fixture.folder + "/" + name])
        #expect(log.summary.rejected == 0)
        #expect(log.ordering == expected.ordering && log.summary.ordering == expected.ordering)
        #expect((0..<log.count).map { log[$0] } == expected.sorted)
        // Numbers are given in the order of the files, before the events are sorted.
        #expect((0..<log.users.count).map { log.users[$0] } == firstAppearances(expected.events.map(\.userID)))
        #expect((0..<log.items.count).map { log.items[$0] } == firstAppearances(expected.events.map(\.itemID)))
        #expect(
          (0..<log.eventNames.count).map { log.eventNames[$0] } == firstAppearances(expected.events.compactMap(\.event))
        )
        #expect(log.ratings.isEmpty == expected.events.allSatisfy { $0.rating == nil })
        #expect(log.ratings.isComplete == expected.events.allSatisfy { $0.rating != nil })
      }
    }
  }

  private func firstAppearances(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  @Test func aMinimumRatingKeepsWhatAFilterKeeps() throws {
    var random = RandomSource(seed: 42)
    for _ in 0..<30 {
      let all = randomCase(using: &random)
      let minimum = Double(Int.random(in: 0...5, using: &random))
      let kept = all.events.filter { $0.rating.map { Double($0) >= minimum } ?? false }
      try withCatalogFixture { fixture in
        try fixture.write(Array(json(all.events).utf8), to: "log.jsonl")
        let log = try InteractionReader(minimumRating: minimum).read([fixture.folder + "/log.jsonl"])
        let events = (0..<log.count).map { log[$0] }
        #expect(log.count == kept.count && log.summary.belowMinimumRating == all.events.count - kept.count)
        let ratings: [Float] = events.compactMap { $0.rating }.sorted()
        let expected: [Float] = kept.compactMap { $0.rating }.sorted()
        #expect(ratings == expected && ratings.count == log.count)
        // Who has no event left has no number.
        #expect(Set((0..<log.users.count).map { log.users[$0] }) == Set(kept.map(\.userID)))
        #expect(log.summary.rejectedFraction == 0)
      }
    }
  }

  @Test(arguments: ["nan", "inf", "-inf", "0x10", "1_000", "1,5", "١", "+1", ".5", "1.", "1e", "--1", "1 2"])
  func whatIsNoDecimalNumberIsNone(number: String) throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write("user_id,item_id,timestamp\nu,a,\"\(number)\"\nu,b,  7  \n", to: "log.csv")
      let log = try InteractionReader().read([path])
      #expect(log.count == 1 && log[0].timestamp == 7)
      let rejection = try #require(log.summary.examples.first)
      #expect(rejection.reason == .invalidNumber && rejection.field == "timestamp" && rejection.found == number)
      #expect(rejection.expected == "a number, such as seconds since 1970")
    }
  }

  @Test func identifiersKeepTheirLimits() throws {
    let longest = String(repeating: "é", count: 127) + "x"
    func record(_ user: String, _ item: String, _ event: String = "\"e\"") -> String {
      "{\"user_id\":\(user),\"item_id\":\(item),\"event\":\(event),\"position\":1}\n"
    }
    let cases: [(String, String, RejectedRecord.Reason)] = [
      (record("\"\(longest)x\"", "1"), "user_id", .tooLong), (record("1", "\"\(longest)x\""), "item_id", .tooLong),
      (record("\"\"", "1"), "user_id", .empty), (record("null", "1"), "user_id", .missing),
      (record("1", "\"a\\u0000\""), "item_id", .controlCharacter), (record("1", "\"\""), "item_id", .empty),
      (record("1", "1", "\"\""), "event", .empty), (record("1", "1", "5"), "event", .wrongType),
      (record("1", "1", "\"\(longest)x\""), "event", .tooLong), (record("1.0", "1"), "user_id", .wrongType),
      (record("true", "1"), "user_id", .wrongType), ("{\"user_id\":1}\n", "item_id", .missing),
    ]
    try withCatalogFixture { fixture in
      let sound = record("\"\(longest)\"", "\"\(longest)\"", "\"\(longest)\"")
      let path = try fixture.write(sound + cases.map(\.0).joined() + sound, to: "log.jsonl")
      let rejected = fixture.folder + "/rejected.jsonl"
      let log = try InteractionReader().read([path], rejectedTo: rejected)
      #expect(log.count == 2 && log.users.count == 1 && log[1].event == longest)
      let lines = try String(contentsOfFile: rejected, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(Rejection.self, from: Data($0.utf8))
      }
      #expect(lines.map(\.line) == Array(2...cases.count + 1))
      #expect(lines.map(\.field) == cases.map(\.1))
      #expect(lines.map(\.reason) == cases.map(\.2.rawValue))
      #expect(log.summary.rejected == cases.count && log.summary.examples.count == 10)
    }
  }

  @Test func severalFilesAreOneLogInTheirOrder() throws {
    try withCatalogFixture { fixture in
      let header = "user_id,item_id,position\n"
      _ = try fixture.write(header + "u,b10,1\n", to: "day-10.csv")
      _ = try fixture.write(header + "u,b9,1\n", to: "day-9.csv")
      let line = "{\"user_id\":\"v\",\"item_id\":\"j\",\"position\":0}\n"
      _ = try fixture.write(line, to: "more.jsonl")
      let (pattern, named) = (fixture.folder + "/day-*.csv", fixture.folder + "/day-9.csv")
      let log = try InteractionReader().read([fixture.folder + "/more.jsonl", pattern, named])
      #expect((0..<log.count).map { log[$0].itemID } == ["j", "b10", "b9"])
      #expect(log.summary.files.map { $0.split(separator: "/").last! } == ["more.jsonl", "day-10.csv", "day-9.csv"])
      #expect(log.summary.bytes == (line + "u,b10,1\nu,b9,1\n").utf8.count)
      let error = #expect(throws: CatalogError.self) { try InteractionReader().read([fixture.folder + "/no-*.csv"]) }
      #expect(error?.code == .inputMissing && error?.message.hasPrefix("no file matches ") == true)
    }
  }

  @Test func theSignatureFollowsFilesAndSettings() throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write("user_id,item_id,position\nu,a,1\n", to: "log.csv")
      func signature(_ minimum: Double? = nil, _ limits: CatalogLimits = CatalogLimits()) throws -> String {
        try InteractionReader(minimumRating: minimum, limits: limits).sourceSignature(of: [path])
      }
      let first = try signature()
      #expect(try signature() == first && first.count == 64)
      #expect(try signature(4) != first)
      #expect(try signature(4) != signature(4.5))
      var limits = CatalogLimits()
      limits.recordBytes -= 1
      #expect(try signature(nil, limits) != first)
      try FileManager.default.removeItem(atPath: path)
      #expect(throws: CatalogError.self) { try signature() }
    }
  }

  @Test func atMostTenUnknownItemsAreNamed() throws {
    try withCatalogFixture { fixture in
      let rows = (0..<40).map { "u,i\($0 % 20),\($0)\n" }.joined()
      let path = try fixture.write("user_id,item_id,timestamp\n" + rows, to: "log.csv")
      let log = try InteractionReader().read([path])
      var catalog = IdentifierTable()
      for index in stride(from: 0, to: 20, by: 5) { _ = catalog.insert("i\(index)") }
      let summary = log.check(against: catalog)
      #expect(summary.unknownItems == 16 && summary.interactionsWithUnknownItems == 32)
      #expect(summary.unknownItemExamples == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12].map { "i\($0)" })
      #expect(log.rows(in: catalog).filter { $0 >= 0 } == [0, 1, 2, 3])
      #expect(log.check(against: log.items).unknownItems == 0)
    }
  }

  @Test func tooManyRejectedEventsStopTheNightWithAnExample() throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write("user_id,item_id,position,rating\nu,a,1,5\nu,,1,\nu,b,2,1\nu,c,3,\n", to: "log.csv")
      let summary = try InteractionReader(minimumRating: 4).read([path]).summary
      #expect(summary.rejectedFraction == 0.25 && summary.belowMinimumRating == 2)
      try summary.requireRejectedFraction(atMost: 0.25, rejectedPath: "r")
      let error = #expect(throws: CatalogError.self) {
        try summary.requireRejectedFraction(atMost: 0.1, rejectedPath: "out.jsonl")
      }
      #expect(
        error?.message == "1 of 4 interactions were rejected, more than maxRejectedFraction 0.1 allows. The first: "
          + "\(path):3: item_id: found nothing, expected 1 to 255 bytes of UTF-8 without control characters (missing). "
          + "All are listed in out.jsonl. Repair the records or raise maxRejectedFraction.")
    }
  }
}
