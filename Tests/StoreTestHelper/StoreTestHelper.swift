import Foundation
import SemanticIDStore

/// What the store's tests need a second process for. The first argument says what, the second is the store's folder.
/// Exits with 0, with 65 after an error of the store (its code and message on standard output), and with 64 otherwise.
/// A line on standard output, at once: the tests wait for it.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

@main struct StoreTestHelper {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 2 else { exit(64) }
    do {
      try run(arguments[0], arguments[1], Array(arguments.dropFirst(2)))
    } catch let error as StoreError {
      say("\(error.code.rawValue) \(error.lockHolder ?? 0) \(error.message)")
      exit(65)
    } catch {
      say("other \(error)")
      exit(64)
    }
  }

  static func run(_ command: String, _ path: String, _ rest: [String]) throws {
    switch command {
    case "publish": try publish(path, items: Int(rest[0]) ?? 0, times: Int(rest[1]) ?? 1, keep: Int(rest[2]) ?? 7)
    case "pause": try pause(path, before: rest[0])
    case "hold": try hold(path)
    case "probe": try probe(path)
    case "readers": try occupy(path, readers: Int(rest[0]) ?? 1)
    case "limited": try limited(path, items: Int(rest[0]) ?? 0, beyond: Int(rest[1]) ?? 0)
    case "bench": try bench(path, items: Int(rest[0]) ?? 0)
    default: exit(64)
    }
  }

  /// Every field follows from the generation's seed, so that a mixture of two generations would show.
  static func draft(items count: Int, seed: Int) -> GenerationDraft {
    var items = ItemColumns(levels: 3)
    for row in 0..<count {
      let codes = (0..<3).map { UInt16((row / ($0 + 1) + seed) % 16) }
      items.append(
        id: "item-\(row)", record: ItemRecord(semanticID: SemanticID(codes: codes), contentHash: UInt64(seed)))
    }
    return GenerationDraft(items: items, properties: ["seed": "\(seed)"])
  }

  static func options(keep: Int = 7) -> SemanticIDStore.PublishOptions {
    var options = SemanticIDStore.PublishOptions()
    options.transactionBytes = 20_000
    options.keepGenerations = keep
    return options
  }

  static func publish(_ path: String, items: Int, times: Int, keep: Int) throws {
    let store = try open(path, .readWrite)
    for _ in 0..<times {
      let seed = Int(try store.currentGeneration() ?? 0) + 1
      say("published \(try store.publish(draft(items: items, seed: seed), options: options(keep: keep)).generation)")
    }
  }

  /// Publishes where no file may grow more than `beyond` bytes past what the data file has: writes fail or come short.
  static func limited(_ path: String, items: Int, beyond: Int) throws {
    let store = try open(path, .readWrite)
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/data.mdb")
    let bytes = UInt((attributes[.size] as? Int ?? 0) + beyond)
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(64) }
    let seed = Int(try store.currentGeneration() ?? 0) + 1
    let manifest = try store.publish(draft(items: items, seed: seed), options: options(keep: 2))
    say("published \(manifest.generation)")
  }

  /// Stops in a publish, before the named step, until standard input ends.
  static func pause(_ path: String, before step: String) throws {
    let store = try open(path, .readWrite)
    var options = options()
    options.progress = { progress in
      guard progress.step.rawValue == step, progress.completed == 0 else { return }
      say("paused")
      while readLine() != nil {}
    }
    say("published \(try store.publish(draft(items: 200, seed: 77), options: options).generation)")
  }

  /// Reads one generation slowly: says which, waits for standard input to end, then reads all of it.
  static func hold(_ path: String) throws {
    let store = try open(path, .readOnly)
    try store.read { reader in
      say("holding \(reader.generation)")
      while readLine() != nil {}
      let columns = try reader.columns()
      let seeds = Set(columns.contentHashes)
      guard columns.count == reader.count, seeds.count <= 1 else { throw StoreError(.damaged, "mixed generations") }
      say("read \(reader.generation) \(columns.count) \(seeds.first ?? 0)")
    }
    say("now \(try store.read { $0.generation })")
  }

  /// Reads everything there is: the check that comes before opening, each generation's sums, each item.
  static func probe(_ path: String) throws {
    try SemanticIDStore.checkFile(path)
    let store = try open(path, .readOnly)
    for manifest in try store.generations() {
      try store.verify(generation: manifest.generation)
      try store.read(generation: manifest.generation) { reader in
        try reader.forEachItem { id, record in
          guard try reader.items(exactly: record.semanticID).contains(id) else {
            throw StoreError(.damaged, "\(id) is missing from its bucket")
          }
        }
      }
    }
    say("intact \(try store.currentGeneration() ?? 0)")
  }

  /// Takes `readers` reader slots at once and keeps them until standard input ends.
  static func occupy(_ path: String, readers: Int) throws {
    let store = try open(path, .readOnly)
    func nest(_ depth: Int) throws {
      if depth == 0 {
        say("occupied")
        while readLine() != nil {}
      } else {
        try store.read { _ in try nest(depth - 1) }
      }
    }
    try nest(readers)
  }

  static func bench(_ path: String, items: Int) throws {
    let result = try StoreBenchmark.run(items: items, directory: path)
    say(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
  }

  static func open(_ path: String, _ mode: SemanticIDStore.Mode) throws -> SemanticIDStore {
    var options = SemanticIDStore.Options()
    if let size = ProcessInfo.processInfo.environment["STORE_MAP_SIZE"].flatMap({ Int($0) }) { options.mapSize = size }
    if let readers = ProcessInfo.processInfo.environment["STORE_READERS"].flatMap({ Int($0) }) {
      options.maximumReaders = readers
    }
    return try SemanticIDStore.open(path, mode: mode, options: options)
  }
}
