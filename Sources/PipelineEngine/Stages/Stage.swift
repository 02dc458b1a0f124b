/// Raised by whoever changes what a stage makes of the same inputs; stages run again where theirs changed.
enum StageCodeVersions {
  static let catalog = 1
  static let encode = 1
  static let pairs = 1
  static let align = 1
  static let behavior = 1
  static let represent = 1
  static let quantize = 1
  static let resolve = 1
  static let publish = 1
  static let export = 1
  static let train = 2
  static let report = 1
  /// Of `tessera finetune` and `tessera train --stage preference`: what was kept of a run that was stopped.
  static let finetune = 1
  static let preference = 1

  /// Of the stages that decide about codes.
  static let all = [catalog, encode, represent, quantize, resolve]
}

/// One step of a pipeline: declared inputs in, files out.
protocol Stage: Sendable {
  var name: StageName { get }
  var codeVersion: Int { get }

  /// The stage's part of the configuration.
  func settings(_ configuration: PipelineConfiguration) -> [StageInput]

  /// What the stage reads, as digests. Called only when the stages before are up to date.
  func inputs(_ context: RunContext) throws -> [StageInput]

  /// Does the work. Files are written under temporary names and renamed; the engine writes the manifest afterwards.
  func run(_ context: RunContext) throws -> StageResult
}

/// What a stage leaves.
struct StageResult {
  /// Absolute paths of files that have to be there for the stage to count as done.
  var outputs: [String] = []
  /// Identifies what was made; nil: the fingerprint's digest, as the stage is deterministic.
  var digest: String?
  /// Replaces the inputs declared before, where only the work itself tells them.
  var inputs: [StageInput]?
  var values: [String: String] = [:]
  var metrics: [String: Double] = [:]
  /// One line for a person.
  var summary = ""
}
