internal import Synchronization
internal import TensorMath

/// Reads item files, validates every record, and writes an ``ItemTable``.
///
/// Records are parsed on all threads; rows, rejections and hashes come out the same for any number of them.
/// Memory: a few batches of 4 MiB, and per item its id and about 40 bytes.
public struct CatalogBuilder: Sendable {
  public var limits: CatalogLimits

  public init(limits: CatalogLimits = CatalogLimits()) {
    self.limits = limits
  }

  /// Builds the table of `source` in `directory` (created when absent) and lists bad records in
  /// `<directory>/rejected.jsonl`. Files are written under temporary names and renamed at the end, the index last,
  /// so a table is either whole or does not open.
  ///
  /// A bad record is rejected and never stops the build; ask
  /// ``CatalogSummary/requireRejectedFraction(atMost:rejectedPath:)`` whether too many were. A missing or unreadable
  /// file, a damaged gzip file and a CSV file without an `id` column do stop it.
  ///
  /// - Parameter previous: the folder of an earlier table, which may be `directory` itself. Image files whose path,
  ///   size, modification time and inode are as they were keep their hash without being read. A missing or damaged
  ///   earlier table only costs time.
  public func build(
    _ source: CatalogSource, into directory: String, previous: String? = nil
  ) throws(CatalogError) -> CatalogSummary {
    let files = try FilePath.expand(source.items)
    let known = previous.flatMap { try? ImageProbeFile.load(directory: $0) }.map { PreviousImages($0) }
    try OutputFile.createFolder(directory)
    let assembly = try TableAssembly(directory: directory, signature: try start(source, files))
    for file in files {
      try add(file, of: source, previous: known, to: assembly)
    }
    return try assembly.finish()
  }

  /// A hexadecimal digest of everything that decides what ``build(_:into:previous:)`` would write: names, sizes,
  /// modification times and inodes of the item files and of the images that the table in `previous` looked for,
  /// and the settings. Equal to that table's ``ItemTable/sourceSignature`` when nothing changed. Reads no input file;
  /// costs one `stat` per file, shared among the threads.
  ///
  /// Throws when a named item file is missing, or when there is no sound table in `previous`.
  public func sourceSignature(of source: CatalogSource, previous: String) throws(CatalogError) -> String {
    let files = try FilePath.expand(source.items)
    var hasher = try start(source, files)
    let paths = try ImageProbeFile.load(directory: previous).paths()
    let chunkSize = 1024
    let parts = Mutex([[UInt8]](repeating: [], count: (paths.count + chunkSize - 1) / chunkSize))
    Parallelism.forEachChunk(of: paths.count, size: chunkSize) { rows in
      var bytes: [UInt8] = []
      for row in rows {
        let signature = FileStatus(path: paths[row])?.signature ?? .absent
        signature.append(to: &bytes, path: paths[row])
      }
      parts.withLock { [bytes] in $0[rows.lowerBound / chunkSize] = bytes }
    }
    for part in parts.withLock({ $0 }) { hasher.update(part) }
    return hasher.finalize().hex
  }

  /// The part of the source signature that is known before any record is read.
  private func start(_ source: CatalogSource, _ files: [String]) throws(CatalogError) -> ContentHasher {
    var hasher = ContentHasher()
    hasher.updateField("tessera item table \(ItemTableFormat.version)")
    hasher.updateField("\(limits)")
    hasher.updateField(source.imageFolder ?? "")
    hasher.updateField(source.imageRoot ?? "")
    for file in files {
      guard let status = FileStatus(path: file) else {
        throw CatalogError(.inputMissing, "\(file) is gone; expected a file of items.")
      }
      var bytes: [UInt8] = []
      status.signature.append(to: &bytes, path: file)
      hasher.update(bytes)
    }
    hasher.updateField("images")
    return hasher
  }

  private func add(
    _ file: String, of source: CatalogSource, previous: PreviousImages?, to assembly: TableAssembly
  ) throws(CatalogError) {
    let stream = try RecordStream(path: file, limits: limits)
    let roots = try ImageRoots(source: source, itemFile: file)
    let header = try header(of: stream)
    let context = ItemFileContext(
      format: stream.format, header: header, limits: limits, roots: roots, previous: previous)
    assembly.begin(file: file, imageFolder: roots.folder)
    var line = 1 + (stream.header?.lines ?? 0)
    while let batch = try stream.next() {
      for chunk in parse(batch, context) {
        try assembly.add(chunk, firstLine: line)
        line += chunk.lines
      }
      for chunk in batch.chunks { assembly.countBytes(chunk.count) }
      if let dropped = batch.dropped {
        try assembly.list(dropped, firstLine: line)
        line += dropped.lines
      }
    }
  }

  private func header(of stream: RecordStream) throws(CatalogError) -> DelimitedHeader? {
    guard case .delimited(let delimiter) = stream.format, let bytes = stream.header?.bytes else { return nil }
    let header = try DelimitedHeader(bytes, delimiter: delimiter, path: stream.path, limits: limits)
    try header.require(["id"], path: stream.path)
    return header
  }

  /// Parses a batch's chunks on all threads; the results are in the chunks' order.
  private func parse(_ batch: RecordBatch, _ context: ItemFileContext) -> [ParsedChunk] {
    let results = Mutex([ParsedChunk](repeating: ParsedChunk(), count: batch.chunks.count))
    Parallelism.forEachChunk(of: batch.chunks.count, size: 1) { numbers in
      for number in numbers {
        // A copy of its own, so that threads do not contend for the batch's reference count.
        let parsed = context.parse(Array(batch.bytes[batch.chunks[number]]))
        results.withLock { $0[number] = parsed }
      }
    }
    return results.withLock { $0 }
  }
}
