internal import NeuralNetworks
internal import TensorMath

/// Writes a folder of arrays that `numpy.load` opens without pickle, also memory-mapped, row by row in step:
///
/// | file | array |
/// |---|---|
/// | `codes.npy` | u2, rows × levels |
/// | `suffixes.npy`, `flags.npy`, `distances.npy`, `generations.npy` | u2, u1, f4, u8, one per row |
/// | `id_bytes.npy`, `id_offsets.npy` | u1, the UTF-8 of all ids, end to end; i8, rows + 1 offsets into it |
/// | `codebooks.safetensors` | `codebook_0` …, f32, size × dimensions; `prices_0` … where codebooks are balanced |
///
/// The id of row `i` is `bytes(id_bytes[id_offsets[i]:id_offsets[i + 1]]).decode()`. NumPy's fixed-width strings would
/// take the longest id's width for every row (four bytes a character), and its objects need pickle; bytes with
/// offsets are also what Arrow's `LargeStringArray.from_buffers` takes as they are.
public final class NPYWriter: TableWriter {
  private let description: TableDescription
  private let codebooks: [CodebookTable]
  private let folder: OutputFolder
  private let codes: NPYArrayFile
  private let suffixes: NPYArrayFile
  private let flags: NPYArrayFile
  private let distances: NPYArrayFile
  private let generations: NPYArrayFile
  private let idBytes: NPYArrayFile
  private let idOffsets: NPYArrayFile
  private var idEnd = 0
  private var rows = 0

  /// - Parameters:
  ///   - path: the folder, new, empty, or an earlier export.
  ///   - codebooks: one per level, or none to leave `codebooks.safetensors` out.
  public init(
    path: String, description: TableDescription, codebooks: [CodebookTable]
  ) throws(TableExportError) {
    precondition(codebooks.isEmpty || codebooks.count == description.levels, "there is one codebook per level, or none")
    self.description = description
    self.codebooks = codebooks
    folder = try OutputFolder(path: path, names: Self.names)
    let base = folder.temporaryPath
    codes = try NPYArrayFile(path: "\(base)/codes.npy", elementType: "<u2", columns: description.levels)
    suffixes = try NPYArrayFile(path: "\(base)/suffixes.npy", elementType: "<u2")
    flags = try NPYArrayFile(path: "\(base)/flags.npy", elementType: "|u1")
    distances = try NPYArrayFile(path: "\(base)/distances.npy", elementType: "<f4")
    generations = try NPYArrayFile(path: "\(base)/generations.npy", elementType: "<u8")
    idBytes = try NPYArrayFile(path: "\(base)/id_bytes.npy", elementType: "|u1")
    idOffsets = try NPYArrayFile(path: "\(base)/id_offsets.npy", elementType: "<i8")
    try idOffsets.append { $0.appendLittleEndian(Int64(0)) }
  }

  /// Every file that the folder may hold.
  static let names = [
    "codes.npy", "suffixes.npy", "flags.npy", "distances.npy", "generations.npy", "id_bytes.npy", "id_offsets.npy",
    "codebooks.safetensors",
  ]

  public func append(_ row: SemanticIDRow) throws(TableExportError) {
    try description.check(row, path: folder.path)
    try codes.append { for code in row.codes { $0.appendLittleEndian(code) } }
    try suffixes.append { $0.appendLittleEndian(row.suffix) }
    try flags.append { $0.append(row.flags) }
    try distances.append { $0.appendLittleEndian(row.distance.bitPattern) }
    try generations.append { $0.appendLittleEndian(row.generation) }
    try idBytes.append { $0.append(contentsOf: row.id.utf8) }
    idEnd += row.id.utf8.count
    try idOffsets.append { $0.appendLittleEndian(Int64(idEnd)) }
    rows += 1
  }

  @discardableResult
  public func finish() throws(TableExportError) -> TableSummary {
    var bytes = 0
    for array in [codes, suffixes, flags, distances, generations] { bytes += try array.finish(rows: rows) }
    bytes += try idBytes.finish(rows: idEnd)
    bytes += try idOffsets.finish(rows: rows + 1)
    bytes += try writeCodebooks()
    try folder.commit()
    return TableSummary(path: folder.path, rows: rows, bytes: bytes)
  }

  private func writeCodebooks() throws(TableExportError) -> Int {
    guard !codebooks.isEmpty else { return 0 }
    let file = try OutputFile(path: "\(folder.temporaryPath)/codebooks.safetensors")
    try file.write(try encodedCodebooks())
    try file.commit()
    return file.size
  }

  private func encodedCodebooks() throws(TableExportError) -> [UInt8] {
    var tensors: [NamedTensor] = []
    for (level, codebook) in codebooks.enumerated() {
      tensors.append(NamedTensor(name: "codebook_\(level)", matrix: codebook.centroids))
      guard let prices = codebook.prices else { continue }
      tensors.append(NamedTensor(name: "prices_\(level)", shape: [prices.count], floats: prices))
    }
    let metadata = Dictionary(description.allMetadata.map { ($0.key, $0.value) }) { _, last in last }
    do {
      return try SafetensorsWriter.bytes(tensors, metadata: metadata)
    } catch {
      throw TableExportError(.cannotWrite, path: folder.path, "the codebooks cannot be written: \(error)")
    }
  }
}
