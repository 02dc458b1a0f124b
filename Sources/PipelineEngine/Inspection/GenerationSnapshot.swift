public import Quantizers
public import SemanticIDStore

/// One generation's columns, loaded once, for everything that looks at a generation as a whole.
public struct GenerationSnapshot: Sendable {
  public let manifest: GenerationManifest

  /// Whether the store served this generation when it was loaded.
  public let isCurrent: Bool

  /// Rows in the byte order of item ids.
  public let columns: ItemColumns

  /// The columns' codes, rows × levels.
  public let codes: CodeMatrix

  /// First level first; empty where the generation has none.
  public let codebooks: [StoredCodebook]

  /// Loads a generation, the current one where nil.
  ///
  /// - Throws: `StoreError`, or `PipelineError.inputMissing` for a store without a generation.
  /// - Complexity: O(items); about 30 bytes an item and its id.
  public init(store: SemanticIDStore, generation: UInt64? = nil) throws {
    let current = try store.currentGeneration()
    guard let number = generation ?? current else {
      throw PipelineError(.inputMissing, "the store at \(store.path) has no generation yet; run the pipeline first")
    }
    let loaded = try store.read(generation: number) { reader in
      (manifest: reader.manifest, columns: try reader.columns(), codebooks: try reader.codebooks())
    }
    self.init(
      manifest: loaded.manifest, isCurrent: number == current, columns: loaded.columns, codebooks: loaded.codebooks)
  }

  /// A snapshot of columns that are in memory already; rows must be in the byte order of ids.
  public init(manifest: GenerationManifest, isCurrent: Bool, columns: ItemColumns, codebooks: [StoredCodebook]) {
    self.manifest = manifest
    self.isCurrent = isCurrent
    self.columns = columns
    self.codebooks = codebooks
    codes = CodeMatrix(count: columns.count, levels: columns.levels, elements: columns.codes)
  }

  public var count: Int { columns.count }

  /// Codebook size per level; where the generation has no codebooks, the least sizes that hold its codes.
  public var sizes: [Int] {
    if manifest.codebookSizes.count == codes.levels { return manifest.codebookSizes }
    return (0..<codes.levels).map { level in Int(codes.column(level).max() ?? 0) + 1 }
  }

  /// The row of an item, or nil where the generation lacks it.
  ///
  /// - Complexity: O(log items).
  public func row(of id: String) -> Int? {
    let wanted = Array(id.utf8)
    return row(ofUTF8: wanted.span)
  }

  /// As `row(of:)`, for an id that is UTF-8 already.
  public func row(ofUTF8 id: Span<UInt8>) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      switch columns.ids.compare(row: middle, with: id) {
      case 0: return middle
      case ..<0: low = middle + 1
      default: high = middle
      }
    }
    return nil
  }

  /// Rows whose item the other snapshot has too, by row: the other's row, or -1.
  ///
  /// - Complexity: O(items of both), one pass over two sorted columns.
  public func rows(in other: GenerationSnapshot) -> ContiguousArray<Int> {
    var matches = ContiguousArray(repeating: -1, count: count)
    var candidate = 0
    for row in 0..<count {
      columns.ids.withUTF8(at: row) { id in
        var order = -1
        while candidate < other.count {
          order = other.columns.ids.compare(row: candidate, with: id)
          guard order < 0 else { break }
          candidate += 1
        }
        if candidate < other.count && order == 0 { matches[row] = candidate }
      }
    }
    return matches
  }

  /// What `Churn` compares.
  var churnColumns: Churn.Columns {
    Churn.Columns(
      codes: codes, suffixes: ContiguousArray(columns.suffixes), contentHashes: ContiguousArray(columns.contentHashes))
  }
}

extension IdentifierColumn {
  /// The byte order of a row's id and another: negative, zero or positive.
  func compare(row: Int, with id: Span<UInt8>) -> Int {
    withUTF8(at: row) { own in
      for index in 0..<Swift.min(own.count, id.count) where own[index] != id[index] {
        return own[index] < id[index] ? -1 : 1
      }
      return own.count - id.count
    }
  }
}
