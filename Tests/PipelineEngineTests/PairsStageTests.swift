import BehaviorAlignment
import Foundation
import ItemCatalog
import PipelineEngine
import TensorMath
import TestSupport
import Testing

/// A small pipeline with a behavior log in which users stay within tens of items.
struct PairsFixture {
  var pipeline: PipelineFixture
  let folder: String
  var log: [String] = []

  init(folder: String, section: String = "{ window: { leaveLast: 1 } }") {
    self.folder = folder
    pipeline = PipelineFixture(folder: folder)
    pipeline.catalog = "  interactions: interactions.csv\n  maxRejectedFraction: 0.1"
    pipeline.extra = "pairs: \(section)\nreport: {}"
    var random = RandomSource(seed: 21)
    for time in 0..<600 {
      let user = Int.random(in: 0..<60, using: &random)
      log.append("u\(user),item-\(user % 6 * 10 + Int.random(in: 0..<10, using: &random)),\(time)")
    }
  }

  func writeLog() throws {
    let text = "user_id,item_id,timestamp\n" + log.joined(separator: "\n") + "\n"
    let path = folder + "/interactions.csv"
    guard (try? String(contentsOfFile: path, encoding: .utf8)) != text else { return }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  func run(until: StageName? = nil, force: StageName? = nil) throws -> RunSummary {
    try writeLog()
    return try pipeline.run(until: until, force: force)
  }

  /// The metrics of a run's pairs stage.
  func metrics(_ summary: RunSummary) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == .pairs }).metrics
  }

  var stageFolder: String { folder + "/work/stages/pairs" }

  func error(_ section: String, log text: String? = nil) throws -> PipelineError? {
    var copy = self
    copy.pipeline.extra = "pairs: \(section)"
    try copy.writeLog()
    if let text { try text.write(toFile: folder + "/interactions.csv", atomically: true, encoding: .utf8) }
    return #expect(throws: PipelineError.self) { try copy.pipeline.run(until: .pairs) }
  }
}

@Suite("The pairs stage")
struct PairsStageTests {
  @Test func theStageMinesBothSourcesAndCountsWhatItDrops() throws {
    try withTemporaryDirectory { folder in
      var fixture = PairsFixture(folder: folder, section: "{ filters: { minimumSupport: 2, pairsPerTarget: 5 } }")
      fixture.log += ["u1,stranger,601", "u2,stranger,602"]
      let summary = try fixture.run()
      #expect(ran(summary).prefix(4) == [.catalog, .encode, .pairs, .represent])
      let metrics = try fixture.metrics(summary)
      #expect(metrics["interactionsOfUnknownItems"] == 2 && metrics["users"] == 60 && metrics["items"] == 60)
      let kept = (metrics["interactions"] ?? 0) + (metrics["repeatedInteractions"] ?? 0)
      #expect(kept == 600 && metrics["heldOutInteractions"] == metrics["heldOutUsers"])
      #expect(metrics["trainingInteractions"] == (metrics["interactions"] ?? 0) - (metrics["heldOutInteractions"] ?? 0))
      for source in ["swing", "nearby"] {
        var left = metrics["\(source).candidates"] ?? -1
        for filter in ["neighbors", "support", "itemCap"] {
          let kept = metrics["\(source).\(filter).kept"] ?? -1, dropped = metrics["\(source).\(filter).dropped"] ?? -1
          #expect(kept + dropped == left, "\(source) \(filter)")
          left = kept
        }
        #expect(metrics["\(source).pairs"] == left && left > 0)
        #expect((metrics["\(source).covered"] ?? -1) <= (metrics["covered"] ?? -1))
      }
      #expect(metrics["pairs"] == (metrics["swing.pairs"] ?? 0) + (metrics["nearby.pairs"] ?? 0))
      let table = try PairTable(contentsOf: fixture.stageFolder + "/pairs.safetensors", itemCount: 60)
      #expect(Double(table.count) == metrics["pairs"] && table.supports.allSatisfy { $0 >= 2 })
      let heldOut = try HeldOutPairs(contentsOf: fixture.stageFolder + "/held-out.safetensors", itemCount: 60)
      #expect(Double(heldOut.count) == metrics["heldOutPairs"])
      let items = try String(contentsOfFile: fixture.stageFolder + "/items.txt", encoding: .utf8)
      #expect(items.hasPrefix("tessera pair items 1\n60\nitem-0\nitem-1\n") && items.hasSuffix("item-59\nstranger\n"))
    }
  }

  @Test func anUnchangedLogIsNotMinedAgainThoughItemsChange() throws {
    try withTemporaryDirectory { folder in
      var fixture = PairsFixture(folder: folder)
      _ = try fixture.run()
      #expect(try ran(fixture.run()).isEmpty)
      fixture.pipeline.set("item-3", "another text altogether")
      fixture.pipeline.set("new item", "a text that nobody met")
      let second = try fixture.run()
      #expect(ran(second).contains(.encode) && !ran(second).contains(.pairs) && ran(second).contains(.report))
      // Its rows moved: the new item stands first now.
      fixture.pipeline.order.insert(fixture.pipeline.order.removeLast(), at: 0)
      #expect(try !ran(fixture.run()).contains(.pairs))
    }
  }

  @Test func aLogWrittenAnewWithTheSameBytesIsTheSameLog() throws {
    try withTemporaryDirectory { folder in
      var fixture = PairsFixture(folder: folder)
      fixture.pipeline.extra = """
        pairs: { window: { leaveLast: 2 } }
        behavior: { width: 8, heads: 2, layers: 1, epochs: 1 }
        train: { width: 8, heads: 2, layers: 1, hidden: 16, epochs: 1 }
        """
      let first = try fixture.run()
      #expect(Set([StageName.pairs, .behavior, .train]).isSubset(of: ran(first)))
      try FileManager.default.removeItem(atPath: folder + "/interactions.csv")
      #expect(try ran(fixture.run()).isEmpty)
      fixture.log.append("u1,item-4,602")
      #expect(try ran(fixture.run()).contains(.pairs))
    }
  }

  @Test func aChangedLogOrAnItemOfItThatComesOrGoesMinesAgain() throws {
    try withTemporaryDirectory { folder in
      var fixture = PairsFixture(folder: folder)
      fixture.log.append("u1,later,601")
      _ = try fixture.run()
      func reason() throws -> String { try #require(fixture.pipeline.plan()[.pairs]).reason }
      fixture.log.append("u1,item-4,602")
      #expect(try ran(fixture.run()) == [.pairs, .report])
      fixture.pipeline.remove("item-9")
      #expect(try ran(fixture.run()).contains(.pairs))
      fixture.pipeline.set("later", "it came")
      let summary = try fixture.run()
      #expect(ran(summary).contains(.pairs))
      #expect(try fixture.metrics(summary)["interactionsOfUnknownItems"] ?? 0 > 0)
      #expect(try reason() == "up to date")
      fixture.pipeline.extra = "pairs: { window: { leaveLast: 2 } }\nreport: {}"
      #expect(try reason().contains("pairs.window changed (leaveLast(1) → leaveLast(2))"))
      try FileManager.default.removeItem(atPath: fixture.stageFolder + "/items.txt")
      #expect(try ran(fixture.run()).contains(.pairs))
    }
  }

  @Test func pairsDoNotChangeSemanticIDs() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder)
      _ = try fixture.run()
      let before = try fixture.pipeline.records()
      let forced = try fixture.run(force: .pairs)
      #expect(ran(forced) == [.pairs])
      #expect(try fixture.pipeline.records() == before && fixture.pipeline.generations() == [1])
    }
  }

  @Test func theReportShowsTheNumbersAndSomePairs() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder)
      let summary = try fixture.run()
      let data = try JSONDecoder().decode(
        ReportData.self, from: Data(contentsOf: URL(fileURLWithPath: summary.folder + "/report.json")))
      let pairs = try #require(data.pairs), metrics = try fixture.metrics(summary)
      #expect(Double(pairs.pairs) == metrics["pairs"] && Double(pairs.heldOut) == metrics["heldOutPairs"])
      #expect(pairs.sources.map(\.name) == ["swing", "nearby"])
      for source in pairs.sources {
        #expect(source.filters.map(\.name) == ["pairs per item"] && source.examples.count == 4)
        for example in source.examples {
          #expect(example.trigger != example.target && example.users > 0 && !example.trigger.semanticID.isEmpty)
        }
      }
      let page = try String(contentsOfFile: summary.folder + "/report.html", encoding: .utf8)
      #expect(page.contains("<section id=\"pairs\"") && page.contains("Pairs from behavior"))
    }
  }

  @Test func onlyTheSourcesWithASectionAreMined() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder, section: "{ nearby: { steps: 1, neighbors: 2 } }")
      let metrics = try fixture.metrics(fixture.run(until: .pairs))
      #expect(metrics["swing.pairs"] == nil && metrics["nearby.pairs"] == metrics["pairs"])
      #expect(metrics["nearby.neighbors.kept"] ?? 0 <= 120)
    }
  }

  @Test func categoriesComeFromAnAttribute() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder, section: "{ filters: { category: kind } }")
      try fixture.writeLog()
      let pipeline = try fixture.pipeline.pipeline()
      let error = #expect(throws: PipelineError.self) {
        try pipeline.run(Pipeline.RunOptions(until: .pairs), observer: SilentObserver())
      }
      #expect(error?.message.contains("no item has the attribute 'kind'") == true)
      let lines = (0..<60).map {
        "{\"id\":\"item-\($0)\",\"text\":\"a text \($0)\",\"attributes\":{\"kind\":\"\($0 % 2 == 0 ? "even" : "odd")\"}}\n"
      }
      try lines.joined().write(toFile: folder + "/items.jsonl", atomically: true, encoding: .utf8)
      _ = try pipeline.run(Pipeline.RunOptions(until: .pairs), observer: SilentObserver())
      let table = try PairTable(contentsOf: fixture.stageFolder + "/pairs.safetensors")
      #expect(!table.isEmpty && zip(table.triggers, table.targets).allSatisfy { $0 % 2 == $1 % 2 })
    }
  }

  @Test func badLogsAndWindowsSayWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder)
      let header = "user_id,item_id,timestamp\n"
      let unknown = try fixture.error("{}", log: header + "u,x,1\nu,y,2\n")
      #expect(unknown?.code == .invalidData && unknown?.message.contains("none of the 2 interactions") == true)
      #expect(try fixture.error("{}", log: header)?.message.contains("no interactions") == true)
      let early = try fixture.error("{ window: { until: -5 } }")
      #expect(early?.message.contains("holds none of the") == true)
      let plain = try fixture.error(
        "{ window: { fraction: 0.5 } }", log: "user_id,item_id,position\nu,item-1,1\nu,item-2,2\n")
      #expect(plain?.message.contains("use leaveLast") == true)
      let filtered = try fixture.error("{ filters: { minimumSupport: 1000 } }")
      #expect(filtered?.message.contains("the filters dropped all") == true)
      let lonely = try fixture.error("{}", log: header + "u,item-1,1\nv,item-2,2\n")
      #expect(lonely?.message.contains("share a user") == true)
      let broken = try fixture.error("{}", log: header + "u,item-1,1\nu,item-2,soon\n")
      #expect(broken?.message.contains("rejected-interactions.jsonl") == true)
    }
  }

  @Test func miningStopsWhenASignalAsks() throws {
    try withTemporaryDirectory { folder in
      let fixture = PairsFixture(folder: folder)
      _ = try fixture.run()
      let interruption = Interruption()
      interruption.request()
      let error = #expect(throws: PipelineError.self) {
        try Interruption.$current.withValue(interruption) { try fixture.run(force: .pairs) }
      }
      #expect(error?.code == .interrupted)
      #expect(try ran(fixture.run()).allSatisfy { $0 == .pairs || $0 == .report })
    }
  }
}

@Suite("The configuration of pairs")
struct PairsConfigurationTests {
  private func configuration(_ pairs: String, interactions: String = "interactions: log.csv") throws
    -> PipelineConfiguration
  {
    let yaml = "name: p\nseed: 7\ncatalog:\n  items: items.jsonl\n  \(interactions)\npairs: \(pairs)\n"
    return try PipelineConfiguration(
      yaml: Array(yaml.utf8), path: "/shop/p.yaml", environment: [:], currentDirectory: "/shop")
  }

  @Test func everyKeyIsRead() throws {
    let pairs = try #require(
      try configuration(
        """
        {window: {until: 978300275}, maxEventsPerUser: 100, swing: {alpha: 2, neighbors: 3, itemsPerUser: 4,
          usersPerItem: 5}, nearby: {steps: 6, neighbors: 7}, filters: {minimumSupport: 8, popularityQuantile: 0.9,
          category: brand, pairsPerTarget: 10}}
        """
      ).pairs)
    #expect(pairs.window == .until(978_300_275) && pairs.maximumEventsPerUser == 100)
    #expect(pairs.swing?.alpha == 2 && pairs.swing?.neighbors == 3 && pairs.swing?.itemsPerUser == 4)
    #expect(pairs.swing?.usersPerItem == 5 && pairs.swing?.seed == 7)
    #expect(pairs.nearby?.steps == 6 && pairs.nearby?.neighbors == 7)
    #expect(pairs.filters.minimumSupport == 8 && pairs.filters.popularityQuantile == 0.9)
    #expect(pairs.categoryAttribute == "brand" && pairs.filters.pairsPerTarget == 10)
  }

  @Test func defaultsAreTheMinersOwn() throws {
    let pairs = try #require(try configuration("{}").pairs)
    var swing = SwingMiner.Parameters()
    swing.seed = 7
    #expect(pairs.swing == swing && pairs.nearby == .init() && pairs.filters == .init())
    #expect(pairs.window == .leaveLast(1) && pairs.maximumEventsPerUser == 4096 && pairs.categoryAttribute == nil)
    #expect(try configuration("{ swing: {} }").pairs?.nearby == nil)
    #expect(try configuration("{ nearby: {} }").pairs?.swing == nil)
    #expect(try configuration("{ window: { fraction: 0.8 } }").pairs?.window == .fraction(0.8))
    #expect(try configuration("{ window: { leaveLast: 0 } }").pairs?.window == .everything)
  }

  @Test(arguments: [
    ("{ window: { leaveLast: 1, until: 4 } }", "exactly one of leaveLast, until and fraction"),
    ("{ window: {} }", "exactly one"), ("{ window: { leavelast: 1 } }", "did you mean 'leaveLast'"),
    ("{ window: { fraction: 1 } }", "from 0.01 to 0.999"), ("{ swing: { neighbors: 0 } }", "from 1 to 1000"),
    ("{ filters: { popularityQuantile: 2 } }", "from 0.01 to 1"), ("{ swings: {} }", "did you mean 'swing'"),
  ])
  func mistakesAreNamed(section: String, words: String) {
    let error = #expect(throws: PipelineError.self) { try configuration(section) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func pairsNeedALog() {
    let error = #expect(throws: PipelineError.self) { try configuration("{}", interactions: "maxRejectedFraction: 0") }
    #expect(error?.message.contains("name one with 'catalog.interactions'") == true)
  }
}
