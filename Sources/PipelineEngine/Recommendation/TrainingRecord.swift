internal import Foundation
internal import NeuralNetworks
internal import Recommenders

/// How the recommender that is served was trained and what it reached, for the report and for `evaluate`.
struct TrainingRecord: Codable, Equatable {
  /// Whose codes it reads.
  var generation: UInt64
  var parameters: Int
  /// Some of the steps, evenly spread.
  var steps: [TrainingEvent]
  var measurements: [GeneratorTraining.Measurement]
  var stopReason: String?
  /// Nil where nothing is held out.
  var table: EvaluationTable?

  static func path(_ workspace: Workspace) -> String { workspace.stage(.train) + "/training.json" }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try FileSystem.write(String(decoding: try encoder.encode(self), as: UTF8.self), to: path)
  }

  /// Nil where no recommender was trained on this machine, or the file cannot be read: the report then leaves it out.
  static func read(_ path: String) -> TrainingRecord? {
    guard let bytes = try? FileSystem.readSmallFile(path, limit: 16 << 20, what: "record of the training") else {
      return nil
    }
    return try? JSONDecoder().decode(TrainingRecord.self, from: Data(bytes))
  }
}
