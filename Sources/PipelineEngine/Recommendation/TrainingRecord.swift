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
  /// What became of users' sessions; nil where training learns none, or happened before they were counted.
  var sessions: SessionSummary?
  /// Nil where nothing is held out.
  var table: EvaluationTable?

  static func path(_ workspace: Workspace) -> String { workspace.stage(.train) + "/training.json" }
}
