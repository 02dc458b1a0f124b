internal import Foundation
internal import NeuralNetworks

// A checkpoint is a training checkpoint with this metadata: `configuration` and `training` (JSON), `generation` and
// `codes` (what tells the codes apart), `start` (the fingerprint of the generator it began with, if any), `epoch`, `best` (its epoch), `measurements` (JSON), and
// `minimumLoss` and `stepsAbove` of the monitor. The best
// epoch's generator lies beside it. That is written first: a run that is stopped between the two finds a better
// generator than its checkpoint knows, and makes the same one again.
extension GeneratorRun {
  private static func bestPath(_ path: String) -> String { path + ".best" }

  func write(to path: String) throws(RecommenderError) {
    if let best, best.epoch == epoch { try best.generator.write(to: Self.bestPath(path)) }
    var metadata = CodeGeneration(vocabulary.tokens).metadata
    metadata["configuration"] = Generator.json(configuration)
    metadata["training"] = Generator.json(training)
    metadata["start"] = startFingerprint
    metadata["epoch"] = "\(epoch)"
    metadata["best"] = "\(best?.epoch ?? 0)"
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
  mutating func resume(from path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    // Codes and settings first: they say more than a tensor of another shape does.
    do {
      let metadata = try TrainingCheckpoint.metadata(of: path)
      try CodeGeneration(vocabulary.tokens).check(metadata, of: path)
      guard metadata["configuration"] == Generator.json(configuration),
        metadata["training"] == Generator.json(training), metadata["start"] == startFingerprint
      else {
        throw RecommenderError(
          .unreadableModel,
          "\(path) is of a training with other settings or another start; train with those, or remove it to train anew")
      }
      try read(try TrainingCheckpoint.read(path, for: state.parameters), path)
    } catch let error as RecommenderError {
      throw error
    } catch {
      throw RecommenderError(.unreadableModel, "\(error); remove it to train anew")
    }
  }

  private mutating func read(_ checkpoint: TrainingCheckpoint, _ path: String) throws {
    let metadata = checkpoint.metadata
    guard let epoch = metadata["epoch"].flatMap({ Int($0) }), (1...training.epochs).contains(epoch),
      let best = metadata["best"].flatMap({ Int($0) }), (1...epoch).contains(best),
      let measurements = metadata["measurements"].flatMap({
        try? JSONDecoder().decode([Measurement].self, from: Data($0.utf8))
      }), measurements.map(\.epoch) == Array(1...epoch)
    else {
      throw RecommenderError(.unreadableModel, "\(path) does not say where it stopped; remove it to train anew")
    }
    state = checkpoint.state
    self.epoch = epoch
    self.measurements = measurements
    monitor = TrainingMonitor(
      training.divergence,
      minimumLoss: metadata["minimumLoss"].flatMap { UInt32($0) }.map { Float(bitPattern: $0) },
      stepsAbove: metadata["stepsAbove"].flatMap { Int($0) } ?? 0)
    self.best = (
      best == epoch
        ? generator(state.parameters)
        : try Generator(contentsOf: Self.bestPath(path), tokens: vocabulary.tokens), best
    )
  }
}
