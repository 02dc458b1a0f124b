import NeuralNetworks
import PipelineEngine
import Testing

@Suite struct ProgressLineTests {
  private func line(_ completed: Int, of total: Int) -> ProgressLine {
    ProgressLine(stage: "encode", step: "embedding", completed: completed, total: total, unit: "items")
  }

  @Test func theBarFillsInEighths() {
    #expect(line(0, of: 100).bar(seconds: 0).contains("  " + String(repeating: " ", count: 24) + " 0 %"))
    #expect(line(50, of: 100).bar(seconds: 0).contains(String(repeating: "█", count: 12) + "            "))
    #expect(line(1, of: 192).bar(seconds: 0).contains("▏"))
    #expect(line(100, of: 100).bar(seconds: 0).contains(String(repeating: "█", count: 24) + " 100 %"))
    #expect(line(300, of: 100).bar(seconds: 0).contains("100 %"))
  }

  @Test func everyBarHasTheSameWidth() {
    let widths = Set((0...192).map { line($0, of: 192).bar(seconds: 0).prefix { $0 != "%" }.count })
    #expect(widths.max()! - widths.min()! <= 2)
  }

  @Test func rateAndRemainingTimeFollowFromThePast() {
    #expect(
      line(100, of: 400).plain(seconds: 10) == "encode: embedding: 100 of 400 items, 25 %, 10 items/s, 30.0 s left")
    #expect(line(5, of: 10).plain(seconds: 10).hasSuffix("50 %, 2.0 s each, 10.0 s left"))
    #expect(line(2, of: 10).plain(seconds: 400).hasSuffix("20 %, 3 min 20 s each, 26 min 40 s left"))
    #expect(line(5, of: 10).plain(seconds: 2).hasSuffix("50 %, 2.5 items/s, 2.0 s left"))
    #expect(line(400, of: 400).plain(seconds: 10).hasSuffix("100 %, 40 items/s"))
    #expect(line(0, of: 0).plain(seconds: 10) == "encode: embedding: 0 of 0 items, 0 %")
  }

  @Test func whatElseIsWorthWatchingComesLast() {
    var line = line(100, of: 400)
    line.detail = "loss 5.1"
    #expect(line.plain(seconds: 10).hasSuffix("30.0 s left; loss 5.1"))
    #expect(line.bar(seconds: 10).hasSuffix("30.0 s left; loss 5.1"))
    #expect(line.plain(seconds: 0).hasSuffix("25 %; loss 5.1"))
  }

  @Test(arguments: [1, 40, 80, 120])
  func aBarStaysOnOneLineOfTheTerminal(columns: Int) {
    var line = line(100, of: 400)
    line.detail = String(repeating: "detail ", count: 20)
    #expect(line.bar(seconds: 10, columns: columns).count == max(1, columns - 1))
    #expect(line.bar(seconds: 10).count > 120)
  }

  @Test func aTrainingStepIsOneShortLine() {
    var event = TrainingEvent(step: 3, loss: 5.12344, learningRate: 0.0019, gradientNorm: 1, tokensPerSecond: 20_999.6)
    #expect(event.progressText == "loss 5.1234, rate 0.00190, 21000 tokens/s")
    event.peakShare = 0.338
    event.expertImbalance = 1.25
    #expect(event.progressText == "loss 5.1234, rate 0.00190, 21000 tokens/s, 34 % of peak, experts 1.2")
  }

  @Test(arguments: [
    (0.0124, "12 ms"), (3.44, "3.4 s"), (125.2, "2 min 5 s"), (3780.0, "1 h 3 min"), (0, "0 ms"), (0.9996, "1.0 s"),
    (59.97, "1 min 0 s"), (59.94, "59.9 s"), (3599.7, "1 h 0 min"), (1e300, "277777 h 46 min"),
  ])
  func durationsAreReadable(seconds: Double, text: String) {
    #expect(ProgressLine.duration(seconds) == text)
  }
}
