internal import ArgumentParser
internal import PipelineEngine

/// Commands that run one stage and what it needs.
protocol StageCommand: ParsableCommand {
  static var stage: StageName { get }
  var file: PipelineArgument { get }
  var output: OutputOptions { get }
}

extension StageCommand {
  func run() throws {
    try PipelineRun(pipeline: file.load(), output: output).execute(Pipeline.RunOptions(until: Self.stage))
  }
}

struct PairsCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "pairs", abstract: "Mines item pairs from behavior: run --until pairs.")
  static let stage = StageName.pairs
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions
}

struct AlignCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "align", abstract: "Trains the aligner on mined pairs: run --until align.")
  static let stage = StageName.align
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions
}

struct BehaviorCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "behavior", abstract: "Learns item vectors from users' sequences: run --until behavior.")
  static let stage = StageName.behavior
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions
}

struct QuantizeCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Assigns codes: run --until quantize.")
  static let stage = StageName.quantize
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions
}

struct PublishCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Publishes a generation: run --until publish.")
  static let stage = StageName.publish
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions
}

struct TrainCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a recommender on the published codes: run --until train.",
    discussion: """
      With --sweep, trains it at the sizes of train.sweep instead, on the generation that is served, and prints what \
      each came to. The recommender that is served stays as it is. The plot of loss against compute is studies/sweep.html \
      in the workspace.

      With --stage preference, aligns the recommender that is served with a reward that is learned from the log, as the \
      section preference says. It takes the recommender's place if the guards let an epoch pass, and the report shows \
      what it came to. An alignment that was stopped goes on where it stopped when the same command is given again.
      """)
  static let stage = StageName.train

  enum TrainingStage: String, ExpressibleByArgument, CaseIterable {
    case recommender, preference
  }

  @OptionGroup var file: PipelineArgument
  @Option(help: "What is trained: recommender or preference.") var stage = TrainingStage.recommender
  @Flag(help: "Train at several sizes and compare them; nothing that is served changes.") var sweep = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !sweep || stage == .recommender else {
      throw ValidationError("--sweep trains recommenders of several sizes; leave out --stage preference")
    }
  }

  func run() throws {
    if stage == .preference { return try align() }
    guard sweep else {
      return try PipelineRun(pipeline: file.load(), output: output).execute(Pipeline.RunOptions(until: Self.stage))
    }
    let pipeline = try file.load()
    RunThreads.set(output.threads ?? pipeline.configuration.threads)
    Interruption.watchSignals()
    let study = try ScalingStudy(pipeline)
    let result = try study.run(observer: output.observer())
    if output.json { return try Output.json(result) }
    Output.figures(result.plainText() + "\nloss against compute: \(study.folder)/sweep.html")
  }

  private func align() throws {
    output.apply()
    Interruption.watchSignals()
    let outcome = try PreferenceAlignment(try file.load(threads: output.threads), observer: output.observer()).run()
    if output.json { try Output.json(outcome) } else { Output.figures(outcome.plainText()) }
  }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Writes the report of the current generation again.")
  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions

  func run() throws {
    try PipelineRun(pipeline: file.load(), output: output).execute(
      Pipeline.RunOptions(until: .report, force: .report))
  }
}
