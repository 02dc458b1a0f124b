internal import ArgumentParser
internal import ItemCatalog
internal import PipelineEngine

struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Writes a made-up catalogue to try things on.",
    discussion: "A later --night over an earlier one changes about one item in a hundred.")

  @Argument(help: "The folder to write; it is made where it is missing.", completion: .directory)
  var folder: String
  @Option(help: "Items.") var items = 600
  @Option(help: "Users.") var users = 2_000
  @Option(help: "Seed of everything made up.") var seed: UInt64 = 1
  @Option(help: "Which night's catalogue, from 1.") var night = 1
  @Option(help: "Bad records to put in, to see what happens to them.") var faults = 0
  @Flag(inversion: .prefixedNo, help: "Draw images.") var images = true
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...10_000_000).contains(items) else { throw ValidationError("--items must be from 1 to 10000000") }
    guard (0...10_000_000).contains(users) else { throw ValidationError("--users must be from 0 to 10000000") }
    guard (1...10_000).contains(night) else { throw ValidationError("--night must be from 1 to 10000") }
    guard (0...1_000_000).contains(faults) else { throw ValidationError("--faults must be from 0 to 1000000") }
  }

  func run() throws {
    output.apply()
    var parameters = SampleParameters()
    parameters.items = items
    parameters.users = users
    parameters.seed = seed
    parameters.night = night
    parameters.images = images
    parameters.faults = faults
    let summary = try SampleCatalog.write(to: folder, parameters: parameters)
    try SamplePipeline.write(into: folder)
    if output.json {
      return try Output.json([
        "items": summary.items, "images": summary.images, "users": summary.users,
        "interactions": summary.interactions, "faults": summary.faults,
      ])
    }
    guard !output.quiet else { return }
    Output.figures(
      "\(summary.items) items, \(summary.images) images, \(summary.interactions) interactions of \(summary.users) users "
        + "in \(folder); next: tessera run \(folder)/pipeline.yaml")
  }
}
