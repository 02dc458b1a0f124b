/// Puts parsed chunks together, in input order, into the files of an item table.
final class TableAssembly {
  private let directory: String
  private var data: OutputFile
  private var index: OutputFile
  private var images: OutputFile
  private var rejections: RejectionLog
  private var identifiers = IdentifierTable()
  /// Where each row's record stood: file number in the upper 20 bits, line in the lower 44.
  private var origins: [UInt64] = []
  private var files: [String] = []
  private var folders: [String] = []
  private var folder: UInt32 = 0
  private var dataOffset = UInt64(ItemTableFormat.dataHeaderBytes)
  private var indexChecksum: UInt32 = 0
  private var imagesChecksum: UInt32 = 0
  private var imageCount = 0
  private var digest = ContentHasher()
  private var signature: ContentHasher
  private var summary = CatalogSummary()

  /// - Parameter signature: what is known of the source before any record is read.
  init(directory: String, signature: ContentHasher) throws(CatalogError) {
    self.directory = directory
    self.signature = signature
    data = try OutputFile.create(directory + "/" + ItemTableFormat.dataName)
    index = try OutputFile.create(directory + "/" + ItemTableFormat.indexName)
    images = try OutputFile.create(directory + "/" + ItemTableFormat.imagesName)
    rejections = try RejectionLog(path: directory + "/" + ItemTableFormat.rejectedName)
    try data.append([UInt8](repeating: 0, count: ItemTableFormat.dataHeaderBytes))
    try index.append([UInt8](repeating: 0, count: ItemTableFormat.indexHeaderBytes))
    try images.append([UInt8](repeating: 0, count: ItemTableFormat.imagesHeaderBytes))
  }

  /// Starts the records of another file.
  func begin(file: String, imageFolder: String) {
    files.append(file)
    if folders.last != imageFolder { folders.append(imageFolder) }
    folder = UInt32(folders.count - 1)
  }

  func countBytes(_ count: Int) { summary.bytes += count }

  /// Lists a problem of the current file's chunk that starts at `firstLine`.
  func list(_ problem: PendingProblem, firstLine: Int) throws(CatalogError) {
    try rejections.add(problem, file: files.last ?? "", firstLine: firstLine)
  }

  /// Adds a chunk of the current file whose first line is `firstLine`.
  func add(_ chunk: ParsedChunk, firstLine: Int) throws(CatalogError) {
    var duplicates: [Int: RecordProblem] = [:]
    var entries: [UInt8] = []
    var digested: [UInt8] = []
    entries.reserveCapacity(chunk.items.count * ItemTableFormat.entryBytes)
    digested.reserveCapacity(chunk.items.count * 32)
    var runStart = 0
    for item in chunk.items {
      let idRange = item.range.lowerBound + 1..<item.range.lowerBound + 1 + Int(chunk.data[item.range.lowerBound])
      let (row, isNew) = identifiers.insert(chunk.data, idRange)
      guard isNew else {
        duplicates[item.line] = duplicate(of: row, RecordProblem.excerpt(chunk.data, idRange))
        try data.append(chunk.data[runStart..<item.range.lowerBound])
        runStart = item.range.upperBound
        continue
      }
      origins.append(UInt64(files.count - 1) << 44 | UInt64(firstLine + item.line))
      append(item, to: &entries)
      digested.append(contentsOf: chunk.data[item.range.lowerBound..<idRange.upperBound])
      digested.appendInteger(item.contentHash)
    }
    try data.append(chunk.data[runStart...])
    try index.append(entries)
    indexChecksum = Checksum.extending(indexChecksum, with: entries, 0..<entries.count)
    digest.update(digested)
    try add(chunk.probes)
    try list(chunk, duplicates, firstLine: firstLine)
  }

  private func append(_ item: PendingItem, to entries: inout [UInt8]) {
    let entry = ItemTableFormat.Entry(
      offset: dataOffset, length: UInt32(item.range.count), checksum: item.checksum, textHash: item.textHash,
      imageHash: item.imageHash, contentHash: item.contentHash, folder: folder, flags: item.flags)
    entry.append(to: &entries)
    dataOffset += UInt64(item.range.count)
    summary.items += 1
    if item.flags.contains(.hasText) { summary.withText += 1 }
    if item.flags.contains(.hasImage) { summary.withImage += 1 }
  }

  private func duplicate(of row: Int, _ id: String) -> RecordProblem {
    let origin = origins[row]
    return RecordProblem(
      "id", .duplicateID, found: "\(id), which line \(origin & 0xFFF_FFFF_FFFF) of \(files[Int(origin >> 44)]) has",
      expected: "each id once")
  }

  private func add(_ probes: [ImageProbe]) throws(CatalogError) {
    var bytes: [UInt8] = []
    for probe in probes {
      let start = bytes.count
      probe.append(to: &bytes)
      signature.update(bytes.span.extracting(start..<bytes.count - 9))
      if probe.isReused { summary.imagesReused += 1 } else if probe.state == .usable { summary.imagesHashed += 1 }
    }
    imageCount += probes.count
    imagesChecksum = Checksum.extending(imagesChecksum, with: bytes, 0..<bytes.count)
    try images.append(bytes)
  }

  /// Lists a chunk's problems and duplicates by line; a warning about a duplicate is moot.
  private func list(
    _ chunk: ParsedChunk, _ duplicates: [Int: RecordProblem], firstLine: Int
  ) throws(CatalogError) {
    var problems = chunk.problems.filter { duplicates[$0.line] == nil }
    problems += duplicates.map { PendingProblem(line: $0.key, problem: $0.value) }
    problems.sort { $0.line < $1.line }
    for problem in problems { try list(problem, firstLine: firstLine) }
  }

  /// Completes the files and gives them their names, the index last.
  func finish() throws(CatalogError) -> CatalogSummary {
    var tail: [UInt8] = []
    for folder in folders {
      tail.appendInteger(UInt32(folder.utf8.count))
      tail.append(contentsOf: folder.utf8)
    }
    try index.append(tail)
    indexChecksum = Checksum.extending(indexChecksum, with: tail, 0..<tail.count)

    let digest = self.digest.finalize()
    let signature = self.signature.finalize()
    let header = ItemTableFormat.Header(count: UInt64(summary.items), dataBytes: dataOffset, digest: digest.bytes)
    try data.overwrite(at: 0, with: ItemTableFormat.dataHeader(header))
    try index.overwrite(
      at: 0,
      with: ItemTableFormat.indexHeader(
        header, signature: signature.bytes, tailBytes: tail.count, checksum: indexChecksum))
    try images.overwrite(
      at: 0,
      with: ImageProbeFile.header(count: imageCount, byteCount: images.byteCount, checksum: imagesChecksum))
    summary.rejected = rejections.errors
    summary.warnings = rejections.warnings
    summary.reasons = rejections.reasonCounts
    summary.examples = rejections.examples
    summary.files = files
    summary.digest = digest.hex
    summary.sourceSignature = signature.hex
    try rejections.commit()
    try images.commit()
    try data.commit()
    try index.commit()
    return summary
  }
}
