internal import ItemCatalog
internal import ItemEncoders
internal import TensorMath

/// Embeds rows of the item table block by block: cache first, encoders for the rest, everything to disk. Memory holds
/// one block and what waits for the cache.
struct EncodingPass {
  /// Rows per block; a run can stop between two.
  static let blockRows = 1024

  struct Statistics {
    /// Rows that have at least one embedding.
    var rows = 0
    var encoded = 0
    var fromCache = 0
    /// Modalities that are there but could not be encoded.
    var failed = 0
    /// Items left without any embedding.
    var dropped = 0
    var byRole: [EncoderRole: (encoded: Int, fromCache: Int)] = [:]
  }

  private let table: ItemTable
  private let roles: [EncoderRole]
  private let encoders: [any ItemEncoder]
  /// Chooses between the encoders of texts where there are several.
  private(set) var router: TextRouting?
  private let cache: EmbeddingCache
  private let rowWriter: ColumnFileWriter<UInt32>
  private let vectorWriters: [ColumnFileWriter<Float>]
  private let presenceWriters: [ColumnFileWriter<UInt8>]
  private let rejectedPath: String
  private var rejected = ""
  private(set) var statistics = Statistics()
  let outputs: [String]

  init(
    table: ItemTable, encoders: [TonightsEncoders.Entry], router: TextRouting?, cache: EmbeddingCache, folder: String
  ) throws {
    self.table = table
    self.router = router
    roles = encoders.map(\.role)
    self.encoders = encoders.map(\.encoder)
    self.cache = cache
    rowWriter = try ColumnFileWriter(path: folder + "/rows.u32", columns: 1)
    vectorWriters = try encoders.map {
      try ColumnFileWriter(path: EncodeFiles.vectors(folder, $0.role), columns: $0.encoder.dimensions)
    }
    presenceWriters = try encoders.map {
      try ColumnFileWriter(path: EncodeFiles.presence(folder, $0.role), columns: 1)
    }
    rejectedPath = folder + "/rejected.jsonl"
    outputs =
      [EncodeFiles.rows(folder), rejectedPath]
      + roles.flatMap { [EncodeFiles.vectors(folder, $0), EncodeFiles.presence(folder, $0)] }
  }

  /// Embeds the given rows, ascending.
  mutating func encode(_ rows: [Int]) throws {
    var items = [Item?](repeating: nil, count: rows.count)
    if router != nil { try load(rows, positions: Set(rows.indices), into: &items) }
    let routes = router?.routes(of: rows.indices.map { table.textHash(at: rows[$0]) == nil ? nil : items[$0] })
    let hashes = roles.map { role in
      rows.indices.map { position -> UInt64? in
        guard role.modality == .text else { return table.imageHash(at: rows[position]) }
        return role.route == routes?[position] ? table.textHash(at: rows[position]) : nil
      }
    }
    var batches: [EncodedBatch] = []
    var misses: [[Int]] = []
    for ((role, encoder), hashes) in zip(zip(roles, encoders), hashes) {
      var vectors = Matrix(rows: rows.count, columns: encoder.dimensions)
      let found = try cache.fill(
        &vectors, encoder: EmbeddingCache.encoderKey(encoder.fingerprint), hashes: hashes)
      batches.append(EncodedBatch(vectors: vectors, isPresent: found))
      misses.append(rows.indices.filter { hashes[$0] != nil && !found[$0] })
      let fromCache = found.count { $0 }
      statistics.fromCache += fromCache
      statistics.byRole[role, default: (0, 0)].fromCache += fromCache
    }
    if router == nil { try load(rows, positions: Set(misses.joined()), into: &items) }
    var failures: [Int: [String]] = [:]
    for index in encoders.indices where !misses[index].isEmpty {
      try encodeMisses(misses[index], items, hashes[index], encoder: index, into: &batches[index], &failures)
    }
    try write(rows, batches, failures)
  }

  /// Reads the items at some positions of `rows`.
  private func load(_ rows: [Int], positions: Set<Int>, into items: inout [Item?]) throws {
    if positions.count == rows.count, let first = rows.first, rows.last == first + rows.count - 1 {
      for (position, item) in try table.items(in: first..<first + rows.count).enumerated() { items[position] = item }
    } else {
      for position in positions.sorted() { items[position] = try table.item(at: rows[position]) }
    }
  }

  private mutating func encodeMisses(
    _ positions: [Int], _ items: [Item?], _ hashes: [UInt64?], encoder number: Int,
    into batch: inout EncodedBatch, _ failures: inout [Int: [String]]
  ) throws {
    let encoder = encoders[number]
    let encoded = try distrusting(encoder) { try encoder.encode(positions.compactMap { items[$0] }) }
    let key = EmbeddingCache.encoderKey(encoder.fingerprint)
    let columns = encoder.dimensions
    for (index, position) in positions.enumerated() where encoded.isPresent[index] {
      let row = encoded.vectors.row(index)
      batch.vectors.elements.replaceSubrange(position * columns..<(position + 1) * columns, with: row)
      batch.isPresent[position] = true
      statistics.encoded += 1
      statistics.byRole[roles[number], default: (0, 0)].encoded += 1
      if let hash = hashes[position] { try cache.insert(row, key: EmbeddingCache.Key(encoder: key, content: hash)) }
    }
    for failure in encoded.failures {
      statistics.failed += 1
      failures[positions[failure.index], default: []].append("\(roles[number].title): \(failure.reason)")
    }
  }

  /// A worker that breaks the protocol may have answered the items before with each other's vectors: none of them may
  /// come back from the cache on a later night.
  private func distrusting<Result>(_ encoder: any ItemEncoder, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as EncoderError where error.code == .workerProtocol {
      try cache.distrust(encoder: EmbeddingCache.encoderKey(encoder.fingerprint))
      throw error
    }
  }

  /// Writes the rows that have an embedding; the others are rejected.
  private mutating func write(_ rows: [Int], _ batches: [EncodedBatch], _ failures: [Int: [String]]) throws {
    let kept = rows.indices.filter { position in batches.contains { $0.isPresent[position] } }
    let isWhole = kept.count == rows.count
    for (index, batch) in batches.enumerated() {
      let vectors = isWhole ? batch.vectors : batch.vectors.selectingRows(kept)
      try vectorWriters[index].append(vectors.elements.span)
      let presence = kept.map { UInt8(batch.isPresent[$0] ? 1 : 0) }
      try presenceWriters[index].append(presence.span)
    }
    let keptRows = kept.map { UInt32(rows[$0]) }
    try rowWriter.append(keptRows.span)
    statistics.rows += kept.count
    statistics.dropped += rows.count - kept.count
    let keptSet = Set(kept)
    for position in rows.indices where !keptSet.contains(position) || failures[position] != nil {
      let severity = keptSet.contains(position) ? "warning" : "error"
      let reason = failures[position]?.joined(separator: "; ") ?? "no modality that the pipeline encodes"
      let id = try table.id(at: rows[position])
      rejected += "{\"severity\":\"\(severity)\",\"id\":\(jsonString(id)),\"stage\":\"encode\","
      rejected += "\"reason\":\(jsonString(reason))}\n"
    }
  }

  /// Completes the files. An encoder that turns out not to be trusted fails before anything is complete.
  mutating func finish() throws {
    for encoder in encoders { try distrusting(encoder) { try encoder.finish() } }
    try cache.flush()
    try FileSystem.write(rejected, to: rejectedPath)
    for writer in vectorWriters { try writer.finish() }
    for writer in presenceWriters { try writer.finish() }
    try rowWriter.finish()
  }
}

/// Where the encode stage leaves its tables.
enum EncodeFiles {
  static func rows(_ folder: String) -> String { folder + "/rows.u32" }
  static func vectors(_ folder: String, _ role: EncoderRole) -> String { folder + "/\(role.name).f32" }
  static func presence(_ folder: String, _ role: EncoderRole) -> String { folder + "/\(role.name).u8" }
}

/// A string as JSON.
func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
