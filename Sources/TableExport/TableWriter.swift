public import TensorMath

/// A table that is being written, row by row, in bounded memory.
///
/// Rows go to a temporary name in the destination's folder; `finish()` syncs and renames, so that a reader sees the
/// old table or the whole new one. A writer that is let go of before `finish()` removes what it wrote.
public protocol TableWriter: AnyObject {
  /// Adds a row. Rows keep the order in which they come.
  func append(_ row: SemanticIDRow) throws(TableExportError)

  /// Completes the table and puts it at its destination. No row may follow.
  @discardableResult
  func finish() throws(TableExportError) -> TableSummary
}

/// What a finished table came to.
public struct TableSummary: Sendable, Equatable {
  /// The file, or the folder for NPY.
  public let path: String
  public let rows: Int
  /// Bytes of all files of the table.
  public let bytes: Int

  package init(path: String, rows: Int, bytes: Int) {
    self.path = path
    self.rows = rows
    self.bytes = bytes
  }
}

/// The formats that a generation can be exported to.
public enum TableFormat: String, Sendable, CaseIterable, Codable {
  case parquet, csv, jsonl, npy

  /// Opens a writer of this format.
  ///
  /// - Parameters:
  ///   - path: the file to write; for `npy` the folder.
  ///   - description: the table's levels and metadata.
  ///   - codebooks: written by `npy` as `codebooks.safetensors`; the other formats have no use for them.
  public func makeWriter(
    path: String, description: TableDescription, codebooks: [CodebookTable] = []
  ) throws(TableExportError) -> any TableWriter {
    Temporaries.collect(in: OutputFile.folder(of: path))
    return switch self {
    case .parquet: try ParquetWriter(path: path, description: description)
    case .csv: try CSVWriter(path: path, description: description)
    case .jsonl: try JSONLinesWriter(path: path, description: description)
    case .npy: try NPYWriter(path: path, description: description, codebooks: codebooks)
    }
  }
}

/// One level's centroids, size × dimensions, and the prices that assignment adds where the codebook is balanced.
public struct CodebookTable: Sendable, Equatable {
  public var centroids: Matrix
  public var prices: [Float]?

  public init(centroids: Matrix, prices: [Float]? = nil) {
    self.centroids = centroids
    self.prices = prices
  }
}

extension TableDescription {
  /// Refuses a row with another number of codes than the table has columns for, or with an endless id.
  func check(_ row: SemanticIDRow, path: String) throws(TableExportError) {
    guard row.codes.count == levels else {
      throw TableExportError(
        .invalidRow, path: path, "item '\(row.id)' has \(row.codes.count) codes, the table has \(levels) levels")
    }
    guard row.id.utf8.count <= Self.longestID else {
      throw TableExportError(
        .invalidRow, path: path, "an id has \(row.id.utf8.count) bytes, at most \(Self.longestID) are written")
    }
  }

  private static var longestID: Int { 65_535 }
}
