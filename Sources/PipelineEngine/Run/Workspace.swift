internal import Foundation
internal import SemanticIDStore

/// Where a pipeline keeps what it makes.
public struct Workspace: Sendable {
  public let root: String

  public init(root: String) { self.root = root }

  /// The semantic-ID store.
  public var store: String { root + "/store" }
  /// The item table and its rejected records.
  public var catalog: String { root + "/catalog" }
  /// Digests of the behavior log's files, so that those that stay are not read again to tell.
  var logDigests: String { catalog + "/log-digests.json" }
  var cache: String { root + "/cache" }
  var models: String { root + "/models" }
  var runs: String { root + "/runs" }
  /// Which recommender goes with which generation.
  var recommenders: String { root + "/recommenders" }
  /// What studies of the pipeline leave, which no stage reads.
  var studies: String { root + "/studies" }

  /// What stages hand each other; a stage's manifest appears last and vouches for its files.
  func stage(_ stage: StageName) -> String { root + "/stages/" + stage.rawValue }
  func stageManifest(_ stage: StageName) -> String { root + "/stages/" + stage.rawValue + ".json" }

  /// What the latest night decided to keep.
  var nightRecord: String { root + "/stages/night.json" }

  /// Where an exported table lies; each generation replaces it whole.
  public func export(_ path: String) -> String { root + "/" + path }

  /// What an export may not be called, because the workspace keeps other things there.
  static let reservedNames: Set<String> = [
    "store", "cache", "models", "catalog", "runs", "stages", "studies", "lock", "recommenders", "unfinished",
  ]

  func model(_ fingerprint: String) -> String { models + "/" + fingerprint + ".safetensors" }

  /// Writes a model under its fingerprint, whole or not at all, unless it is there.
  func keepModel(_ fingerprint: String, _ write: (_ path: String) throws -> Void) throws {
    let path = model(fingerprint)
    guard !FileSystem.exists(path) else { return }
    try write(path + ".tmp")
    try FileSystem.rename(path + ".tmp", to: path)
  }

  /// The store, to read.
  /// - Parameter hint: the command that publishes to it, for the message where nothing did yet.
  func publishedStore(hint: String = "tessera run --until publish") throws -> SemanticIDStore {
    guard FileSystem.exists(store + "/data.mdb") else {
      throw PipelineError(.inputMissing, "nothing is published yet; run '\(hint)' on the pipeline first")
    }
    return try SemanticIDStore.open(store, mode: .readOnly)
  }

  func create() throws(PipelineError) {
    for folder in [root, cache, models, runs, root + "/stages"] { try FileSystem.makeDirectory(folder) }
  }

  /// Runs so far, oldest first.
  var runNumbers: [Int] { FileSystem.contents(of: runs).compactMap { $0.count == 6 ? Int($0) : nil } }

  func run(_ number: Int) -> String {
    let digits = String(number)
    return runs + "/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }
}
