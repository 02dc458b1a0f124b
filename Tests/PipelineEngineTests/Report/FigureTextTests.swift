import Foundation
import PipelineEngine
import Quantizers
import TensorMath
import TestSupport
import Testing

/// How numbers are written, against what they were.
@Suite struct FigureTextTests {
  @Test func groupedDigitsAreTheNumbersOwn() {
    var random = RandomSource(seed: 1)
    for _ in 0..<500 {
      let value =
        Int.random(in: -10_000_000_000...10_000_000_000, using: &random) >> Int.random(in: 0...33, using: &random)
      let text = ReportFigure.Kind.count.text(Double(value))
      #expect(Int(text.replacingOccurrences(of: ",", with: "")) == value)
      let groups = text.drop { $0 == "-" }.split(separator: ",", omittingEmptySubsequences: false)
      #expect((1...3).contains(groups[0].count) && groups.dropFirst().allSatisfy { $0.count == 3 }, "\(text)")
    }
  }

  @Test(arguments: [
    (999.4, "999"), (999.5, "1,000"), (999_999, "999,999"), (1e6, "1,000,000"), (1e15, "1,000,000,000,000,000"),
    (-999, "-999"),
    (-1_000, "-1,000"),
  ])
  func aCommaStandsBeforeEveryThirdDigit(value: Double, text: String) {
    #expect(ReportFigure.Kind.count.text(value) == text)
  }

  @Test(arguments: [
    (9.999_94, "9.9999"), (10, "10.00"), (-10, "-10.00"), (99.99, "99.99"), (100, "100.0"), (-123.456, "-123.5"),
    (0, "0.0000"),
    (-0.5, "-0.5000"),
  ])
  func decimalsHaveFewerPlacesFromTenAndAHundredOn(value: Double, text: String) {
    #expect(ReportFigure.Kind.decimal.text(value) == text)
  }

  @Test(arguments: [
    (0, "0 ms"), (0.999, "999 ms"), (1, "1.0 s"), (60, "1 min 0 s"), (119.6, "2 min 0 s"), (3_599.4, "59 min 59 s"),
    (3_600, "1 h 0 min"), (90_061, "25 h 1 min"), (1e300, "277777 h 46 min"),
  ])
  func timesHaveTheUnitsOfTheirSize(seconds: Double, text: String) {
    #expect(ReportFigure.Kind.seconds.text(seconds) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_048_576, "1.0 MiB"), (1_073_741_824, "1.00 GiB"),
    (1_099_511_627_776, "1024.00 GiB"),
  ])
  func bytesHaveBinaryUnits(bytes: Double, text: String) { #expect(ReportFigure.Kind.bytes.text(bytes) == text) }

  /// One panel of a level: the outline runs over all columns and ends where it began.
  @Test func aLevelsOutlineFallsFromTheFullestCodeToTheEmptyOnes() throws {
    var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
    data.levels = [ReportLevel(level: 1, LevelMetrics(occupancy: [2, 0, 8, 4]))]
    let page = ReportPage(data).html()
    // Columns of 64, heights of 70 for eight items: 8, 4, 2 and none.
    #expect(page.contains("d=\"M0 72L0 2L64 2L64 37L128 37L128 54.50L192 54.50L192 72L256 72L256 72Z\""))
    #expect(page.contains("<rect class=\"dead\" x=\"192\" y=\"0\" width=\"64\" height=\"72\"/>"))
    #expect(page.contains("the fullest code has 8 items, the mean is 4, 1 codes have none."))
  }

  @Test func aLevelThatNoItemHasIsNoChart() {
    var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
    data.levels = [ReportLevel(level: 1, LevelMetrics(occupancy: [0, 0, 0]))]
    let page = ReportPage(data).html()
    #expect(page.contains("id=\"levels\"") && !page.contains("<svg"))
    #expect(data.levels[0].fullest.isEmpty && data.levels[0].dead == 3)
  }

  /// A sample over all ranks: it begins and ends with the level's own ends, and never rises.
  @Test(arguments: [256, 257, 300, 511, 1000]) func aSampledCurveKeepsItsEnds(size: Int) {
    var random = RandomSource(seed: UInt64(size))
    let occupancy = (0..<size).map { _ in Int.random(in: 0...5000, using: &random) }
    let level = ReportLevel(level: 1, LevelMetrics(occupancy: occupancy))
    #expect(level.occupancy.count == 256)
    #expect(level.occupancy.first == occupancy.max() && level.occupancy.last == occupancy.min())
    #expect(zip(level.occupancy, level.occupancy.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(level.items == occupancy.reduce(0, +))
  }

  /// The histogram's rows hold every bucket and every item once, whatever their sizes.
  @Test func theTableOfBucketSizesCountsEverythingOnce() throws {
    var random = RandomSource(seed: 6)
    for _ in 0..<20 {
      let sizes = (0..<200).map { _ in
        1 << Int.random(in: 0...10, using: &random) + Int.random(in: 0...3, using: &random)
      }
      var data = ReportData(pipeline: "p", generation: 1, parent: nil, createdAt: "")
      data.buckets = BucketMetrics(bucketSizes: sizes)
      let rows = ReportPage(data).html().matches(
        of: /<tr><th scope="row">([0-9]+)(?:–([0-9]+))?<\/th>.*?<td>([0-9,]+)<\/td><td>([0-9,]+)<\/td><td>/
      ).map { row in
        let number = { (text: Substring) in Int(text.replacingOccurrences(of: ",", with: "")) ?? -1 }
        return (
          first: number(row.1), last: row.2.map(number) ?? number(row.1), buckets: number(row.3), items: number(row.4)
        )
      }
      #expect(rows.reduce(0) { $0 + $1.buckets } == sizes.count)
      #expect(rows.reduce(0) { $0 + $1.items } == sizes.reduce(0, +))
      for row in rows {
        let inside = sizes.filter { ($0 >= row.first) && ($0 <= row.last) }
        #expect(inside.count == row.buckets && inside.reduce(0, +) == row.items)
      }
    }
  }
}
