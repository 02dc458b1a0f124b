import Foundation
import NeuralNetworks
import Testing

@Suite struct TrainingMonitorTests {
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func lossesThatAreNotFiniteStopAtOnce(_ loss: Float) throws {
    var monitor = TrainingMonitor()
    try monitor.observe(step: 1, loss: 2)
    let error = #expect(throws: NeuralNetworksError.self) { try monitor.observe(step: 2, loss: loss) }
    #expect(error?.code == .divergedTraining)
    #expect(error?.message.contains("step 2") == true && error?.message.contains("no checkpoint") == true)
  }

  @Test func normsThatAreNotFiniteStopAndTheLastCheckpointIsNamed() throws {
    var monitor = TrainingMonitor()
    try monitor.observe(step: 1, loss: 2, gradientNorm: 1)
    monitor.noteCheckpoint(step: 1, path: "run/last.safetensors")
    let error = #expect(throws: NeuralNetworksError.self) {
      try monitor.observe(step: 2, loss: 2, gradientNorm: .nan)
    }
    #expect(error?.message.contains("of step 1, is run/last.safetensors") == true)
  }

  @Test func aLossFarAboveItsMinimumStopsAfterPatience() throws {
    var monitor = TrainingMonitor(.init(factor: 2, patience: 3))
    try monitor.observe(step: 1, loss: 1)
    for step in 2...3 { try monitor.observe(step: step, loss: 2.5) }
    #expect(!monitor.isHealthy)
    try monitor.observe(step: 4, loss: 1.9)
    #expect(monitor.isHealthy && monitor.minimumLoss == 1)
    for step in 5...6 { try monitor.observe(step: step, loss: 5) }
    let error = #expect(throws: NeuralNetworksError.self) { try monitor.observe(step: 7, loss: 5) }
    #expect(error?.message.contains("step 7") == true)
  }

  @Test func lossesBelowZeroAreWatchedForFinitenessOnly() throws {
    var monitor = TrainingMonitor(.init(factor: 2, patience: 1))
    for (step, loss) in [Float(0), -3, 4, -8, -0.1].enumerated() { try monitor.observe(step: step, loss: loss) }
    #expect(monitor.minimumLoss == 4)
  }

  @Test func eventsAreJSONObjectsThatReadBack() throws {
    let event = TrainingEvent(
      step: 12, loss: 2.5, learningRate: 1e-3, gradientNorm: 0.75, tokensPerSecond: 1234.5, expertImbalance: 1.25)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let line = try encoder.encode(event)
    #expect(!line.contains(UInt8(ascii: "\n")))
    #expect(String(decoding: line, as: UTF8.self).hasPrefix(#"{"expertImbalance":1.25,"gradientNorm":0.75,"#))
    #expect(try JSONDecoder().decode(TrainingEvent.self, from: line) == event)
  }

  @Test func aMonitorGoesOnWhereAnotherStopped() throws {
    var whole = TrainingMonitor(.init(factor: 2, patience: 3))
    try whole.observe(step: 1, loss: 1)
    for step in 2...3 { try whole.observe(step: step, loss: 2.5) }
    var resumed = TrainingMonitor(whole.parameters, minimumLoss: whole.minimumLoss, stepsAbove: whole.stepsAbove)
    #expect(resumed == whole)
    #expect(throws: NeuralNetworksError.self) { try resumed.observe(step: 4, loss: 2.5) }
  }
}
