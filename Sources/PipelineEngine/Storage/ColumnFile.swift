internal import Foundation
internal import Glibc
package import TensorMath

/// A numeric type that column files may hold; the raw value of its kind is part of the file's header.
package protocol ColumnElement: BitwiseCopyable, Sendable {
  static var columnKind: UInt32 { get }
  static var zero: Self { get }
}

extension Float: ColumnElement { package static var columnKind: UInt32 { 1 } }
extension UInt8: ColumnElement { package static var columnKind: UInt32 { 2 } }
extension UInt16: ColumnElement { package static var columnKind: UInt32 { 3 } }
extension UInt32: ColumnElement { package static var columnKind: UInt32 { 4 } }
extension UInt64: ColumnElement { package static var columnKind: UInt32 { 5 } }

/// The 64 bytes before the elements: magic, kind, columns, rows, then a checksum of these.
struct ColumnHeader: Equatable {
  static let byteCount = 64
  private static let magic: UInt64 = 0x314C_4F43_5253_5354  // "TSSRCOL1"

  var kind: UInt32
  var columns: UInt32
  var rows: UInt64

  var bytes: [UInt8] {
    var words: [UInt64] = [Self.magic, UInt64(kind) | UInt64(columns) << 32, rows, 0, 0, 0, 0, 0]
    words[7] = Checksum.of(words[..<7])
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
  }

  /// Nil where the bytes are no header.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    let words = (0..<8).map { word in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[word * 8 + $1]) << (8 * UInt64($1)) }
    }
    guard words[0] == Self.magic, words[7] == Checksum.of(words[..<7]) else { return nil }
    kind = UInt32(truncatingIfNeeded: words[1])
    columns = UInt32(truncatingIfNeeded: words[1] >> 32)
    rows = words[2]
  }

  init(kind: UInt32, columns: Int, rows: Int) {
    self.kind = kind
    self.columns = UInt32(columns)
    self.rows = UInt64(rows)
  }
}

/// A row-major table of one element type on disk, written block by block: memory holds one block, never the table.
/// The file appears under its name when it is complete.
package final class ColumnFileWriter<Element: ColumnElement> {
  package let columns: Int
  package private(set) var rows = 0
  private let path: String
  private let file: Int32
  private var isOpen = true

  package init(path: String, columns: Int) throws(PipelineError) {
    self.path = path
    self.columns = columns
    file = unsafe open(path + ".tmp", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileSystem.writeError(path) }
  }

  deinit { if isOpen { close(file) } }

  /// Appends whole rows.
  package func append(_ elements: Span<Element>) throws(PipelineError) {
    precondition(elements.count % columns == 0, "\(elements.count) elements are no whole rows of \(columns)")
    let offset = ColumnHeader.byteCount + rows * columns * MemoryLayout<Element>.stride
    try unsafe FileSystem.writeAll(elements.bytes, to: file, at: offset, path: path)
    rows += elements.count / columns
  }

  /// Writes the header, waits for the disk and gives the file its name.
  package func finish() throws(PipelineError) {
    let header = ColumnHeader(kind: Element.columnKind, columns: columns, rows: rows).bytes
    try unsafe FileSystem.writeAll(header.span.bytes, to: file, at: 0, path: path)
    try FileSystem.flush(file, path: path)
    close(file)
    isOpen = false
    try FileSystem.rename(path + ".tmp", to: path)
  }
}

/// Reads rows of a table that ``ColumnFileWriter`` wrote.
package final class ColumnFileReader<Element: ColumnElement>: Sendable {
  package let columns: Int
  package let rows: Int
  private let path: String
  private let file: Int32

  /// Opens a file and checks that its header and size agree and that it holds what the caller expects.
  package init(path: String, columns expectedColumns: Int? = nil, rows expectedRows: Int? = nil) throws(PipelineError) {
    self.path = path
    file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    var bytes = [UInt8](repeating: 0, count: ColumnHeader.byteCount)
    guard file >= 0, unsafe pread(file, &bytes, bytes.count, 0) == bytes.count, let header = ColumnHeader(bytes),
      header.kind == Element.columnKind, let columns = Int(exactly: header.columns),
      let rows = Int(exactly: header.rows),
      Self.byteCount(rows: rows, columns: columns) == FileSystem.size(of: path)
    else {
      if file >= 0 { close(file) }
      throw Self.damaged(path)
    }
    self.columns = columns
    self.rows = rows
    guard expectedColumns ?? columns == columns, expectedRows ?? rows == rows else {
      throw Self.damaged(path)
    }
  }

  deinit { close(file) }

  private static func byteCount(rows: Int, columns: Int) -> Int? {
    let (elements, overflow) = rows.multipliedReportingOverflow(by: columns)
    let (bytes, byteOverflow) = elements.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    let (total, totalOverflow) = bytes.addingReportingOverflow(ColumnHeader.byteCount)
    return overflow || byteOverflow || totalOverflow ? nil : total
  }

  private static func damaged(_ path: String) -> PipelineError {
    PipelineError(
      .invalidData, "'\(path)' is damaged or of another run; delete it and run again: its stage writes it anew")
  }

  /// The elements of consecutive rows.
  package func read(_ range: Range<Int>) throws(PipelineError) -> ContiguousArray<Element> {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) outside 0..<\(rows)")
    var result = ContiguousArray<Element>(repeating: .zero, count: range.count * columns)
    let stride = MemoryLayout<Element>.stride
    let offset = ColumnHeader.byteCount + range.lowerBound * columns * stride
    let wanted = result.count * stride
    var done = 0
    while done < wanted {
      let count = unsafe result.withUnsafeMutableBytes { buffer in
        unsafe pread(file, buffer.baseAddress! + done, wanted - done, offset + done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.damaged(path) }
      done += count
    }
    return result
  }

  package func readAll() throws(PipelineError) -> ContiguousArray<Element> { try read(0..<rows) }
}

extension ColumnFileReader where Element == Float {
  /// Consecutive rows as a matrix.
  package func matrix(_ range: Range<Int>) throws(PipelineError) -> Matrix {
    Matrix(rows: range.count, columns: columns, elements: try read(range))
  }
}

/// A 64-bit mixing checksum over words (SplitMix64's finalizer, chained): finds damage, resists no attacker.
package enum Checksum {
  package static func of(_ words: some Sequence<UInt64>) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for word in words { state = mix(state ^ word) }
    return state
  }

  package static func of(_ floats: some Sequence<Float>) -> UInt64 {
    of(floats.lazy.map { UInt64($0.bitPattern) })
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
