internal import Foundation

/// What a run did.
public struct RunSummary: Sendable, Codable {
  public struct Stage: Sendable, Codable {
    public var stage: StageName
    public var action: PlanEntry.Action
    public var reason: String
    public var seconds: Double
    public var summary: String
    public var metrics: [String: Double]
  }

  public var run: Int
  public var folder: String
  public var seconds: Double
  public var stages: [Stage] = []
  /// The generation that is served after the run, where one was published or found current.
  public var generation: String?
  /// Largest resident memory so far, in bytes.
  public var peakMemory: Int
}

/// Keeps a run's account and leaves it as `manifest.json` in the run's folder.
struct RunRecorder {
  private(set) var summary: RunSummary
  private let start = ContinuousClock.now
  private let startedAt = Date()
  private let options: Pipeline.RunOptions

  init(_ context: RunContext, options: Pipeline.RunOptions) {
    self.options = options
    summary = RunSummary(
      run: context.runNumber, folder: context.workspace.run(context.runNumber), seconds: 0, peakMemory: 0)
  }

  mutating func skipped(_ stage: StageName) {
    summary.stages.append(
      RunSummary.Stage(stage: stage, action: .skip, reason: "up to date", seconds: 0, summary: "", metrics: [:]))
  }

  mutating func ran(_ manifest: StageManifest, reason: String, summary line: String) {
    summary.stages.append(
      RunSummary.Stage(
        stage: manifest.stage, action: .run, reason: reason, seconds: manifest.seconds, summary: line,
        metrics: manifest.metrics))
  }

  /// Writes the run's manifest and lets go of the oldest runs.
  mutating func finish(_ context: RunContext, failure: PipelineError?) throws(PipelineError) {
    summary.seconds = start.duration(to: .now).seconds
    summary.peakMemory = peakMemory()
    summary.generation = context.finished[.publish]?.values["generation"]
    try FileSystem.makeDirectory(summary.folder)
    let manifest = RunManifest(
      context, summary: summary, startedAt: startedAt.formatted(.iso8601), failure: failure)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(manifest) else {
      throw PipelineError(.internalFault, "the run's manifest holds a value that JSON cannot")
    }
    try FileSystem.write([UInt8](data), to: summary.folder + "/manifest.json", isDurable: false)
    try gatherRejected(context)
    for number in context.workspace.runNumbers.dropLast(context.configuration.keepRuns) {
      FileSystem.remove(context.workspace.run(number))
    }
  }

  /// What the catalogue and the encoders rejected, in one place.
  private func gatherRejected(_ context: RunContext) throws(PipelineError) {
    guard summary.stages.contains(where: { $0.stage == .encode && $0.action == .run }) else { return }
    var bytes = [UInt8]()
    for path in [context.workspace.catalog, context.workspace.stage(.encode)] where FileSystem.exists(path) {
      bytes += (try? FileSystem.readSmallFile(path + "/rejected.jsonl", limit: 64 << 20, what: "list")) ?? []
    }
    guard !bytes.isEmpty else { return }
    try FileSystem.write(bytes, to: summary.folder + "/rejected.jsonl", isDurable: false)
  }

}

/// The most memory that the process held so far, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  return Int(usage.ru_maxrss) << 10
}

/// `runs/<number>/manifest.json`: everything that is needed to tell what a run did and to do it again.
struct RunManifest: Codable {
  struct Stage: Codable {
    var fingerprint: StageFingerprint
    var digest: String
    var outputs: [StageManifest.Output]
    var values: [String: String]
    var metrics: [String: Double]
  }

  var version: String
  var pipeline: String
  var status: String
  var error: String?
  var startedAt: String
  var threads: Int
  var compute: String
  var seed: UInt64
  var configuration: String
  var night: NightRecord?
  var run: RunSummary
  var stages: [String: Stage] = [:]

  init(_ context: RunContext, summary: RunSummary, startedAt: String, failure: PipelineError?) {
    version = Tessera.version
    pipeline = context.configuration.path
    status = failure == nil ? "done" : failure?.code == .interrupted ? "interrupted" : "failed"
    error = failure?.message
    self.startedAt = startedAt
    threads = RunThreads.current
    compute = context.finished[.quantize]?.values["compute"] ?? "float32"
    seed = context.configuration.seed
    configuration = context.configuration.source
    night = context.night
    run = summary
    for (name, manifest) in context.finished {
      stages[name.rawValue] = Stage(
        fingerprint: manifest.fingerprint, digest: manifest.digest, outputs: manifest.outputs,
        values: manifest.values, metrics: manifest.metrics)
    }
  }
}
