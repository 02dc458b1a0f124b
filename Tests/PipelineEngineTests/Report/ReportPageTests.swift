import Foundation
import PipelineEngine
import Quantizers
import TestSupport
import Testing

@Suite struct ReportPageTests {
  @Test func showsEveryPartOfAFullReport() throws {
    let page = ReportPage(try sampleReport()).html()
    for part in ["figures", "levels", "buckets", "collisions", "prefixes", "pairs", "rejected", "timings", "run"] {
      #expect(page.contains("<section id=\"\(part)\""), "\(part)")
      #expect(page.contains("<a href=\"#\(part)\">"), "\(part)")
    }
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
    #expect(page.components(separatedBy: "<svg").count == 12, "a chart per level")
  }

  @Test func tunedCodesStandBesideTheServedOnes() throws {
    let page = ReportPage(try sampleReport()).html()
    #expect(page.contains("<section id=\"tuning\"") && page.contains("The gate refused them, and generation"))
    #expect(page.contains("<li>41.2 % of the items would change &lt;b&gt;their&lt;/b&gt; semantic ID.</li>"))
    for key in ["churn", "gain", "noise", "served.ndcg", "tuned.validationNDCG", "tuned.utilization"] {
      #expect(page.contains("data-figure=\"tuning.\(key)\""), "\(key)")
    }
    #expect(!page.contains("data-figure=\"tuning.tuned.ndcg\""), "it was not measured")
    var data = try sampleReport()
    data.tuning?.published = 42
    data.tuning?.reasons = []
    data.tuning?.noise = nil
    let passed = ReportPage(data).html()
    #expect(passed.contains("The gate let them pass: generation"))
    #expect(!passed.contains("with a noise of") && !passed.contains("<li>41.2"))
    data.tuning = nil
    #expect(!ReportPage(data).html().contains("id=\"tuning\""))
  }

  @Test func alignmentWithARewardIsShownEpochByEpoch() throws {
    let page = ReportPage(try sampleReport()).html()
    #expect(page.contains("<section id=\"preference\""))
    #expect(page.contains("<th scope=\"row\">before</th>"))
    #expect(page.contains("data-figure=\"preference.epochs.1.judgeReward\""))
    #expect(page.components(separatedBy: ", served</th>").count == 2, "one epoch is served")
    #expect(page.contains("It was stopped: NDCG@10 on validation queries &lt;b&gt;fell&lt;/b&gt;."))
    #expect(page.contains("judge not known") && page.contains("sessions, by the judge"))
    for title in ["Reward by the judge", "NDCG@10 on validation", "Legality"] { #expect(page.contains(title)) }
    var data = try sampleReport()
    data.preference = samplePreference(sessions: false)
    data.preference?.served = 0
    data.preference?.stopReason = nil
    let other = ReportPage(data).html()
    #expect(!other.contains("sessions, by the judge") && other.contains("All epochs were made."))
    #expect(other.contains("The recommender stays as it was."))
    data.preference = nil
    #expect(!ReportPage(data).html().contains("id=\"preference\""))
  }

  @Test func leavesOutWhatIsNotThere() {
    let page = ReportPage(ReportData(pipeline: "empty", generation: 1, parent: nil, createdAt: "2026-01-01T00:00:00Z"))
      .html()
    #expect(page.contains("first generation"))
    #expect(page.contains("2026-01-01 00:00 UTC"))
    for part in ["figures", "levels", "buckets", "collisions", "prefixes", "pairs", "timings", "run"] {
      #expect(!page.contains("id=\"\(part)\""), "\(part)")
    }
  }

  @Test func textFromTheCatalogIsNeverMarkup() throws {
    let page = ReportPage(try sampleReport()).html()
    #expect(!page.contains("<script"))
    #expect(!page.contains("<img"))
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;quoted&quot; &amp; more"))
    #expect(page.contains("<q dir=\"auto\">item-&lt;b&gt;17&lt;/b&gt;</q>"))
    #expect(page.contains("seed: 1 } # &lt;b&gt;"))
    #expect(page.components(separatedBy: "</style>").count == 2, "the style sheet ends once")
  }

  @Test func titlesKeepTheirDirection() throws {
    let page = ReportPage(try sampleReport()).html()
    #expect(page.contains("<span class=\"item-title\" dir=\"auto\">قميص رجالي قطني أزرق</span>"))
  }

  @Test func needsNothingFromOutside() throws {
    let page = ReportPage(try sampleReport()).html()
    #expect(!page.contains("http://") && !page.contains("https://"))
    #expect(page.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\""))
  }

  @Test func theSameDataGivesTheSamePage() throws {
    #expect(ReportPage(try sampleReport()).html() == ReportPage(try sampleReport()).html())
  }

  @Test func everyMarkedFigureIsInTheJSON() throws {
    let data = try sampleReport()
    let json = try JSONSerialization.jsonObject(with: Data(ReportWriter.json(data)))
    let expression = /data-figure="([^"]*)" data-kind="([^"]*)">([^<]*)</
    let marks = ReportPage(data).html().matches(of: expression)
    #expect(marks.count > 80)
    for mark in marks where mark.2 != "text" {
      let kind = try #require(ReportFigure.Kind(rawValue: String(mark.2)))
      let value = try #require(number(in: json, at: String(mark.1)), "\(mark.1)")
      #expect(kind.text(value) == mark.3)
    }
  }

  private func number(in json: Any, at place: String) -> Double? {
    var json = json
    for part in place.split(separator: ".") {
      let next: Any? =
        switch json {
        case let object as [String: Any]: object[String(part)]
        case let list as [[String: Any]] where Int(part) == nil: list.first { $0["key"] as? String == String(part) }
        case let list as [Any]: Int(part).flatMap { list.indices.contains($0) ? list[$0] : nil }
        default: nil
        }
      guard let next else { return nil }
      json = next
    }
    return json as? Double
  }

  @Test func changesSayWhetherTheyAreGood() throws {
    var data = ReportData(pipeline: "p", generation: 2, parent: 1, createdAt: "")
    data.figures = [
      ReportFigure(.collisionRate, 0.02, previous: 0.01), ReportFigure(.utilization, 0.9, previous: 0.8),
      ReportFigure(.items, 10, previous: 12), ReportFigure(.entropy, 5, previous: 5.000_000_1),
    ]
    let page = ReportPage(data).html()
    #expect(
      page.contains("<span class=\"bad\"><span aria-hidden=\"true\">▲ </span>+1.00 pp<span class=\"hidden\">, worse"))
    #expect(
      page.contains("<span class=\"good\"><span aria-hidden=\"true\">▲ </span>+10.00 pp<span class=\"hidden\">, better")
    )
    #expect(page.contains("<span class=\"neutral\"><span aria-hidden=\"true\">▼ </span>−2<"))
    #expect(page.contains("<span class=\"neutral\">unchanged</span> <span class=\"since\">since 1</span>"))
  }

  @Test func figuresThatAreNoNumberAreADash() throws {
    var data = ReportData(pipeline: "p", generation: 2, parent: 1, createdAt: "")
    data.figures = [ReportFigure(.reconstructionError, .nan, previous: 1), ReportFigure(.items, .infinity)]
    #expect(ReportPage(data).html().components(separatedBy: ">–</span>").count == 3)
    #expect(String(decoding: try ReportWriter.json(data), as: UTF8.self).contains("\"value\" : \"nan\""))
  }

  @Test func bucketSizesAreBinnedByDoubling() throws {
    var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
    data.buckets = BucketMetrics(bucketSizes: [1, 1, 2, 4, 5, 8, 9, 16, 17, 1_000])
    let page = ReportPage(data).html()
    let labels = page.matches(of: /<th scope="row">([^<]*)</).map { String($0.1) }
    #expect(labels == ["1", "2", "4", "5–8", "9–16", "17–32", "513–1024"])
  }
}

@Suite struct ReportPictureTests {
  @Test func picturesAreEmbeddedOnceAndSmall() throws {
    try withTemporaryDirectory { folder in
      let page = ReportPage(try sampleReport(images: folder)).html()
      let pictures = page.matches(of: /--p\d+:url\(data:image\/jpeg;base64,([A-Za-z0-9+\/=]+)\);/)
      #expect(pictures.count == awkwardTitles.count)
      for picture in pictures {
        let bytes = try #require(Data(base64Encoded: String(picture.1)))
        #expect(bytes.starts(with: [0xFF, 0xD8]) && bytes.count < 12_000)
      }
      #expect(page.utf8.count < 300_000)
      #expect(!page.contains("class=\"pic tile\""))
    }
  }

  @Test func aPictureThatCannotBeReadIsATile() throws {
    try withTemporaryDirectory { folder in
      let broken = "\(folder)/broken.jpg"
      try Data("not a picture".utf8).write(to: URL(fileURLWithPath: broken))
      var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
      let items = [broken, "\(folder)/missing.png"].map {
        ReportItem(id: "a", title: "Men's blue mug", semanticID: "1", imagePath: $0)
      }
      data.worstBuckets = [ReportBucket(codes: "1", size: 2, reason: "same content", items: items)]
      let page = ReportPage(data).html()
      #expect(page.components(separatedBy: "aria-hidden=\"true\">MB</span>").count == 3)
    }
  }

  @Test func aThousandPicturesStayWithinTheBound() throws {
    try withTemporaryDirectory { folder in
      let report = try sampleReport(images: folder)
      let original = try #require(report.worstBuckets[0].items[1].imagePath)
      var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
      let items = try (0..<1_000).map { number in
        let path = "\(folder)/copy-\(number).jpg"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: original)
        return ReportItem(id: "\(number)", title: "", semanticID: "1", imagePath: path)
      }
      data.worstBuckets = [ReportBucket(codes: "1", size: 1_000, reason: "same content", items: items)]
      let page = ReportPage(data).html()
      #expect(page.components(separatedBy: ":url(data:").count == 201)
      #expect(page.utf8.count < 3_000_000)
    }
  }
}
