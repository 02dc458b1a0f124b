internal import ArgumentParser
internal import Foundation
internal import PipelineEngine
internal import SemanticIDStore

/// The store that a command works on, alone or inside a workspace.
struct StoreArgument: ParsableArguments {
  @Argument(help: "The store's folder, or the workspace that holds it.", completion: .directory)
  var store: String

  /// The store's folder.
  var path: String {
    FileManager.default.fileExists(atPath: store + "/store/data.mdb") ? store + "/store" : store
  }

  /// The item table beside the store; nil where there is none.
  var catalog: String? {
    let folder = (path as NSString).deletingLastPathComponent + "/catalog"
    return FileManager.default.fileExists(atPath: folder) ? folder : nil
  }

  func open(_ mode: SemanticIDStore.Mode = .readOnly) throws -> SemanticIDStore {
    try SemanticIDStore.open(path, mode: mode)
  }
}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes a generation as a table for other programs.")

  @OptionGroup var location: StoreArgument
  @Option(help: "parquet, csv, jsonl or npy.") var format: String
  @Option(help: "The file to write; for npy a folder.", completion: .file()) var to: String
  @Option(help: "The generation; default: the one that is served.") var generation: UInt64?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard ["parquet", "csv", "jsonl", "npy"].contains(format) else {
      throw ValidationError("--format is '\(format)'; choose parquet, csv, jsonl or npy")
    }
  }

  func run() throws {
    output.apply()
    let rows = try GenerationExport.write(store: location.open(), generation: generation, format: format, to: to)
    if output.json { try Output.json(["rows": rows]) } else { Output.figures("\(rows) rows in \(to)") }
  }
}

struct RollbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Serves an earlier generation again. Nothing is copied or deleted.")

  @OptionGroup var location: StoreArgument
  @Option(help: "The generation to serve.") var to: UInt64
  @OptionGroup var output: OutputOptions

  func run() throws {
    guard FileManager.default.fileExists(atPath: location.path + "/data.mdb") else {
      throw PipelineError(.inputMissing, "'\(location.store)' holds no store; name a store's folder or a workspace")
    }
    let manifest = try location.open(.readWrite).rollback(to: to)
    if output.json { return try Output.json(["generation": manifest.generation]) }
    Output.figures("generation \(manifest.generation) is served: \(manifest.items) items")
  }
}
