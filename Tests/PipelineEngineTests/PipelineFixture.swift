import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport

/// A small text-only catalogue and a pipeline over it, in a folder of its own.
struct PipelineFixture {
  let folder: String
  var items: [String: String] = [:]
  var order: [String] = []
  var extra = ""
  /// More lines of the catalogue's section.
  var catalog = ""
  var quantize = "{ sizes: [8, 8], iterations: 5 }"
  var text = "{ model: builtin, dimensions: 32 }"
  var represent = "{ dimensions: 8 }"
  var resolve = "{ policy: relocate }"
  var publish = "{ keepGenerations: 5 }"
  var export = "ids.csv"

  static let words = [
    "red", "green", "blue", "wool", "cotton", "silk", "shirt", "scarf", "lamp", "chair", "table", "knife", "spoon",
    "garden", "kitchen", "winter", "summer", "small", "large", "oak", "steel", "glass",
  ]

  init(folder: String, count: Int = 60) {
    self.folder = folder
    for index in 0..<count { set("item-\(index)", Self.sentence(index)) }
  }

  static func sentence(_ seed: Int) -> String {
    (0..<6).map { words[(seed * 7 + $0 * (seed % 5 + 3)) % words.count] }.joined(separator: " ") + " \(seed % 9)"
  }

  mutating func set(_ id: String, _ text: String) {
    if items[id] == nil { order.append(id) }
    items[id] = text
  }

  mutating func remove(_ id: String) {
    items[id] = nil
    order.removeAll { $0 == id }
  }

  var yaml: String {
    """
    name: tiny
    workspace: work
    catalog:
      items: items.jsonl
    \(catalog)
    encode:
      text: \(text)
    represent: \(represent)
    quantize: \(quantize)
    resolve: \(resolve)
    publish: \(publish)
    export:
      - { format: csv, path: \(export) }
    \(extra)
    """
  }

  /// Writes catalogue and pipeline file and returns the pipeline.
  func pipeline() throws -> Pipeline {
    let lines = order.map { "{\"id\":\"\($0)\",\"title\":\"\($0)\",\"text\":\"\(items[$0] ?? "")\"}\n" }
    let path = folder + "/items.jsonl"
    let content = lines.joined()
    if (try? String(contentsOfFile: path, encoding: .utf8)) != content {
      try content.write(toFile: path, atomically: true, encoding: .utf8)
    }
    try yaml.write(toFile: folder + "/pipeline.yaml", atomically: true, encoding: .utf8)
    return Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml"))
  }

  @discardableResult
  func run(until: StageName? = nil, force: StageName? = nil, observer: any RunObserver = SilentObserver()) throws
    -> RunSummary
  {
    try pipeline().run(Pipeline.RunOptions(until: until, force: force), observer: observer)
  }

  func plan(force: StageName? = nil) throws -> [StageName: PlanEntry] {
    let entries = try pipeline().plan(Pipeline.RunOptions(force: force))
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.stage, $0) })
  }

  /// Semantic IDs and flags by item, of the generation that is served or of another.
  func records(generation: UInt64? = nil) throws -> [String: ItemRecord] {
    let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
    return try store.read(generation: generation) { reader in
      var records: [String: ItemRecord] = [:]
      try reader.forEachItem { id, record in records[id] = record }
      return records
    }
  }

  func generations() throws -> [UInt64] {
    try SemanticIDStore.open(folder + "/work/store", mode: .readOnly).generations().map(\.generation)
  }
}

/// The names of the stages that ran.
func ran(_ summary: RunSummary) -> [StageName] { summary.stages.filter { $0.action == .run }.map(\.stage) }
