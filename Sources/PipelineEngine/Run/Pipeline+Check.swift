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
  /// Files that the configuration names beyond the items.
  public var interactions: [String]

  public var plainText: String {
    var lines = ["\(items) items, \(withText) with text, \(withImage) with an image; \(rejected) rejected, \(warnings) warnings"]
    lines += reasons.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
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
    let folder = FileManager.default.temporaryDirectory.path + "/tessera-check-\(getpid())"
    defer { FileSystem.remove(folder) }
    let catalog = configuration.catalog
    let builder = CatalogBuilder(limits: catalog.catalogLimits)
    let previous = FileSystem.exists(workspace.catalog) ? workspace.catalog : nil
    let summary = try builder.build(catalog.source, into: folder, previous: previous)
    for path in catalog.interactions where !path.contains("*") && !FileSystem.exists(path) {
      throw PipelineError(.inputMissing, "the interactions file '\(path)' does not exist; correct 'catalog.interactions'")
    }
    try summary.requireRejectedFraction(
      atMost: catalog.maxRejectedFraction, rejectedPath: "rejected.jsonl of a run")
    return CheckResult(
      items: summary.items, withText: summary.withText, withImage: summary.withImage, rejected: summary.rejected,
      warnings: summary.warnings,
      reasons: Dictionary(
        summary.reasons.map { ("\($0.severity.rawValue): \($0.reason.rawValue)", $0.count) }, uniquingKeysWith: +),
      examples: summary.examples.prefix(5).map(\.description), interactions: catalog.interactions)
  }
}
