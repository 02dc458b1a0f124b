import Foundation
import PipelineEngine
import TensorMath
import Testing

/// What holds of every chart, whatever its values are.
@Suite struct LineChartPropertyTests {
  private static func chart(_ lines: [[Double]], aside: Double? = 1) -> LineChart {
    LineChart(title: "t", explanation: "e", lines: lines, aside: ("now", aside), extent: "x")
  }

  /// The coordinates of each line's path.
  private static func points(_ html: String) -> [[(x: Double, y: Double)]] {
    html.components(separatedBy: "<path class=\"curve").dropFirst().map { part in
      let path = part.components(separatedBy: "d=\"")[1].prefix { $0 != "\"" }
      return path.split { $0 == "M" || $0 == "L" }.map { point in
        let numbers = point.split(separator: " ").compactMap { Double($0) }
        return (numbers.first ?? .nan, numbers.last ?? .nan)
      }
    }
  }

  private static func value(using random: inout RandomSource) -> Double {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: .nan
    case 1: [.infinity, -.infinity].randomElement(using: &random)!
    case 2: [0, -0.0, 1e300, -1e300, .leastNonzeroMagnitude].randomElement(using: &random)!
    default: Double(random.nextNormal()) * 10
    }
  }

  @Test func everyNumberIsAPointWithinThePanel() {
    var random = RandomSource(seed: 21)
    var drawn = 0
    for _ in 0..<400 {
      let length = Int.random(in: 1...9, using: &random), hasPlaces = Bool.random(using: &random)
      let lines = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        (0..<length).map { _ in Self.value(using: &random) }
      }
      var chart = Self.chart(lines)
      if hasPlaces { chart.places = (0..<length).map { _ in Double(random.nextUniform()) * 50 }.sorted() }
      chart.bottom = [0, -3, 2].randomElement(using: &random)!
      chart.hasDots = true
      let html = chart.html.text
      guard let most = lines.flatMap({ $0 }).filter(\.isFinite).max(), most > chart.bottom else {
        #expect(html.isEmpty)
        continue
      }
      drawn += 1
      let points = Self.points(html)
      #expect(points.map(\.count) == lines.map { $0.count(where: \.isFinite) })
      for line in points {
        #expect(line.allSatisfy { (0...256).contains($0.x) && (2...72).contains($0.y) }, "\(html)")
        #expect(zip(line, line.dropFirst()).allSatisfy { $0.x <= $1.x })
      }
      #expect(html.components(separatedBy: "class=\"dot\"").count - 1 == points.joined().count)
    }
    #expect(drawn > 200)
  }

  @Test func aHigherValueIsNeverDrawnLower() {
    var random = RandomSource(seed: 22)
    for _ in 0..<100 {
      let values = (0..<8).map { _ in Double(random.nextNormal()) }.sorted()
      guard values[7] > 0, let points = Self.points(Self.chart([values]).html.text).first else { continue }
      #expect(zip(points, points.dropFirst()).allSatisfy { $0.y >= $1.y })
      #expect(points[7].y == 2)
    }
  }

  @Test func onePointStandsAtTheLeft() {
    var one = Self.chart([[3]])
    one.hasDots = true
    #expect(one.html.text.contains("<path class=\"curve\" d=\"M0 2\"/>"))
    #expect(one.html.text.contains("<path class=\"dot\" d=\"M0 2h0\"/>"))
    #expect(one.html.text.contains("from 3.0000 to 3.0000"))
    one.places = [7]
    one.mark = 0
    #expect(one.html.text.contains("d=\"M0 2\"") && one.html.text.contains("x1=\"0\" x2=\"0\""))
  }

  @Test func equalValuesAreALineAtTheTop() {
    #expect(Self.chart([[2, 2, 2]]).html.text.contains("M0 2L128 2L256 2"))
    // Where they are the bottom too, there is nothing to see.
    var flat = Self.chart([[2, 2, 2]])
    flat.bottom = 2
    #expect(flat.html.text.isEmpty)
  }

  @Test func withoutAValueBesideTheTitleThereIsNoPanel() {
    #expect(Self.chart([[1, 2]], aside: nil).html.text.isEmpty)
    #expect(!Self.chart([[1, 2]], aside: 0).html.text.isEmpty)
    // Only the first line is named, so it must be there.
    #expect(Self.chart([[], [1, 2]]).html.text.isEmpty)
  }

  @Test func aMarkStandsWhereItsValueDoes() {
    var marked = Self.chart([[1, 2, 4]])
    for (place, x) in [(0, "0"), (1, "128"), (2, "256")] {
      marked.mark = place
      #expect(marked.html.text.contains("<line class=\"mean\" x1=\"\(x)\" x2=\"\(x)\""))
    }
    (marked.places, marked.mark) = ([0, 1, 4], 1)
    #expect(marked.html.text.contains("x1=\"64\" x2=\"64\""))
    marked.mark = nil
    #expect(!marked.html.text.contains("<line"))
  }
}
