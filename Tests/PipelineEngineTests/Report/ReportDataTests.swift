import Foundation
import PipelineEngine
import Quantizers
import TestSupport
import Testing

@Suite struct ReportDataTests {
  @Test(arguments: [
    (ReportFigure.Kind.count, 0, "0"), (.count, 999, "999"), (.count, 1_000, "1,000"),
    (.count, 12_345_678, "12,345,678"),
    (.count, -1_234, "-1,234"), (.percent, 0.012_345, "1.23%"), (.percent, 1, "100.00%"), (.decimal, 0.25, "0.2500"),
    (.decimal, 12.345, "12.35"), (.decimal, 237.745, "237.7"), (.seconds, 0.0123, "12 ms"), (.seconds, 59.94, "59.9 s"),
    (.seconds, 192.4, "3 min 12 s"), (.seconds, 7_322, "2 h 2 min"), (.bytes, 512, "512 B"), (.bytes, 2_048, "2.0 KiB"),
    (.bytes, 5_000_000, "4.8 MiB"), (.bytes, 2.31e9, "2.15 GiB"), (.decimal, .nan, "–"), (.count, -.infinity, "–"),
  ])
  func writesValuesByTheirKind(kind: ReportFigure.Kind, value: Double, text: String) {
    #expect(kind.text(value) == text)
  }

  @Test(arguments: ReportFigure.Known.allCases)
  func knownFiguresSayWhatTheyAre(known: ReportFigure.Known) {
    let figure = ReportFigure(known, 1)
    #expect(figure.key == known.rawValue)
    #expect(!figure.title.isEmpty && figure.explanation.hasSuffix("."))
  }

  @Test func eachKnownFigureHasItsOwnTitle() {
    #expect(
      Set(ReportFigure.Known.allCases.map { ReportFigure($0, 0).title }).count == ReportFigure.Known.allCases.count)
    #expect(ReportFigure.Known.allCases.filter { ReportFigure($0, 0).isHeadline }.count == 8)
  }

  @Test func levelsKeepTheCurveOfALargeCodebook() {
    let level = ReportLevel(level: 2, LevelMetrics(occupancy: (0..<65_536).map { $0 % 7 == 0 ? 0 : $0 }))
    #expect(level.occupancy.count == ReportLevel.columns)
    #expect(level.occupancy.first == 65_535 && level.occupancy.last == 0)
    #expect(zip(level.occupancy, level.occupancy.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(level.dead == 9_363 && level.size == 65_536 && level.used == 56_173)
    #expect(level.fullest.map(\.code) == [65_535, 65_533, 65_532, 65_531, 65_530])
  }

  @Test func smallLevelsAreShownCodeByCode() {
    let level = ReportLevel(level: 0, LevelMetrics(occupancy: [3, 0, 9]))
    #expect(level.occupancy == [9, 3, 0] && level.items == 12)
    #expect(level.fullest == [.init(code: 2, items: 9), .init(code: 0, items: 3)])
  }

  @Test func readsBackFromItsJSONWithoutImagePaths() throws {
    let data = try withTemporaryDirectory { try sampleReport(images: $0) }
    let read = try JSONDecoder().decode(ReportData.self, from: Data(ReportWriter.json(data)))
    #expect(read == (try sampleReport()))
  }

  @Test func writesPageAndDataIntoTheRunsFolder() throws {
    try withTemporaryDirectory { folder in
      try ReportWriter.write(sampleReport(), into: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["report.html", "report.json"])
    }
  }

  @Test func aMissingFolderIsAClearError() {
    let error = #expect(throws: PipelineError.self) { try ReportWriter.write(sampleReport(), into: "/nonexistent/run") }
    #expect(error?.code == .cannotWrite)
  }
}

@Suite struct HTMLTests {
  @Test func interpolatedTextIsEscaped() {
    let hostile = "<a href='x' title=\"y\">&"
    let html: HTML = "<p>\(hostile)</p>"
    #expect(html.text == "<p>&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;</p>")
  }

  @Test func charactersThatHTMLForbidsAreReplaced() {
    let html: HTML = "\("a\u{0}b\u{1B}c\u{9F}d\te\nf")"
    #expect(html.text == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\te\nf")
  }

  @Test func piecesAreNotEscapedAgain() {
    let inner: HTML = "<b>\("&")</b>"
    let outer: HTML = "<p>\(inner)\([inner, inner])\(7)</p>"
    #expect(outer.text == "<p><b>&amp;</b><b>&amp;</b><b>&amp;</b>7</p>")
  }

  @Test(arguments: [(0.0, "0"), (1.5, "1.50"), (2.05, "2.05"), (-3.25, "-3.25"), (100, "100"), (.nan, "0")])
  func coordinatesHaveTwoDecimals(value: Double, text: String) {
    let html: HTML = "\(number: value)"
    #expect(html.text == text)
  }
}
