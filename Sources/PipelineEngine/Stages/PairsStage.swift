internal import BehaviorAlignment
internal import ItemCatalog

/// Mines pairs of items from the training window of the behavior log. Runs again only where the log changed, or the
/// catalogue gained or lost an item of it.
struct PairsStage: Stage {
  let name = StageName.pairs
  let codeVersion = StageCodeVersions.pairs

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.pairs?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let files = PairFiles(context)
    let items = FileSystem.exists(files.items) ? try? PairItems(contentsOf: files.items) : nil
    return try inputs(context, items)
  }

  private func inputs(_ context: RunContext, _ items: PairItems?) throws -> [StageInput] {
    let category = context.configuration.pairs?.categoryAttribute
    return [
      StageInput(name: "interactions", value: try BehaviorLog.signature(context.configuration)),
      StageInput(
        name: "the log's items in the catalogue",
        value: try items?.signature(try context.table(), category: category) ?? "not read yet"),
    ]
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.pairs else {
      throw PipelineError(.internalFault, "stage pairs runs without its section")
    }
    let files = PairFiles(context)
    try FileSystem.makeDirectory(files.folder)
    let signature = try BehaviorLog.signature(context.configuration)
    let (history, items) = try BehaviorLog.read(
      context, name, maximumEventsPerUser: settings.maximumEventsPerUser, rejectedTo: files.rejected)
    let split = try TrainingSplit(history, window: settings.window)
    var figures = PairFigures(history.summary, split.summary)
    let checkpoint = try StageCheckpoint(self, context)
    let known = figures
    let pairs = try checkpoint.goingOn(context) { path in
      // One that cannot be gone on from is begun anew, and so are the figures.
      figures = known
      return try mine(split, items, context, settings, checkpoint: path, &figures)
    }
    let heldOut = split.heldOutPairs()
    figures.add(coverageOf: heldOut, by: pairs)
    try Interruption.check()
    try items.write(to: files.items)
    try heldOut.write(to: files.heldOut, itemCount: history.itemCount)
    try pairs.write(to: files.pairs)
    StageCheckpoint.removeAll(of: name, context)
    var result = StageResult()
    result.outputs = [files.pairs, files.heldOut, files.items]
    result.digest = pairs.fingerprint
    // The log as it was before it was read: one that grew meanwhile is read again.
    result.inputs = try inputs(context, items).map {
      $0.name == "interactions" ? StageInput(name: $0.name, value: signature) : $0
    }
    result.values = ["pairs": pairs.fingerprint, "items": "\(history.itemCount)"]
    result.metrics = figures.metrics
    result.summary =
      "\(pairs.count) pairs of \(split.summary.trainingEvents) interactions; \(heldOut.count) pairs held out"
    return result
  }

  private func mine(
    _ split: TrainingSplit, _ items: PairItems, _ context: RunContext, _ settings: PipelineConfiguration.Pairs,
    checkpoint: String, _ figures: inout PairFigures
  ) throws -> PairTable {
    // Asked from the miners' threads, which do not see the run's own value.
    let interruption = Interruption.current
    var mining = PairMining(
      settings: settings, checkpoint: checkpoint, isCancelled: { interruption.isRequested })
    if let attribute = settings.categoryAttribute {
      mining.categories = try categories(items, try context.table(), attribute)
    }
    var found = figures
    let pairs = try mining.mine(
      split,
      observer: PairMining.Observer(
        willMine: { context.progress(.pairs, "mining \($0.name)", $1, of: $2, unit: "sources") },
        didLearn: { context.progress(.pairs, "training item vectors", $0, of: $1, unit: "epochs") },
        didTrain: { found.add($0) },
        didMine: { found.add($0, $1, seconds: $2) }))
    figures = found
    guard !pairs.isEmpty else { throw AlignmentError(.noPairs, figures.whyNoPairs) }
    return pairs
  }

  private func categories(_ items: PairItems, _ table: ItemTable, _ attribute: String) throws -> [UInt32] {
    let numbers = CategoryKeys.numbers(try CategoryKeys.values(table, attribute: attribute))
    guard numbers.contains(where: { $0 > 0 }) else {
      throw PipelineError(
        .invalidData, "no item has the attribute '\(attribute)' that pairs.filters.category names; correct or remove it"
      )
    }
    let identifiers = try table.identifiers()
    return items.known.map { id in identifiers.index(of: id).map { numbers[$0] } ?? 0 }
  }
}
