internal import NeuralNetworks
internal import Recommenders

/// How the recommender that is served was trained and what it reached, for the report and for `evaluate`.
struct TrainingRecord: StageRecord, Equatable {
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
}
