internal import Synchronization
internal import TensorMath

/// Reads behavior logs: `.csv`, `.tsv`, `.jsonl` or `.ndjson`, each also with `.gz`. Required are `user_id`, `item_id`
/// and one of `timestamp` and `position`; `event`, `rating` and `weight` are optional, other columns are ignored.
public struct InteractionReader: Sendable {
  public var limits: CatalogLimits
  /// Keeps only events with at least this rating. An event without a rating is then left out as well: nobody knows
  /// that it was liked.
  public var minimumRating: Double?

  public init(minimumRating: Double? = nil, limits: CatalogLimits = CatalogLimits()) {
    self.minimumRating = minimumRating
    self.limits = limits
  }

  /// Reads files, or the matches of glob patterns, into one ordered log.
  ///
  /// - Parameters:
  ///   - paths: in order; a pattern's matches in byte order.
  ///   - rejectedPath: a file for the records that were left out, in the shape of the catalogue's `rejected.jsonl`.
  public func read(_ paths: [String], rejectedTo rejectedPath: String? = nil) throws(CatalogError) -> InteractionLog {
    let files = try FilePath.expand(paths)
    var log = InteractionLog()
    var rejections = try RejectionLog(path: rejectedPath)
    for file in files { try read(file, into: &log, &rejections) }
    log.sort()
    try rejections.commit()
    log.summary.interactions = log.count
    log.summary.users = log.users.count
    log.summary.items = log.items.count
    log.summary.ordering = log.ordering
    log.summary.files = files
    log.summary.rejected = rejections.errors
    log.summary.reasons = rejections.reasonCounts
    log.summary.examples = rejections.examples
    return log
  }

  /// A hexadecimal digest of what ``read(_:rejectedTo:)`` would read: the contents of the files, in order, and the
  /// settings. A file that was moved, copied or written anew with the same bytes counts as the same.
  ///
  /// - Parameter record: a file in which digests are kept, so that a file whose size, modification time and inode
  ///   stay is not read again; nil to read all.
  public func sourceSignature(of paths: [String], record: String? = nil) throws(CatalogError) -> String {
    var hasher = ContentHasher()
    hasher.updateField("\(limits)")
    hasher.updateField(minimumRating.map { "\($0)" } ?? "none")
    var digests = FileDigests(record: record)
    for file in try FilePath.expand(paths) {
      hasher.updateField("\(try RecordFormat.of(file))")
      hasher.updateField(try digests.digest(of: file))
    }
    digests.keep()
    return hasher.finalize().hex
  }

  private func read(
    _ file: String, into log: inout InteractionLog, _ rejections: inout RejectionLog
  ) throws(CatalogError) {
    let stream = try RecordStream(path: file, limits: limits)
    let header = try header(of: stream)
    var line = 1 + (stream.header?.lines ?? 0)
    while let batch = try stream.next() {
      for chunk in parse(batch, stream.format, header) {
        for problem in chunk.problems { try rejections.add(problem, file: file, firstLine: line) }
        chunk.append(to: &log)
        line += chunk.lines
      }
      for chunk in batch.chunks { log.summary.bytes += chunk.count }
      if let dropped = batch.dropped {
        try rejections.add(dropped, file: file, firstLine: line)
        line += dropped.lines
      }
    }
  }

  private func header(of stream: RecordStream) throws(CatalogError) -> DelimitedHeader? {
    guard case .delimited(let delimiter) = stream.format, let bytes = stream.header?.bytes else { return nil }
    let header = try DelimitedHeader(bytes, delimiter: delimiter, path: stream.path, limits: limits)
    try header.require(["user_id", "item_id"], path: stream.path)
    if !header.names.contains("timestamp") { try header.require(["position"], path: stream.path) }
    if minimumRating != nil { try header.require(["rating"], path: stream.path) }
    return header
  }

  private func parse(_ batch: RecordBatch, _ format: RecordFormat, _ header: DelimitedHeader?) -> [InteractionChunk] {
    let results = Mutex([InteractionChunk](repeating: InteractionChunk(), count: batch.chunks.count))
    Parallelism.forEachChunk(of: batch.chunks.count, size: 1) { numbers in
      for number in numbers {
        var chunk = InteractionChunk()
        var reader = InteractionRecordReader(format: format, header: header, limits: limits)
        chunk.parse(Array(batch.bytes[batch.chunks[number]]), format, &reader, limits, minimumRating: minimumRating)
        results.withLock { [chunk] in $0[number] = chunk }
      }
    }
    return results.withLock { $0 }
  }
}

/// The interactions of one chunk of records, with identifiers numbered within the chunk.
struct InteractionChunk: Sendable {
  private var users = IdentifierTable()
  private var items = IdentifierTable()
  private var eventNames = IdentifierTable()
  private var rows: [Row] = []
  private(set) var problems: [PendingProblem] = []
  private(set) var lines = 0
  private var belowMinimumRating = 0

  private struct Row {
    var user: Int32
    var item: Int32
    /// -1 for none.
    var event: Int32
    var timestamp: Double
    var position: Double
    var rating: Float
    var weight: Float
  }

  mutating func parse(
    _ bytes: [UInt8], _ format: RecordFormat, _ reader: inout InteractionRecordReader, _ limits: CatalogLimits,
    minimumRating: Double?
  ) {
    var cursor = RecordCursor(format: format)
    while let range = cursor.next(bytes) {
      do throws(RecordProblem) {
        try RecordProblem.requireSize(range.count, limits)
        try add(try reader.read(bytes, range), bytes, reader.scratch, minimumRating)
      } catch {
        let line = cursor.line
        let lost = error.reason == .invalidRow ? cursor.giveUp(bytes) : 1
        problems.append(PendingProblem(line: line, problem: error, lines: lost))
      }
    }
    lines = cursor.line
  }

  private mutating func add(
    _ raw: RawInteraction, _ bytes: [UInt8], _ scratch: [UInt8], _ minimumRating: Double?
  ) throws(RecordProblem) {
    try check(raw.user, "user_id", bytes, scratch)
    try check(raw.item, "item_id", bytes, scratch)
    guard let user = raw.user, let item = raw.item else { return }
    guard !(raw.timestamp.isNaN && raw.position.isNaN) else {
      throw RecordProblem(
        "timestamp", .missing, found: "neither timestamp nor position", expected: "at least one of the two")
    }
    if let event = raw.event { try check(event, "event", bytes, scratch) }
    if let minimumRating, !(raw.rating >= minimumRating) {
      belowMinimumRating += 1
      return
    }
    let eventNumber = raw.event.map { Int32(eventNames.insert($0.isScratch ? scratch : bytes, $0.range).index) } ?? -1
    rows.append(
      Row(
        user: Int32(users.insert(user.isScratch ? scratch : bytes, user.range).index),
        item: Int32(items.insert(item.isScratch ? scratch : bytes, item.range).index),
        event: eventNumber, timestamp: raw.timestamp, position: raw.position, rating: Float(raw.rating),
        weight: Float(raw.weight)))
  }

  private func check(
    _ slice: FieldSlice?, _ name: String, _ bytes: [UInt8], _ scratch: [UInt8]
  ) throws(RecordProblem) {
    let expected = "1 to 255 bytes of UTF-8 without control characters"
    guard let slice, slice.count > 0 else {
      throw RecordProblem(name, slice == nil ? .missing : .empty, found: "nothing", expected: expected)
    }
    let source = slice.isScratch ? scratch : bytes
    guard slice.count <= 255 else {
      throw RecordProblem(name, .tooLong, found: "\(slice.count) bytes", expected: expected)
    }
    guard !ByteScanning.hasControlCharacter(source, slice.range) else {
      throw RecordProblem(
        name, .controlCharacter, found: RecordProblem.excerpt(source, slice.range), expected: expected)
    }
  }

  /// Renumbers the chunk's identifiers and appends its events to a log.
  func append(to log: inout InteractionLog) {
    let userNumbers = Self.merge(users, into: &log.users)
    let itemNumbers = Self.merge(items, into: &log.items)
    let eventNumbers = Self.merge(eventNames, into: &log.eventNames)
    log.summary.belowMinimumRating += belowMinimumRating
    for row in rows {
      log.userIndices.append(userNumbers[Int(row.user)])
      log.itemIndices.append(itemNumbers[Int(row.item)])
      log.timestamps.append(row.timestamp)
      log.positions.append(row.position)
      log.ratings.append(row.rating)
      log.weights.append(row.weight)
      log.events.append(row.event < 0 ? .nan : Float(eventNumbers[Int(row.event)]))
    }
  }

  private static func merge(_ table: IdentifierTable, into target: inout IdentifierTable) -> [Int32] {
    (0..<table.count).map { Int32(target.insert(table, $0)) }
  }
}
