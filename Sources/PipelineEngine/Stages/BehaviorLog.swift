internal import BehaviorAlignment
internal import ItemCatalog

/// The behavior log as stages read it.
enum BehaviorLog {
  static func reader(_ catalog: PipelineConfiguration.Catalog) -> InteractionReader {
    InteractionReader(minimumRating: catalog.minimumRating, limits: catalog.catalogLimits)
  }

  /// Changes when what the log's files hold does.
  static func signature(_ configuration: PipelineConfiguration) throws -> String {
    try reader(configuration.catalog).sourceSignature(
      of: configuration.catalog.interactions, record: Workspace(root: configuration.workspace).logDigests)
  }

  /// Reads the log.
  /// - Parameter rejected: where records that cannot be read are written; nil for nowhere.
  /// - Throws: where more records are bad than `catalog.maxRejectedFraction` allows.
  static func log(_ catalog: PipelineConfiguration.Catalog, rejectedTo rejected: String?) throws -> InteractionLog {
    let log = try reader(catalog).read(catalog.interactions, rejectedTo: rejected)
    try log.summary.requireRejectedFraction(atMost: catalog.maxRejectedFraction, rejectedPath: rejected ?? "")
    return log
  }

  /// A log by user, on the items of a table.
  static func history(
    _ log: InteractionLog, items: IdentifierTable, maximumEventsPerUser: Int, positive: PositiveFeedback? = nil
  ) throws -> InteractionHistory {
    var parameters = InteractionHistory.Parameters()
    parameters.maximumEventsPerUser = maximumEventsPerUser
    parameters.positive = positive
    return try InteractionHistory(log, catalog: items, parameters: parameters)
  }

  /// Reads the log and lets go of it: what is kept is a third of its size.
  /// - Parameter rejected: where records that cannot be read are written.
  static func read(
    _ context: RunContext, _ stage: StageName, maximumEventsPerUser: Int, rejectedTo rejected: String
  ) throws -> (history: InteractionHistory, items: PairItems) {
    context.progress(stage, "reading interactions", 0, of: 1, unit: "steps")
    let log = try log(context.configuration.catalog, rejectedTo: rejected)
    let items = PairItems(log, catalog: try context.table().identifiers())
    return (try history(log, items: items.identifiers, maximumEventsPerUser: maximumEventsPerUser), items)
  }
}
