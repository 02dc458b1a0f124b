internal import ArgumentParser
internal import PipelineEngine

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Checks the pipeline file and its catalogue; leaves nothing behind.")

  @OptionGroup var file: PipelineArgument
  @OptionGroup var output: OutputOptions

  func run() throws {
    output.apply()
    let result = try file.load().check()
    if output.json { try Output.json(result) } else { Output.figures(result.plainText) }
  }
}
