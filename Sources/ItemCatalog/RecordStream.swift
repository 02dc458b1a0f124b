/// How records stand in a file, by its extension.
enum RecordFormat: Equatable, Sendable {
  case jsonLines
  case delimited(UInt8)

  /// The format that a path's extension names, and whether the file is compressed.
  static func of(_ path: String) throws(CatalogError) -> (format: RecordFormat, isCompressed: Bool) {
    var name = path.lowercased()
    let isCompressed = name.hasSuffix(".gz")
    if isCompressed { name.removeLast(3) }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return (.jsonLines, isCompressed) }
    if name.hasSuffix(".csv") { return (.delimited(UInt8(ascii: ",")), isCompressed) }
    if name.hasSuffix(".tsv") { return (.delimited(UInt8(ascii: "\t")), isCompressed) }
    throw CatalogError(
      .badData,
      "\(path) has an unknown format; expected a name that ends in .jsonl, .ndjson, .csv or .tsv, or with .gz.")
  }
}

/// Where a file's bytes come from, as they are or expanded.
protocol ByteSource: AnyObject {
  /// Appends up to `count` bytes; returns how many, 0 at the end of the file.
  func read(_ count: Int, appendingTo bytes: inout [UInt8]) throws(CatalogError) -> Int
}

/// A file that is read as it is.
final class PlainSource: ByteSource {
  private let file: InputFile
  private var expected: Int

  init(_ file: consuming InputFile) {
    expected = file.size
    self.file = file
  }

  func read(_ count: Int, appendingTo bytes: inout [UInt8]) throws(CatalogError) -> Int {
    // A small file gets a small buffer; one that grew meanwhile is still read to its end.
    let received = try file.read(min(count, max(4096, expected)), appendingTo: &bytes)
    expected -= received
    return received
  }
}

/// Whole records as they came from a file, cut into chunks that can be parsed in parallel.
struct RecordBatch: Sendable {
  var bytes: [UInt8] = []
  /// Ranges of `bytes`, each holding whole records.
  var chunks: [Range<Int>] = []
  /// A record that was left behind unread after the chunks, and the lines it took.
  var dropped: PendingProblem?
}

/// Reads a file's records batch by batch. Memory is bounded by the batch and the record limit, whatever the file.
/// Chunks are cut by position alone, so what is parsed does not depend on the thread count.
final class RecordStream {
  let path: String
  let format: RecordFormat
  /// The first record of a delimited file, and the lines it took.
  private(set) var header: (bytes: [UInt8], lines: Int)?
  private let limits: CatalogLimits
  private let source: any ByteSource
  private var carry: [UInt8] = []
  private var isAtEnd = false
  private var isSkippingLine = false
  private var recoveries = 0

  private static let batchBytes = 4 << 20
  private static let chunkBytes = 128 << 10
  /// After this many open quotes that run to the record limit, whole limits are dropped and not single lines,
  /// so that a hostile file cannot be read over and over.
  private static let recoveryLimit = 64

  init(path: String, limits: CatalogLimits) throws(CatalogError) {
    self.path = path
    self.limits = limits
    let kind = try RecordFormat.of(path)
    format = kind.format
    let file = try InputFile.open(path)
    source = kind.isCompressed ? try GzipInflater(file, limits: limits) : PlainSource(file)
    try fill(upTo: Self.batchBytes)
    if carry.starts(with: [0xEF, 0xBB, 0xBF]) { carry.removeFirst(3) }
    guard case .delimited(let delimiter) = format else { return }
    let first = DelimitedRow.end(of: carry, from: 0, to: carry.count, delimiter: delimiter)
    guard !carry.isEmpty, !first.isQuoteOpen, first.isComplete || isAtEnd else {
      throw CatalogError(.badData, "\(path) has no header line; expected the columns' names in the first line.")
    }
    header = (Array(carry[..<first.index]), first.lines)
    carry.removeFirst(first.index)
  }

  /// The next records; nil at the end of the file.
  func next() throws(CatalogError) -> RecordBatch? {
    if isSkippingLine { try skipLine() }
    while true {
      try fill(upTo: carry.count + Self.batchBytes)
      guard !carry.isEmpty else { return nil }
      var batch = RecordBatch()
      swap(&batch.bytes, &carry)
      let used: Int
      switch format {
      case .jsonLines: used = cutLines(&batch)
      case .delimited(let delimiter): used = cutRows(&batch, delimiter)
      }
      if used < batch.bytes.count { carry = Array(batch.bytes[used...]) }
      if !batch.chunks.isEmpty || batch.dropped != nil { return batch }
    }
  }

  private func fill(upTo count: Int) throws(CatalogError) {
    // Room for all of it and for the read that finds the end: what is not touched costs nothing, growing costs copies.
    if !isAtEnd { carry.reserveCapacity(count + 4096) }
    while !isAtEnd && carry.count < count {
      let received = try source.read(min(count - carry.count, 1 << 20), appendingTo: &carry)
      if received == 0 { isAtEnd = true }
    }
  }

  private func skipLine() throws(CatalogError) {
    isSkippingLine = false
    while true {
      let newline = ByteScanning.firstNewline(in: carry, from: 0, to: carry.count)
      if newline < carry.count {
        carry.removeFirst(newline + 1)
        return
      }
      carry.removeAll(keepingCapacity: true)
      try fill(upTo: Self.chunkBytes)
      if carry.isEmpty { return }
    }
  }

  /// Cuts JSON Lines at newlines; returns how many bytes are used up.
  private func cutLines(_ batch: inout RecordBatch) -> Int {
    let count = batch.bytes.count
    var end = count
    if !isAtEnd {
      while end > 0, batch.bytes[end - 1] != 0x0A { end -= 1 }
    }
    var start = 0
    while start < end {
      let target = min(end, start + Self.chunkBytes) - 1
      let newline = ByteScanning.firstNewline(in: batch.bytes, from: target, to: end)
      let chunkEnd = min(end, newline + 1)
      batch.chunks.append(start..<chunkEnd)
      start = chunkEnd
    }
    guard count - end > limits.recordBytes else { return end }
    batch.dropped = PendingProblem(line: 0, problem: tooLong())
    isSkippingLine = true
    return count
  }

  /// Cuts delimited rows where they end outside quotes; returns how many bytes are used up.
  private func cutRows(_ batch: inout RecordBatch, _ delimiter: UInt8) -> Int {
    let count = batch.bytes.count
    var chunkStart = 0
    var start = 0
    defer { if chunkStart < start { batch.chunks.append(chunkStart..<start) } }
    while start < count {
      let record = DelimitedRow.end(of: batch.bytes, from: start, to: count, delimiter: delimiter)
      if record.isComplete || (isAtEnd && !record.isQuoteOpen) {
        start = record.index
        if start - chunkStart >= Self.chunkBytes {
          batch.chunks.append(chunkStart..<start)
          chunkStart = start
        }
      } else if isAtEnd || count - start > limits.recordBytes {
        return drop(&batch, from: start, isQuoteOpen: record.isQuoteOpen)
      } else {
        break
      }
    }
    return start
  }

  /// Leaves behind the record at `start`: only its first line where an open quote may have swallowed good ones.
  private func drop(_ batch: inout RecordBatch, from start: Int, isQuoteOpen: Bool) -> Int {
    let count = batch.bytes.count
    recoveries += 1
    let newline = ByteScanning.firstNewline(in: batch.bytes, from: start, to: count)
    if isQuoteOpen, newline < count || isAtEnd, recoveries <= Self.recoveryLimit {
      let found = "a quote that is still open \(isAtEnd ? "at the end of the file" : "\(count - start) bytes on")"
      batch.dropped = PendingProblem(
        line: 0, problem: RecordProblem("", .invalidRow, found: found, expected: "a closing quote"))
      return min(count, newline + 1)
    }
    let endsLine = isAtEnd && batch.bytes[count - 1] == 0x0A
    let lines = ByteScanning.newlineCount(in: batch.bytes, start..<count) + (endsLine ? 0 : 1)
    batch.dropped = PendingProblem(line: 0, problem: tooLong(), lines: lines)
    isSkippingLine = !isAtEnd
    return count
  }

  private func tooLong() -> RecordProblem {
    RecordProblem(
      "", .tooLong, found: "a record of more than \(limits.recordBytes) bytes",
      expected: "at most \(limits.recordBytes) bytes")
  }
}
