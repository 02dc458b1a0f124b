internal import ArgumentParser
internal import PipelineEngine

struct FinetuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Tunes the served codes by the recommender's gradients, and publishes them if they prove better.",
    discussion: """
      Brings the pipeline up to date first. Both the served and the tuned codes are tried with several recommenders and \
      as many steps of training; the gate of the section finetune decides by validation queries. Where it refuses, \
      nothing that is served changes, and the exit code is still 0. Where it publishes, exports and report are made \
      again. A run that was stopped goes on where it stopped when the same command is given again.
      """)

  @OptionGroup var file: PipelineArgument
  @Option(
    help: """
      A drill: disturb the tuned codebooks by this share of their size before they are judged, to see the gate refuse.
      """)
  var worsen = 0.0
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...100).contains(worsen) else {
      throw ValidationError("--worsen is \(worsen); give a number from 0 to 100")
    }
  }

  func run() throws {
    output.apply()
    Interruption.watchSignals()
    let outcome = try FineTuning(try file.load(threads: output.threads), observer: output.observer()).run(
      worsening: worsen)
    if output.json { try Output.json(outcome) } else { Output.figures(outcome.plainText()) }
  }
}
