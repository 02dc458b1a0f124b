public import ArgumentParser
public import PipelineEngine

/// The pipeline file that a command works on.
struct PipelineArgument: ParsableArguments {
  @Argument(help: "The pipeline file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var pipeline: String

  /// - Parameter threads: in place of what the file says; nil for that.
  func load(threads: Int? = nil) throws -> Pipeline {
    var configuration = try PipelineConfiguration(contentsOf: pipeline)
    if let threads { configuration.threads = threads }
    return Pipeline(configuration)
  }
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs what is not up to date.",
    discussion: """
      A stage is skipped while its code, its part of the configuration and its inputs are as they were. A run that was \
      stopped or crashed goes on where it stopped when the same command is given again.
      """)

  @OptionGroup var file: PipelineArgument
  @Option(help: "Stop after this stage: \(StageName.words).")
  var until: StageName?
  @Option(
    help: """
      Run this stage again even if nothing changed. Forcing encode, represent or quantize makes anew what is otherwise \
      kept from night to night, and so changes IDs.
      """)
  var force: StageName?
  @Flag(help: "Show what would run and why, and do nothing.")
  var dryRun = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    if dryRun {
      try PlanCommand.show(try file.load(), Pipeline.RunOptions(until: until, force: force), asJSON: output.json)
    } else {
      try PipelineRun(pipeline: file.load(), output: output).execute(Pipeline.RunOptions(until: until, force: force))
    }
  }
}

/// Runs a pipeline and prints what came of it.
struct PipelineRun {
  let pipeline: Pipeline
  let output: OutputOptions

  func execute(_ options: Pipeline.RunOptions) throws {
    for stage in [options.until, options.force].compactMap({ $0 }) where !pipeline.has(stage) {
      throw PipelineError(
        .usage, "the pipeline has no stage '\(stage.rawValue)': add a section '\(stage.rawValue)' to its file")
    }
    output.apply()
    Interruption.watchSignals()
    var configuration = pipeline.configuration
    if let threads = output.threads { configuration.threads = threads }
    let summary = try Pipeline(configuration).run(options, observer: output.observer())
    if output.json { return try Output.json(summary) }
    Output.figures(text(summary))
  }

  private func text(_ summary: RunSummary) -> String {
    let ran = summary.stages.filter { $0.action == .run }
    var lines = ran.map { "\($0.stage.rawValue): \($0.summary)" }
    let time = ProgressLine.duration(summary.seconds)
    if ran.isEmpty { lines.append("nothing to do: everything is up to date") }
    if let generation = summary.generation {
      lines.append("generation \(generation) is served from \(pipeline.workspace.store)")
    }
    lines.append("run \(summary.run) took \(time), peak memory \(summary.peakMemory >> 20) MiB, \(summary.folder)")
    return lines.joined(separator: "\n")
  }
}

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Shows what a run would do, stage by stage, and why.")

  @OptionGroup var file: PipelineArgument
  @Option(help: "The last stage to look at: \(StageName.words).")
  var until: StageName?
  @OptionGroup var output: OutputOptions

  func run() throws {
    output.apply()
    try Self.show(try file.load(), Pipeline.RunOptions(until: until), asJSON: output.json)
  }

  static func show(_ pipeline: Pipeline, _ options: Pipeline.RunOptions, asJSON: Bool) throws {
    let entries = try pipeline.plan(options)
    if asJSON { return try Output.json(entries) }
    Output.figures(
      entries.map { entry in
        pad(entry.stage.rawValue, to: 10) + pad(entry.action.rawValue, to: 8) + entry.reason
      }.joined(separator: "\n"))
  }

  private static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}

extension StageName: ExpressibleByArgument {}

extension StageName {
  static var words: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
