internal import ArgumentParser
internal import PipelineEngine

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Looks into a store.",
    subcommands: [])
}
