internal import Foundation
internal import NeuralNetworks

// A checkpoint is a training checkpoint with this metadata: `configuration` and `training` (JSON), `examples` (their
// fingerprint), `epoch`, `best` (its epoch), `measurements` (JSON), and `minimumLoss` and `stepsAbove` of the monitor. The
// best epoch's model lies beside it. That is written first: a run that is stopped between the two finds a better model
// than its checkpoint knows, and makes the same one again.
extension TwoTowerRun {
  private static func bestPath(_ path: String) -> String { path + ".best" }

  /// What tells one training from another.
  private var identity: [String: String] {
    [
      "configuration": sortedJSON(model.configuration), "training": sortedJSON(parameters),
      "examples": examples.fingerprint,
    ]
  }

  func write(to path: String) throws(AlignmentError) {
    if let best, best.epoch == epoch { try best.model.write(to: Self.bestPath(path)) }
    var metadata = identity
    metadata["epoch"] = "\(epoch)"
    metadata["best"] = "\(best?.epoch ?? 0)"
    metadata["measurements"] = sortedJSON(measurements)
    metadata["minimumLoss"] = monitor.minimumLoss.map { "\($0.bitPattern)" }
    metadata["stepsAbove"] = "\(monitor.stepsAbove)"
    do {
      try TrainingCheckpoint(state, metadata: metadata).write(to: path)
    } catch {
      throw AlignmentError(.unwritableModel, error.message)
    }
  }

  /// Goes on where a checkpoint left off; from the start where there is none.
  mutating func resume(from path: String) throws(AlignmentError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do {
      // Settings first: they say more than a tensor of another shape does.
      let found = try TrainingCheckpoint.metadata(of: path)
      guard identity.allSatisfy({ found[$0.key] == $0.value }) else {
        throw AlignmentError(
          .unreadableCheckpoint,
          "\(path) is of a training with other settings or other events; remove it to train anew")
      }
      try read(try TrainingCheckpoint.read(path, for: state.parameters), path)
    } catch let error as AlignmentError {
      // The best epoch's model is part of it.
      throw AlignmentError(.unreadableCheckpoint, error.message)
    } catch {
      throw AlignmentError(.unreadableCheckpoint, "\(error); remove it to train anew")
    }
  }

  private mutating func read(_ checkpoint: TrainingCheckpoint, _ path: String) throws {
    let metadata = checkpoint.metadata
    guard let epoch = metadata["epoch"].flatMap({ Int($0) }), (1...parameters.epochs).contains(epoch),
      let best = metadata["best"].flatMap({ Int($0) }), (1...epoch).contains(best),
      let measurements = metadata["measurements"].flatMap({
        try? JSONDecoder().decode([TwoTowerTraining.Measurement].self, from: Data($0.utf8))
      }), measurements.map(\.epoch) == Array(1...epoch)
    else {
      throw AlignmentError(.unreadableCheckpoint, "\(path) does not say where it stopped; remove it to train anew")
    }
    state = checkpoint.state
    model = TwoTowerModel(model.configuration, model.vocabulary, model.network, state.parameters)
    self.epoch = epoch
    self.measurements = measurements
    monitor = TrainingMonitor(
      parameters.divergence,
      minimumLoss: metadata["minimumLoss"].flatMap { UInt32($0) }.map { Float(bitPattern: $0) },
      stepsAbove: metadata["stepsAbove"].flatMap { Int($0) } ?? 0)
    self.best = (
      best == epoch
        ? model
        : try TwoTowerModel(contentsOf: Self.bestPath(path), itemCount: model.vocabulary.numbers.count), best
    )
    stopWithoutGain()
  }
}
