internal import ArgumentParser
internal import PipelineEngine

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Runs the product's side of a benchmark and prints one JSON line.",
    subcommands: [])
}
