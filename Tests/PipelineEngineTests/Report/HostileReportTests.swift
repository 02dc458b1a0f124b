import Foundation
import PipelineEngine
import Quantizers
import Testing

/// Everything that a report can have, with the parts that only records of stages can make read from JSON.
func completeReport() throws -> ReportData {
  let item = #"{"id":"i1","title":"A mug","semanticID":"1-2"}"#
  var data = try sampleReport()
  data.alignment = try JSONDecoder().decode(
    ReportAlignment.self,
    from: Data(
      """
      {"items":1200,"heldOutPairs":340,"steps":700,"stopReason":"no gain for 4 measurements",
       "rows":[{"name":"untrained","recallAt10":0.125,"recallAt50":0.31,"meanReciprocalRank":0.0625},
               {"name":"aligned","recallAt10":0.25,"recallAt50":0.5,"meanReciprocalRank":0.1875}],
       "examples":[{"item":\(item),"before":[\(item)],"after":[\(item),\(item)]}]}
      """.utf8))
  data.recommender = try JSONDecoder().decode(
    ReportRecommender.self,
    from: Data(
      """
      {"generation":12,"parameters":1234567,"users":890,"stopReason":"validation fell",
       "rows":[{"name":"popularity","recallAt10":0.03,"ndcgAt10":0.011,"recallAt50":0.1,"coverageAt10":0.001},
               {"name":"tessera","recallAt10":0.09,"ndcgAt10":0.05,"recallAt50":0.2,"coverageAt10":0.4,
                "longTailRecall":0.02,"coldRecall":0.01}],
       "steps":[{"step":1,"loss":9.5,"learningRate":0.0001,"peakShare":0.25},
                {"step":100,"loss":4.5,"learningRate":0.002,"peakShare":0.5}],
       "epochs":[{"epoch":1,"loss":7,"validationNDCG":0.02},{"epoch":2,"loss":5,"validationNDCG":0.04}]}
      """.utf8))
  return data
}

/// A page whose every text was written by an enemy of whoever reads it.
@Suite struct HostileReportTests {
  private static let attacks = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "</title></style></textarea><svg onload=alert(1)>", "&lt;b&gt; &amp; &#60;", "\u{0}\u{1}\u{7F}\u{9B}",
    "]]>--><!--", "javascript:alert(1)", "\u{202E}gnp.exe", String(repeating: "<", count: 500), "</script", "\\\"><b>",
  ]

  /// The words that are no text of anybody's: how values are written, and which direction is better.
  private static let keywords: Set<String> = ["kind", "preference"]

  /// The report with an attack in the place of every text that it has.
  private func attacked(_ attack: String) throws -> ReportData {
    func replace(_ value: Any, key: String) -> Any {
      switch value {
      case let text as String: Self.keywords.contains(key) || text == "nan" ? text : attack
      case let list as [Any]: list.map { replace($0, key: key) }
      case let section as [String: Any]:
        Dictionary(uniqueKeysWithValues: section.map { ($0.key, replace($0.value, key: $0.key)) })
      default: value
      }
    }
    let json = try JSONSerialization.jsonObject(with: Data(ReportWriter.json(completeReport())))
    let changed = try JSONSerialization.data(withJSONObject: replace(json, key: ""))
    return try JSONDecoder().decode(ReportData.self, from: changed)
  }

  /// Elements that a page opens and does not close.
  private static let empty: Set<String> = ["meta", "link", "path", "rect", "line", "br"]

  /// The tags of a page in order; records an issue where one is not closed in turn, or an attribute is without quotes.
  private func checkedTags(_ page: String) -> [String] {
    var open: [String] = []
    var names: [String] = []
    let style = page.range(of: "<style>")!.upperBound..<page.range(of: "</style>")!.lowerBound
    #expect(!page[style].contains("<"), "the style sheet holds markup")
    var text = page
    text.removeSubrange(style)
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      #expect(!rest[..<start].contains(">"), "a bracket outside of a tag: \(rest[..<start].suffix(60))")
      let from = rest.index(after: start)
      guard let end = rest[from...].firstIndex(of: ">") else {
        Issue.record("a tag without an end")
        return names
      }
      let tag = rest[from..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("!DOCTYPE") { continue }
      if tag.hasPrefix("/") {
        let last = open.popLast()
        #expect(last == String(tag.dropFirst()), "</\(tag.dropFirst())> closes <\(last ?? "")>")
        continue
      }
      let name = String(tag.prefix { $0.isLetter || $0.isNumber })
      names.append(name)
      // Name and attributes, each with its quotes, and nothing between them.
      let shape = /[a-z0-9]+(\s+[A-Za-z0-9-]+(="[^"<>]*")?)*\s*\/?/
      #expect((try? shape.wholeMatch(in: tag)) != nil, "<\(tag)>")
      let attributes = tag.replacing(/"[^"]*"/, with: "")
      #expect(
        attributes.firstMatch(of: /\s(on[a-z]+|src|srcset|formaction)=/) == nil, "an attribute that acts: <\(tag)>")
      if !tag.hasSuffix("/"), !Self.empty.contains(name) { open.append(name) }
    }
    #expect(open.isEmpty, "left open: \(open)")
    return names
  }

  @Test func aPageOfHonestTextIsWellFormed() throws {
    let names = Set(checkedTags(ReportPage(try completeReport()).html()))
    #expect(names.contains("section") && names.contains("svg") && !names.contains("script") && !names.contains("img"))
  }

  @Test(arguments: attacks) func noTextBecomesMarkup(attack: String) throws {
    let honest = checkedTags(ReportPage(try completeReport()).html())
    let page = ReportPage(try attacked(attack)).html()
    let found = checkedTags(page)
    #expect(Set(found) == Set(honest))
    #expect(!page.contains("<script") && !page.contains("<img") && !page.contains("onload=alert(1)>"))
    #expect(!page.unicodeScalars.contains { $0.value < 9 || (0x7F..<0xA0).contains($0.value) })
  }

  @Test(arguments: attacks) func whatThePageEscapesTheDataKeeps(attack: String) throws {
    let data = try attacked(attack)
    let read = try JSONDecoder().decode(ReportData.self, from: Data(ReportWriter.json(data)))
    #expect(read == data && read.pipeline == attack)
  }

  /// Links of the page's own sections are the only ones.
  @Test func linksStayOnThePage() throws {
    let page = ReportPage(try attacked("javascript:alert(1)")).html()
    let targets = page.matches(of: /href="([^"]*)"/).map { String($0.1) }
    #expect(targets.count > 5 && targets.allSatisfy { $0.hasPrefix("#") || $0 == "data:," })
    for target in targets where target.hasPrefix("#") {
      #expect(page.contains("<section id=\"\(target.dropFirst())\""), "\(target)")
    }
  }

  @Test func namesOfSectionsAreUnique() throws {
    let page = ReportPage(try completeReport()).html()
    let ids = page.matches(of: /\bid="([^"]*)"/).map { String($0.1) }
    #expect(Set(ids).count == ids.count && ids.count > 20)
    for label in page.matches(of: /aria-labelledby="([^"]*)"/) { #expect(ids.contains(String(label.1))) }
  }
}

/// The sections that only some pipelines have.
@Suite struct ReportSectionTests {
  private func page(_ change: (inout ReportData) -> Void = { _ in }) throws -> String {
    var data = try completeReport()
    change(&data)
    return ReportPage(data).html()
  }

  /// The text between a section's tags.
  private func section(_ id: String, _ page: String) throws -> Substring {
    let start = try #require(page.range(of: "<section id=\"\(id)\""), "no section \(id)")
    let end = try #require(page.range(of: "</section>", range: start.upperBound..<page.endIndex))
    return page[start.lowerBound..<end.lowerBound]
  }

  @Test func alignmentShowsEachRepresentationWithItsFigures() throws {
    let text = try section("alignment", try page())
    #expect(
      text.contains("<tr><th scope=\"row\">untrained</th>") && text.contains("<tr><th scope=\"row\">aligned</th>"))
    #expect(text.contains("data-figure=\"alignment.rows.0.recallAt10\" data-kind=\"percent\">12.50%</span>"))
    #expect(text.contains("data-figure=\"alignment.rows.1.meanReciprocalRank\" data-kind=\"decimal\">0.1875</span>"))
    #expect(text.contains("data-figure=\"alignment.heldOutPairs\" data-kind=\"count\">340</span>"))
    #expect(text.contains("data-figure=\"alignment.steps\" data-kind=\"count\">700</span>"))
    #expect(text.contains("Training stopped early: no gain for 4 measurements."))
    #expect(text.contains("What is near some items, before and after (1)"))
    // The item itself, one before, two after.
    #expect(text.components(separatedBy: "<li class=\"item\">").count == 5)
  }

  @Test func alignmentThatNothingMeasuresHasNoSection() throws {
    let page = try page { $0.alignment?.heldOutPairs = 0 }
    #expect(!page.contains("id=\"alignment\"") && !page.contains("#alignment"))
  }

  @Test func aTrainingThatRanToItsEndSaysNothingOfStopping() throws {
    let page = try page {
      $0.alignment?.stopReason = nil
      $0.recommender?.stopReason = nil
      $0.alignment?.examples = []
    }
    #expect(!page.contains("Training stopped early"))
    #expect(!(try section("alignment", page)).contains("<details"))
  }

  @Test func aRecommenderIsShownBesideItsBaselines() throws {
    let text = try section("recommender", try page())
    #expect(text.contains("data-figure=\"recommender.parameters\" data-kind=\"count\">1,234,567</span>"))
    #expect(text.contains("data-figure=\"recommender.rows.1.recallAt50\" data-kind=\"percent\">20.00%</span>"))
    #expect(text.contains("data-figure=\"recommender.rows.1.coldRecall\" data-kind=\"percent\">1.00%</span>"))
    // The baseline was not measured on rare and new items.
    #expect(text.components(separatedBy: "<td>–</td>").count == 3)
    #expect(text.contains(">among 10, new items</th>"))
    for title in ["Loss", "NDCG@10 on validation", "Learning rate", "Share of the matrix peak"] {
      #expect(text.contains("<h3>\(title)<"), "\(title)")
    }
    #expect(text.contains("from 9.5000 to 4.5000") && text.contains("100 steps") && text.contains("2 epochs"))
  }

  @Test func columnsAndCurvesThatNobodyMeasuredAreLeftOut() throws {
    let text = try section(
      "recommender",
      try page {
        $0.recommender?.rows[1].coldRecall = nil
        $0.recommender?.steps[0].peakShare = nil
        $0.recommender?.epochs.removeLast()
      })
    #expect(!text.contains("new items") && !text.contains("Share of the matrix peak") && !text.contains("NDCG@10 on v"))
    #expect(text.contains("<h3>Loss<"))
  }

  @Test func aRecommenderWithoutHeldOutItemsSaysSo() throws {
    let text = try section("recommender", try page { $0.recommender?.rows = [] })
    #expect(text.contains("Nothing is held out to measure on.") && !text.contains("<table>"))
  }

  @Test func theEpochThatServesIsThatOfTheLowestHeldOutError() throws {
    let text = try section("training", try page())
    // Of seventy epochs, the last ten of which settle, the last is best.
    #expect(text.contains("trained for 70 epochs; in the last 10 the encoder stood still"))
    #expect(text.contains("the epoch that serves, 70."))
    // Restarts of nine epochs: 12 + 11 + … + 4.
    #expect(text.contains("72 dead codes were restarted in all"))
    var epochs = sampleTraining()
    epochs[3] = ResidualAutoencoder.EpochStatistics(
      epoch: 3, isSettling: false, trainingError: 0.02, heldOutError: 0.01, commitment: 0, pairDistance: nil,
      levels: epochs[3].levels)
    let changed = epochs
    let earlier = try section("training", try page { $0.training = changed })
    #expect(earlier.contains("the epoch that serves, 4."))
    #expect(earlier.contains("<span class=\"aside\">best 0.0100</span>"))
  }

  @Test func oneEpochIsNoCurve() throws {
    let page = try page { $0.training = $0.training.map { Array($0.prefix(1)) } }
    #expect(!page.contains("id=\"training\""))
  }

  @Test func routedEncodersNameTheirRuleAndOthersDoNot() throws {
    let text = try section("encoders", try page())
    #expect(text.components(separatedBy: "<dt>takes</dt>").count == 2 && text.contains("<dd>Arabic, Hebrew</dd>"))
    #expect(text.components(separatedBy: "<dt>precision</dt>").count == 2)
    #expect(text.contains("<code>9f3c9f3c9f3c</code>") && text.contains("<code>77ab</code>"))
    #expect(text.contains("match no rule and are not used"))
    #expect(!(try section("encoders", try page { $0.textsWithoutRoute = nil })).contains("match no rule"))
  }

  @Test func codesThatPairsShareAreNamedByHowManyTheyAre() throws {
    let json = Data(#"[{"share":0.5,"byChance":0.125},{"share":0.25,"byChance":0.0125}]"#.utf8)
    let text = try section(
      "pairs",
      try page { $0.pairs?.sharedCodes = try! JSONDecoder().decode([ReportPairs.SharedCodes].self, from: json) })
    #expect(text.contains("<dt>the first code</dt>") && text.contains("<dt>the first 2 codes</dt>"))
    #expect(text.contains("data-figure=\"pairs.sharedCodes.1.byChance\" data-kind=\"percent\">1.25%</span>"))
    #expect(!(try section("pairs", try page())).contains("Codes that held-out pairs share"))
  }

  @Test func bucketsSayHowManyItemsTheyDoNotShow() throws {
    let text = try section("collisions", try page())
    #expect(
      text.contains("<li class=\"more\">and 35 more</li>") && text.contains("<li class=\"more\">and 13 more</li>"))
    #expect(text.components(separatedBy: "class=\"more\"").count == 3, "the bucket of two is shown whole")
    #expect(text.components(separatedBy: "<p class=\"small\">").count == 3, "one bucket has no more to say")
  }

  @Test func anItemWithoutAPictureHasItsInitials() throws {
    let text = try page {
      $0.prefixes = []
      $0.pairs = nil
      $0.alignment = nil
      $0.worstBuckets = [
        ReportBucket(
          codes: "1", size: 5, reason: "r",
          items: [("Blue ceramic mug", "a"), ("", "shoe-9"), ("— –", "b"), ("straße", "c"), ("42nd 'street'", "d")].map
          {
            ReportItem(id: $0.1, title: $0.0, semanticID: "1")
          })
      ]
    }
    let tiles = text.matches(of: /aria-hidden="true">([^<]*)<\/span><span class="item-text"/).map { String($0.1) }
    #expect(tiles == ["BC", "S", "?", "S", "4S"])
    #expect(text.contains("<span class=\"untitled\">no title</span>"))
  }

  @Test func theSameItemHasTheSameColorEverywhere() throws {
    let item = ReportItem(id: "one", title: "One", semanticID: "1")
    func hues(_ items: [ReportItem]) throws -> [String] {
      try page {
        $0.prefixes = []
        $0.pairs = nil
        $0.alignment = nil
        $0.worstBuckets = [ReportBucket(codes: "1", size: 9, reason: "r", items: items)]
      }.matches(of: /style="--h:([0-9]+)"/).map { String($0.1) }
    }
    let other = ReportItem(id: "two", title: "One", semanticID: "1")
    let found = try hues([item, other, item])
    #expect(found.count == 3 && found[0] == found[2] && found[0] != found[1])
    #expect(found.allSatisfy { (0..<360).contains(Int($0) ?? -1) })
  }

  @Test func barsShowSharesWithinTheirTrack() throws {
    let widths = try page {
      $0.stages = [("a", 0.0), ("b", 1e-9), ("c", 5), ("d", 10)].map {
        ReportStage(name: $0.0, status: "ran", seconds: $0.1)
      }
    }
    let bars = try section("timings", widths).matches(of: /style="width:([0-9.]+)%"/).compactMap { Double($0.1) }
    #expect(bars == [0, 0.5, 50, 100], "what is there at all is seen")
  }

  @Test func rejectedRecordsWithoutExamplesAreCountedAlone() throws {
    var text = try section("rejected", try page { $0.rejected.examples = [] })
    #expect(!text.contains("<details") && text.contains("duplicate_id"))
    text = try section("rejected", try page { $0.rejected = ReportRejected() })
    #expect(text.contains("data-kind=\"count\">0</span> records were left out") && !text.contains("lines"))
  }

  @Test(arguments: [
    ("2026-03-14T04:12:55Z", "2026-03-14 04:12 UTC"), ("2026-03-14T04:12:55+01:00", "2026-03-14T04:12:55+01:00"),
    ("yesterday", "yesterday"), ("", ""),
  ])
  func timesAreReadableWhereTheyAreInUTC(time: String, text: String) throws {
    #expect(try page { $0.createdAt = time }.contains("<time datetime=\"\(time)\">\(text)</time>"))
  }

  /// A curve that begins with what is no number begins where the numbers do.
  @Test func aCurveBeginsAtItsFirstNumber() {
    let chart = LineChart(
      title: "t", explanation: "e", lines: [[.nan, 4, 2], [2, 4, 4]], aside: ("at", 2), extent: "3 steps")
    #expect(chart.html.text.contains("class=\"curve\" d=\"M128 2L256 37\""), "\(chart.html.text)")
    #expect(chart.html.text.contains("class=\"curve dashed\" d=\"M0 37L128 2L256 2\""))
  }
}
