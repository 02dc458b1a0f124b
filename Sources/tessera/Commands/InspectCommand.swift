internal import ArgumentParser
internal import ItemCatalog
internal import PipelineEngine
internal import SemanticIDStore

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Looks into a store: collisions, codebooks, items, differences, generations.",
    subcommands: [
      InspectCollisions.self, InspectCodebooks.self, InspectItem.self, InspectDiff.self, InspectGenerations.self,
    ])
}

/// What most inspections take.
struct InspectionOptions: ParsableArguments {
  @OptionGroup var location: StoreArgument
  @Option(help: "The generation; default: the one that is served.") var generation: UInt64?
  @Option(help: "How many to show.") var limit: Int?
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    if let limit, !(0...1_000_000).contains(limit) {
      throw ValidationError("--limit is \(limit); give a number from 0 to 1000000")
    }
  }

  func snapshot() throws -> GenerationSnapshot {
    try GenerationSnapshot(store: try location.open(), generation: generation)
  }

  /// Titles and causes, where the workspace's catalogue is beside the store.
  func catalog(_ snapshot: GenerationSnapshot) -> InspectionCatalog? {
    location.catalog.flatMap { folder in
      (try? ItemTable.open(directory: folder)).flatMap { try? InspectionCatalog(table: $0, snapshot: snapshot) }
    }
  }

  func show(_ value: some Encodable, _ text: @autoclosure () -> String) throws {
    if json { try Output.json(value) } else { Output.figures(text()) }
  }
}

struct InspectCollisions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collisions", abstract: "Which items share codes, and why.")
  @OptionGroup var options: InspectionOptions

  func run() throws {
    let snapshot = try options.snapshot()
    let inspection = CollisionInspection(
      snapshot, catalog: options.catalog(snapshot),
      options: CollisionInspection.Options(bucketLimit: options.limit ?? 20))
    try options.show(inspection, inspection.plainText())
  }
}

struct InspectCodebooks: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "codebooks", abstract: "How evenly codes are used.")
  @OptionGroup var options: InspectionOptions

  func run() throws {
    let snapshot = try options.snapshot()
    let inspection = CodebookInspection(
      snapshot, catalog: options.catalog(snapshot), limit: options.limit ?? 10)
    try options.show(inspection, inspection.plainText())
  }
}

struct InspectItem: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "item", abstract: "One item, its semantic ID and who is near it.")
  @OptionGroup var options: InspectionOptions
  @Argument(help: "The item's id.") var id: String

  func run() throws {
    let snapshot = try options.snapshot()
    let inspection = try ItemInspection(
      id, snapshot, store: try options.location.open(), catalog: options.catalog(snapshot),
      limit: options.limit ?? 20)
    try options.show(inspection, inspection.plainText())
  }
}

struct InspectDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "What changed from one generation to another.")
  @OptionGroup var options: InspectionOptions
  @Option(help: "The earlier generation; default: the parent of the later one.") var from: UInt64?

  func run() throws {
    let current = try options.snapshot()
    guard let earlier = from ?? current.manifest.parent else {
      throw PipelineError(
        .inputMissing, "generation \(current.manifest.generation) has no parent; name a generation with --from")
    }
    let previous = try GenerationSnapshot(store: try options.location.open(), generation: earlier)
    let diff = GenerationDiff(
      from: previous, to: current, catalog: options.catalog(current), limit: options.limit ?? 10)
    try options.show(diff, diff.plainText())
  }
}

struct InspectGenerations: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generations", abstract: "Which generations the store has.")
  @OptionGroup var location: StoreArgument
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let list = try GenerationList(store: try location.open())
    if json { try Output.json(list) } else { Output.figures(list.plainText()) }
  }
}
