internal import Foundation
internal import ItemCatalog

/// What `tessera check` found.
public struct CheckResult: Sendable, Codable {
  public var items: Int
  public var withText: Int
  public var withImage: Int
  public var rejected: Int
  public var warnings: Int
  public var reasons: [String: Int]
  public var examples: [String]
  /// Events of the behavior log that were read; nil where the pipeline names no log.
  public var interactions: Int?
  /// Events of items that the catalogue does not have.
  public var interactionsOfUnknownItems: Int?

  public var plainText: String {
    var lines = [
      "\(items) items, \(withText) with text, \(withImage) with an image; \(rejected) rejected, \(warnings) warnings"
    ]
    lines += reasons.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
    if let interactions {
      lines.append("\(interactions) interactions, \(interactionsOfUnknownItems ?? 0) of items not in the catalogue")
    }
    lines += examples.map { "  for example \($0)" }
    return lines.joined(separator: "\n")
  }
}

extension Pipeline {
  /// Reads the catalogue as a run would and tells what is in it. What it has to write lies in a temporary folder that
  /// it removes.
  ///
  /// - Throws: What a run would throw, such as for a catalogue with too many bad records.
  public func check() throws -> CheckResult {
    let folder = FileManager.default.temporaryDirectory.path + "/tessera-check-\(getpid())-\(UUID().uuidString)"
    defer { FileSystem.remove(folder) }
    let catalog = configuration.catalog
    let builder = CatalogBuilder(limits: catalog.catalogLimits)
    let previous = FileSystem.exists(workspace.catalog) ? workspace.catalog : nil
    let summary = try builder.build(catalog.source, into: folder, previous: previous)
    try summary.requireRejectedFraction(
      atMost: catalog.maxRejectedFraction, rejectedPath: "rejected.jsonl of a run")
    let behavior = try checkInteractions(catalog, table: folder)
    let examples = summary.examples.prefix(5) + (behavior?.examples.prefix(5) ?? [])
    return CheckResult(
      items: summary.items, withText: summary.withText, withImage: summary.withImage, rejected: summary.rejected,
      warnings: summary.warnings,
      reasons: Dictionary(
        summary.reasons.map { ("\($0.severity.rawValue): \($0.reason.rawValue)", $0.count) }, uniquingKeysWith: +),
      examples: examples.map(\.description), interactions: behavior?.interactions,
      interactionsOfUnknownItems: behavior?.interactionsWithUnknownItems)
  }

  private func checkInteractions(
    _ catalog: PipelineConfiguration.Catalog, table folder: String
  ) throws -> InteractionSummary? {
    guard !catalog.interactions.isEmpty else { return nil }
    let log = try InteractionReader(minimumRating: catalog.minimumRating, limits: catalog.catalogLimits)
      .read(catalog.interactions)
    try log.summary.requireRejectedFraction(
      atMost: catalog.maxRejectedFraction, rejectedPath: "rejected.jsonl of a run")
    return log.check(against: try ItemTable.open(directory: folder).identifiers())
  }
}
