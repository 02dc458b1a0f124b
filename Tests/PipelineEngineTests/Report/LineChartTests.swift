import Foundation
import PipelineEngine
import Testing

/// Lines in the report's panels.
@Suite struct LineChartTests {
  private func chart(_ lines: [[Double]]) -> LineChart {
    LineChart(
      title: "Loss", explanation: "In nats.", lines: lines, aside: ("at the end", lines.first?.last), extent: "4 steps")
  }

  @Test func valuesSpanThePanelFromZeroToTheLargest() {
    let html = chart([[4, 2, 1]]).html.text
    #expect(html.contains("<path class=\"curve\" d=\"M0 2L128 37L256 54.50\"/>"), "\(html)")
    #expect(html.contains("at the end 1.0000") && html.contains("most 4.0000"))
    #expect(html.contains("<title>Loss over 4 steps, from 4.0000 to 1.0000</title>"))
    #expect(!html.contains("dot"))
  }

  @Test func theFirstLineIsSolidAndTheOthersAreDashed() {
    let html = chart([[1, 2], [2, 1], [1, 1]]).html.text
    #expect(html.components(separatedBy: "class=\"curve\"").count == 2)
    #expect(html.components(separatedBy: "class=\"curve dashed\"").count == 3)
  }

  /// Three values of which the second is three quarters of the way.
  @Test func placesMayBeUneven() {
    var uneven = chart([[4, 2, 4]])
    uneven.places = [10, 13, 14]
    #expect(uneven.html.text.contains("M0 2L192 37L256 2"))
    // Places that span nothing, or are too few, are even steps.
    for places in [[1.0, 1, 1], [1], []] {
      uneven.places = places
      #expect(uneven.html.text.contains("M0 2L128 37L256 2"), "\(places)")
    }
  }

  @Test func theBottomMayBeAnotherThanZero() {
    var high = chart([[6, 5, 4]])
    high.bottom = 4
    #expect(high.html.text.contains("M0 2L128 37L256 72"))
    #expect(high.html.text.contains("from 4.0000 to 6.0000"))
    // What is below stands on the ground.
    high.bottom = 5
    #expect(high.html.text.contains("L128 72L256 72"))
  }

  @Test func valuesMayBeDotsToo() {
    var dotted = chart([[4, 2, 1]])
    dotted.hasDots = true
    #expect(dotted.html.text.contains("<path class=\"dot\" d=\"M128 37h0\"/>"))
    #expect(dotted.html.text.components(separatedBy: "class=\"dot\"").count == 4)
  }

  @Test func aPlaceMayBeMarked() {
    var marked = chart([[4, 2, 1]])
    marked.mark = 1
    #expect(marked.html.text.contains("<line class=\"mean\" x1=\"128\" x2=\"128\" y1=\"0\" y2=\"72\"/>"))
  }

  @Test func whatIsNoNumberIsLeftOut() {
    let html = chart([[4, .nan, 1, .infinity, 2]]).html.text
    #expect(html.contains("M0 2L128 54.50L256 37"), "\(html)")
    #expect(!html.contains("nan") && !html.contains("inf"))
  }

  @Test(arguments: [[[]], [[0.0, 0]], [[Double.nan]], []] as [[[Double]]])
  func nothingToDrawIsNoPanel(lines: [[Double]]) {
    #expect(chart(lines).html.text.isEmpty)
  }

  @Test func textIsNeverMarkup() {
    var chart = chart([[1, 2]])
    chart = LineChart(
      title: "<b>", explanation: "a & b", lines: chart.lines, aside: ("<i>", 2), extent: "\"x\"")
    let html = chart.html.text
    #expect(!html.contains("<b>") && !html.contains("<i>") && html.contains("&lt;b&gt;") && html.contains("a &amp; b"))
  }
}
