public import SemanticIDStore
internal import TableExport
internal import TensorMath

/// Writes the new generation as tables, each whole or not at all.
struct ExportStage: Stage {
  let name = StageName.export
  let codeVersion = StageCodeVersions.export

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.exportInputs }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    [StageInput(name: "generation", value: try context.manifest(.publish).digest)]
  }

  func run(_ context: RunContext) throws -> StageResult {
    let generation = UInt64(try context.manifest(.publish).values["generation"] ?? "")
    var result = StageResult()
    for (index, export) in context.configuration.export.enumerated() {
      try Interruption.check()
      let path = context.workspace.export(export.path)
      let rows = try GenerationExport.write(
        store: try context.store(), generation: generation, format: export.format, to: path)
      // An NPY export is a folder, whose size says nothing.
      if export.format != "npy" { result.outputs.append(path) }
      context.progress(.export, export.path, index + 1, of: context.configuration.export.count, unit: "tables")
      result.metrics["rows"] = Double(rows)
    }
    result.summary = "\(context.configuration.export.map(\.path).joined(separator: ", "))"
    return result
  }
}

/// Copies a generation from the store into a table.
public enum GenerationExport {
  /// - Parameters:
  ///   - generation: Nil: the one that is served.
  ///   - format: parquet, csv, jsonl or npy.
  ///   - path: The file, or for npy the folder.
  /// - Returns: Rows written.
  public static func write(
    store: SemanticIDStore, generation: UInt64?, format: String, to path: String
  ) throws -> Int {
    guard let format = TableFormat(rawValue: format) else {
      throw PipelineError(.usage, "no format '\(format)'; choose parquet, csv, jsonl or npy")
    }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try FileSystem.makeDirectory(String(path[..<slash]))
    }
    return try store.read(generation: generation) { reader in
      let manifest = reader.manifest
      let stored = try reader.codebooks()
      let sizes = stored.isEmpty ? Array(repeating: 65_536, count: manifest.levels) : stored.map(\.size)
      let description = TableDescription(
        codebookSizes: sizes, generation: manifest.generation, createdBy: "tessera version \(Tessera.version)",
        metadata: [("tessera.pipeline", manifest.properties["pipeline"] ?? "")])
      let writer = try format.makeWriter(
        path: path, description: description,
        codebooks: stored.map {
          CodebookTable(
            centroids: Matrix(rows: $0.size, columns: $0.dimensions, elements: ContiguousArray($0.centroids)),
            prices: $0.prices)
        })
      try append(reader, to: writer)
      return try writer.finish().rows
    }
  }

  private static func append(_ reader: borrowing GenerationReader, to writer: any TableWriter) throws {
    let generation = reader.generation
    try reader.forEachItem { id, record in
      try writer.append(
        SemanticIDRow(
          id: id, codes: record.semanticID.codes, suffix: record.semanticID.suffix, flags: record.flags.rawValue,
          distance: record.distance, generation: generation))
    }
  }
}
