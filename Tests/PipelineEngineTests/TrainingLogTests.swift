import Foundation
import NeuralNetworks
import PipelineEngine
import Recommenders
import Testing

/// What is kept of a training's steps, and their share of the machine's best.
@Suite struct TrainingLogTests {
  private func event(_ step: Int, rate: Double? = 50) -> GeneratorTraining.Progress {
    .step(
      TrainingEvent(
        step: step, loss: 5, learningRate: 1e-3, gradientNorm: 1, tokensPerSecond: 10, gigaflopsPerSecond: rate))
  }

  @Test func shortTrainingsAreKeptWhole() {
    var log = TrainingLog(peak: 100)
    #expect(log.note(.started(steps: 20)) == nil && log.plannedSteps == 20)
    for step in 1...20 { _ = log.note(event(step)) }
    #expect(log.kept.map(\.step) == Array(1...20))
  }

  @Test(arguments: [400, 999, 10_000])
  func longOnesAreThinned(steps: Int) {
    var log = TrainingLog(peak: 100)
    _ = log.note(.started(steps: steps))
    for step in 1...steps { _ = log.note(event(step)) }
    #expect(log.kept.first?.step == 1)
    #expect(log.kept.count >= 200 && log.kept.count <= 401, "\(log.kept.count)")
    let gaps = Set(zip(log.kept.dropFirst(), log.kept.dropFirst(2)).map { $1.step - $0.step })
    #expect(gaps.count == 1)
  }

  @Test func aStepsShareIsOfTheBestThatWasSeen() {
    var log = TrainingLog(peak: 100)
    #expect(log.note(event(1))?.peakShare == 0.5)
    // The machine had other work while its best was measured.
    #expect(log.note(event(2, rate: 200))?.peakShare == 1)
    #expect(log.peak == 200)
    #expect(log.note(event(3))?.peakShare == 0.25)
  }

  @Test func withoutARateThereIsNoShare() {
    var log = TrainingLog(peak: 100)
    #expect(log.note(event(1, rate: nil))?.peakShare == nil)
    var unmeasured = TrainingLog(peak: 0)
    #expect(unmeasured.note(event(1, rate: nil))?.peakShare == nil)
    #expect(unmeasured.note(event(2, rate: 0))?.peakShare == nil)
  }

  @Test func onlyStepsAreEvents() throws {
    let measured = try JSONDecoder().decode(
      GeneratorTraining.Measurement.self, from: Data(#"{"epoch":1,"step":2,"loss":3}"#.utf8))
    var log = TrainingLog(peak: 100)
    #expect(log.note(.started(steps: 3)) == nil)
    #expect(log.note(.epoch(measured)) == nil)
    #expect(log.kept.isEmpty)
  }
}
