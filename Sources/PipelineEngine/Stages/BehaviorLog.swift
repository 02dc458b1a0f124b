internal import BehaviorAlignment
internal import ItemCatalog

/// The behavior log as stages read it.
enum BehaviorLog {
  static func reader(_ catalog: PipelineConfiguration.Catalog) -> InteractionReader {
    InteractionReader(minimumRating: catalog.minimumRating, limits: catalog.catalogLimits)
  }

  /// Changes when the log's files do.
  static func signature(_ catalog: PipelineConfiguration.Catalog) throws -> String {
    try reader(catalog).sourceSignature(of: catalog.interactions)
  }

  /// Reads the log and lets go of it: what is kept is a third of its size.
  /// - Parameter rejected: where records that cannot be read are written.
  static func read(
    _ context: RunContext, _ stage: StageName, maximumEventsPerUser: Int, rejectedTo rejected: String
  ) throws -> (history: InteractionHistory, items: PairItems) {
    let catalog = context.configuration.catalog
    context.progress(stage, "reading interactions", 0, of: 1, unit: "steps")
    let log = try reader(catalog).read(catalog.interactions, rejectedTo: rejected)
    try log.summary.requireRejectedFraction(atMost: catalog.maxRejectedFraction, rejectedPath: rejected)
    let items = PairItems(log, catalog: try context.table().identifiers())
    var parameters = InteractionHistory.Parameters()
    parameters.maximumEventsPerUser = maximumEventsPerUser
    return (try InteractionHistory(log, catalog: items.identifiers, parameters: parameters), items)
  }
}
