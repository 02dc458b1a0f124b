internal import ItemCatalog
package import NeuralNetworks
package import Quantizers
package import SemanticIDStore
internal import TensorMath

/// The item set of the VQ codes: which items, in which rows, with the vectors that they had when it was chosen. It is
/// frozen as codebooks are, so that a row means the same item in every night; an item that leaves the catalogue stays
/// in the set.
package struct ItemSetFile {
  static let role = "itemSet"
  /// Raised when the same set would give other neighbours than before.
  private static let architecture = "tessera item set 1"

  package let ids: IdentifierColumn
  package let codebook: ItemSetCodebook

  /// The file's contents; the same set gives the same bytes.
  package func fileBytes() throws -> [UInt8] {
    let ends = ids.ends.map { UInt64($0) }
    return try SafetensorsWriter.bytes(
      [
        NamedTensor(name: "vectors", matrix: codebook.vectors),
        NamedTensor(name: "ids", shape: [ids.bytes.count], integers: ids.bytes),
        NamedTensor(name: "ends", shape: [ends.count], integers: ends),
      ], metadata: ["architecture": Self.architecture])
  }

  func write(_ context: RunContext) throws -> String {
    let bytes = try fileBytes()
    var hasher = ContentHasher()
    hasher.updateField(Self.role)
    hasher.update(bytes)
    let fingerprint = hasher.finalize().hex
    let path = context.workspace.model(fingerprint)
    if !FileSystem.exists(path) { try FileSystem.write(bytes, to: path) }
    return fingerprint
  }

  static func read(_ fingerprint: String, _ context: RunContext) throws -> ItemSetFile {
    let path = context.workspace.model(fingerprint)
    do {
      return try ItemSetFile(try SafetensorsFile.read(path, maximumBytes: 1 << 36))
    } catch {
      throw PipelineError(
        .invalidData,
        "'\(path)' cannot be used: \(error); restore the file, or remove it to have a new item set chosen")
    }
  }

  package init(ids: IdentifierColumn, codebook: ItemSetCodebook) {
    self.ids = ids
    self.codebook = codebook
  }

  /// Checks a file's contents, which may be damaged.
  package init(_ file: SafetensorsFile) throws {
    guard file.metadata["architecture"] == Self.architecture else {
      throw PipelineError(.invalidData, "it is not a \"\(Self.architecture)\" file")
    }
    codebook = try ItemSetCodebook(vectors: try file.tensor("vectors").matrix())
    let bytes = try file.tensor("ids").integers(as: UInt8.self)
    let ends = try file.tensor("ends").integers(as: UInt64.self)
    guard ends.count == codebook.count, ends.last == UInt64(bytes.count) else {
      throw PipelineError(.invalidData, "\(ends.count) ids for \(codebook.count) vectors")
    }
    var ids = IdentifierColumn()
    ids.reserveCapacity(rows: ends.count, totalBytes: bytes.count)
    var start = 0
    for end in ends {
      guard end > UInt64(start), end <= UInt64(bytes.count), Int(end) - start <= StoreLimits.identifierBytes else {
        throw PipelineError(.invalidData, "an id ends at byte \(end) of \(bytes.count)")
      }
      ids.append(String(decoding: bytes[start..<Int(end)], as: UTF8.self))
      start = Int(end)
    }
    self.ids = ids
  }

  /// The row of each id.
  func rowOfItem() -> [String: Int32] {
    var rows: [String: Int32] = [:]
    rows.reserveCapacity(ids.count)
    for row in 0..<ids.count { rows[ids[row]] = Int32(row) }
    return rows
  }
}
