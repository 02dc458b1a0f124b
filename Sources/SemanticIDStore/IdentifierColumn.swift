/// Item ids, one per row, in one arena of UTF-8 bytes: a million ids cost two allocations instead of a million.
public struct IdentifierColumn: Sendable, Hashable {
  package private(set) var bytes: [UInt8] = []
  /// `ends[row]` is where the row's bytes end in `bytes`; they start where the row before ends.
  package private(set) var ends: [Int] = []

  public init() {}

  public init(_ ids: some Sequence<String>) {
    for id in ids { append(id) }
  }

  /// Rows in the column.
  public var count: Int { ends.count }

  /// Makes room for `rows` ids of `totalBytes` bytes together.
  public mutating func reserveCapacity(rows: Int, totalBytes: Int) {
    ends.reserveCapacity(rows)
    bytes.reserveCapacity(totalBytes)
  }

  /// Adds one id. Its length is checked when the column is published, not here.
  public mutating func append(_ id: String) {
    bytes.append(contentsOf: id.utf8)
    ends.append(bytes.count)
  }

  /// Adds one id given as UTF-8.
  public mutating func append(utf8 id: Span<UInt8>) {
    unsafe id.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    ends.append(bytes.count)
  }

  /// Where the row's bytes lie in `bytes`.
  package func byteRange(at row: Int) -> Range<Int> {
    (row == 0 ? 0 : ends[row - 1])..<ends[row]
  }

  /// Lends the row's UTF-8 without copying it.
  public func withUTF8<Result>(at row: Int, _ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
    try body(bytes.span.extracting(byteRange(at: row)))
  }
}

extension IdentifierColumn: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { ends.count }
  public subscript(row: Int) -> String { String(decoding: bytes[byteRange(at: row)], as: UTF8.self) }
}
