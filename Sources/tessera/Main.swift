internal import ArgumentParser
internal import Foundation
internal import PipelineEngine

/// Parses, runs, and turns every error into a message and an exit code.
@main
enum Main {
  static func main() {
    var command: any ParsableCommand
    do {
      command = try TesseraCommand.parseAsRoot()
    } catch {
      TesseraCommand.exit(withError: error)
    }
    do {
      try command.run()
    } catch  where isParserError(error) {
      TesseraCommand.exit(withError: error)
    } catch {
      let failure = PipelineError(wrapping: error)
      Output.error(failure.code == .interrupted ? failure.message : "error: \(failure.message)")
      if failure.code == .internalFault { Output.error("this is a bug in tessera; please report it with the command") }
      exit(failure.exitCode)
    }
  }

  /// Help, versions and wrong usage come as errors of the argument parser, some of whose types are private to it.
  private static func isParserError(_ error: any Error) -> Bool {
    String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}

/// The root of the command line.
struct TesseraCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tessera",
    abstract: "Turns a catalogue of items into semantic IDs, night after night.",
    discussion: """
      Try it: tessera sample shop, then tessera run shop/pipeline.yaml (or Pipelines/sample.yaml).

      Figures go to standard output, everything else to standard error. Exit codes: 0 done, 64 wrong usage, 65 bad \
      data, 66 input missing, 70 a bug, 73 cannot write, 75 locked, try again, 130 stopped by a signal.
      """,
    version: Tessera.version,
    subcommands: [
      SampleCommand.self, RunCommand.self, PlanCommand.self, CheckCommand.self, InspectCommand.self,
      ExportCommand.self, RollbackCommand.self, EncodeCommand.self, PairsCommand.self, AlignCommand.self,
      BehaviorCommand.self, TrainCommand.self,
      EvaluateCommand.self, RecommendCommand.self, FinetuneCommand.self,
      QuantizeCommand.self, PublishCommand.self, ReportCommand.self, ModelsCommand.self, BenchCommand.self,
    ])
}
