internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks

/// A training on its way, in one file that is written whole or not at all: what it carries from step to step, the
/// parameters that were best so far, and what it notes for itself. A training that goes on from it ends bit for bit as one
/// that was not stopped.
struct RunCheckpoint<Progress: Codable> {
  /// Tells trainings apart whose settings, start or data differ: see ``TrainingIdentity``.
  var identity: String
  var state: TrainingState
  /// Nil before anything was measured.
  var best: ParameterSet?
  var monitor: TrainingMonitor
  var progress: Progress
  /// A model that learns beside the first; nil where there is none.
  var companion: Companion?

  struct Companion {
    var state: TrainingState
    /// Nil before anything was measured.
    var best: ParameterSet?
  }

  private static var bestName: String { "best" }
  private static var companionName: String { "companion" }

  func write(to path: String) throws(AlignmentError) {
    do {
      var checkpoint = TrainingCheckpoint(state)
      if let best { checkpoint.attach(best, as: Self.bestName) }
      if let companion {
        checkpoint.attach(companion.state, as: Self.companionName)
        if let best = companion.best { checkpoint.attachLearning(best, as: Self.companionName + "/" + Self.bestName) }
      }
      checkpoint.metadata["identity"] = identity
      checkpoint.metadata["hasBest"] = best == nil ? nil : "yes"
      checkpoint.metadata["minimumLoss"] = monitor.minimumLoss.map { "\($0.bitPattern)" }
      checkpoint.metadata["stepsAbove"] = "\(monitor.stepsAbove)"
      checkpoint.metadata["progress"] = String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)
      try checkpoint.write(to: path)
    } catch {
      throw AlignmentError(.unwritableModel, "the training's checkpoint cannot be written: \(error)")
    }
  }

  /// Nil where there is no file.
  /// - Parameters:
  ///   - model: any parameters of the model that is trained.
  ///   - companion: the run of the model beside it, as it began.
  ///   - isSound: whether what the training noted can be gone on from.
  /// - Throws: ``AlignmentError/Code/unreadableCheckpoint`` for a file of another training, or damaged.
  static func read(
    from path: String, for model: ParameterSet, companion: TrainingState? = nil, identity: String,
    monitor: TrainingMonitor.Parameters, isSound: (TrainingState, Progress) -> Bool
  ) throws(AlignmentError) -> RunCheckpoint? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      // Another training's may have other shapes: that it is another's says more than a tensor of another shape.
      guard try TrainingCheckpoint.metadata(of: path)["identity"] == identity else {
        throw AlignmentError(.unreadableCheckpoint, "is of a training with other settings, another start or other data")
      }
      let file = try TrainingCheckpoint.read(path, for: model)
      guard let text = file.metadata["progress"],
        let progress = try? JSONDecoder().decode(Progress.self, from: Data(text.utf8)), isSound(file.state, progress)
      else { throw AlignmentError(.unreadableCheckpoint, "does not say where it stopped") }
      let best = try file.metadata["hasBest"].map { _ in try file.attachedParameters(bestName, for: model) }
      let second = try companion.map { start in
        Companion(
          state: try file.attachedState(companionName, for: start),
          best: try best.map { _ in
            try file.attachedLearning(companionName + "/" + bestName, for: start.parameters)
          })
      }
      return RunCheckpoint(
        identity: identity, state: file.state, best: best,
        monitor: TrainingMonitor(
          monitor, minimumLoss: file.metadata["minimumLoss"].flatMap { UInt32($0) }.map { Float(bitPattern: $0) },
          stepsAbove: file.metadata["stepsAbove"].flatMap { Int($0) } ?? 0), progress: progress, companion: second)
    } catch let error as AlignmentError {
      throw AlignmentError(error.code, "the checkpoint \(path) \(error.message); remove it to train anew")
    } catch {
      throw AlignmentError(.unreadableCheckpoint, "the checkpoint cannot be read: \(error); remove it to train anew")
    }
  }
}

/// A hash of what a training's course depends on.
struct TrainingIdentity {
  private var hasher = ContentHasher()

  /// - Parameter kind: raised when the same settings and data would be trained otherwise than before.
  init(_ kind: String) { hasher.updateField(kind) }

  mutating func add(_ text: String) { hasher.updateField(text) }

  mutating func add(_ numbers: ContiguousArray<UInt32>) { hasher.updateField(littleEndian(numbers)) }

  var text: String { hasher.finalize().hex }
}
