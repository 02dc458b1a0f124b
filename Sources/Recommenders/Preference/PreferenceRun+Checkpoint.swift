internal import Foundation
internal import NeuralNetworks

// A checkpoint is a training checkpoint with this metadata: `preference` (the parameters, JSON), `models` (what tells
// the generator at the start, the reward model and the judge from others), `epoch`, `preferenceSteps`, `measurements`
// (JSON), and `minimumLoss` and `stepsAbove` of the monitor. It is written behind epochs that the guards let pass, whose
// generator is then the one to keep: an epoch that ended the run is made again, and ends it again.
extension PreferenceRun {
  /// - Throws: ``RecommenderError/Code/unwritableModel``.
  func write(to path: String) throws(RecommenderError) {
    var metadata = CodeGeneration(start.vocabulary.tokens).metadata.merging(identity) { $1 }
    metadata["epoch"] = "\(epoch)"
    metadata["preferenceSteps"] = "\(preferenceSteps)"
    metadata["measurements"] = Generator.json(measurements)
    metadata["minimumLoss"] = monitor.minimumLoss.map { "\($0.bitPattern)" }
    metadata["stepsAbove"] = "\(monitor.stepsAbove)"
    do {
      try TrainingCheckpoint(state, metadata: metadata).write(to: path)
    } catch {
      throw RecommenderError(.unwritableModel, error.message)
    }
  }

  /// Goes on where a checkpoint left off; from the start where there is none.
  /// - Throws: ``RecommenderError/Code/otherGeneration`` and ``RecommenderError/Code/unreadableModel``.
  mutating func resume(from path: String) throws(RecommenderError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do {
      let metadata = try TrainingCheckpoint.metadata(of: path)
      try CodeGeneration(start.vocabulary.tokens).check(metadata, of: path)
      guard identity.allSatisfy({ metadata[$0.key] == $0.value }) else {
        throw RecommenderError(
          .unreadableModel,
          "\(path) is of an alignment with other settings or other models; align with those, or remove it to begin anew"
        )
      }
      try read(try TrainingCheckpoint.read(path, for: state.parameters), path)
    } catch let error as RecommenderError {
      throw error
    } catch {
      throw RecommenderError(.unreadableModel, "\(error); remove it to begin anew")
    }
  }

  private mutating func read(_ checkpoint: TrainingCheckpoint, _ path: String) throws(RecommenderError) {
    let metadata = checkpoint.metadata
    guard let epoch = metadata["epoch"].flatMap({ Int($0) }), (1...parameters.training.epochs).contains(epoch),
      let preferenceSteps = metadata["preferenceSteps"].flatMap({ Int($0) }), preferenceSteps >= 0,
      let measurements = metadata["measurements"].flatMap({
        try? JSONDecoder().decode([Measurement].self, from: Data($0.utf8))
      }), measurements.map(\.epoch) == Array(0...epoch)
    else {
      throw RecommenderError(.unreadableModel, "\(path) does not say where it stopped; remove it to begin anew")
    }
    state = checkpoint.state
    self.epoch = epoch
    self.preferenceSteps = preferenceSteps
    self.measurements = measurements
    monitor = TrainingMonitor(
      parameters.training.divergence,
      minimumLoss: metadata["minimumLoss"].flatMap { UInt32($0) }.map { Float(bitPattern: $0) },
      stepsAbove: metadata["stepsAbove"].flatMap { Int($0) } ?? 0)
    good = (start.with(state.parameters), epoch)
  }

  /// What must be the same for a run to go on.
  private var identity: [String: String] {
    var plain = parameters
    // A set has no order that two programs would write it in.
    let limited = plain.exposure?.items.sorted() ?? []
    plain.exposure?.items = []
    var checksum = Checksum()
    for item in limited { checksum.add(UInt64(item)) }
    return [
      "preference": Generator.json(plain) + " " + checksum.hexadecimal,
      "models": [start.fingerprint, reward.fingerprint, judge?.fingerprint ?? "none"].joined(separator: " "),
    ]
  }
}
