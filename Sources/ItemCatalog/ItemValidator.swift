/// A validated item of a chunk, still without its row.
struct PendingItem: Sendable {
  /// Lines from the chunk's start.
  var line: Int
  /// Where the record stands in the chunk's data.
  var range: Range<Int>
  var checksum: UInt32
  var textHash: UInt64
  var imageHash: UInt64
  var contentHash: UInt64
  var flags: ItemTableFormat.Flags
}

/// A rejection or a warning whose line counts from the chunk's start.
struct PendingProblem: Sendable {
  var line: Int
  var severity = RejectedRecord.Severity.error
  var problem: RecordProblem
  /// Lines that are lost by it.
  var lines = 1
}

/// What came of one chunk of records.
struct ParsedChunk: Sendable {
  var data: [UInt8] = []
  var items: [PendingItem] = []
  var problems: [PendingProblem] = []
  /// Every image file that was looked for, in record order.
  var probes: [ImageProbe] = []
  var lines = 0
}

/// Checks the fields of one record after the other and encodes what is sound.
struct ItemValidator {
  private let limits: CatalogLimits
  private var images: ImageProber
  private(set) var chunk = ParsedChunk()

  /// - Parameter bytes: How many the records have, about as many as the items will take.
  init(limits: CatalogLimits, images: ImageProber, bytes: Int) {
    self.limits = limits
    self.images = images
    chunk.data.reserveCapacity(bytes + bytes / 8)
  }

  /// Counts lines and gives the finished chunk.
  consuming func finish(lines: Int) -> ParsedChunk {
    chunk.lines = lines
    return chunk
  }

  /// - Parameter lines: the lines that the record took, when it cannot be told how many records they were.
  mutating func reject(_ problem: RecordProblem, line: Int, lines: Int = 1) {
    chunk.problems.append(PendingProblem(line: line, problem: problem, lines: lines))
  }

  /// Encodes a record's item into the chunk, or throws what is wrong with it and leaves the chunk as it was.
  mutating func add(_ item: inout RawItem, line: Int, input: [UInt8], scratch: [UInt8]) throws(RecordProblem) {
    let start = chunk.data.count
    let problemCount = chunk.problems.count
    do throws(RecordProblem) {
      try encode(&item, line: line, Fields(input: input, scratch: scratch))
    } catch {
      chunk.data.removeLast(chunk.data.count - start)
      chunk.problems.removeLast(chunk.problems.count - problemCount)
      throw error
    }
  }

  /// The two places where a field's bytes may stand.
  private struct Fields {
    let input: [UInt8]
    let scratch: [UInt8]

    @inline(__always)
    func bytes(_ slice: FieldSlice) -> [UInt8] { slice.isScratch ? scratch : input }
    func excerpt(_ slice: FieldSlice) -> String { RecordProblem.excerpt(bytes(slice), slice.range) }
  }

  private mutating func encode(_ item: inout RawItem, line: Int, _ fields: Fields) throws(RecordProblem) {
    let start = chunk.data.count
    try appendID(item.id, fields)
    try appendShort(item.updatedAt, "updated_at", limit: 255, fields)
    let imageSlice = item.image.flatMap { $0.count > 0 ? $0 : nil }
    try appendShort(imageSlice, "image", limit: 4095, fields)
    let hashedStart = chunk.data.count
    try appendLong(item.title, .title, limit: limits.titleBytes, fields)
    try appendLong(item.text, .text, limit: limits.textBytes, fields)
    try appendAttributes(&item, fields)
    let hasText = isPresent(item.title, fields) || isPresent(item.text, fields)
    let image = try probe(imageSlice, line: line, hasText: hasText, fields)
    guard hasText || image != nil else { throw noContent(imageSlice, fields) }

    let textDigest = ContentHasher.digest(of: chunk.data, hashedStart..<chunk.data.count)
    var flags: ItemTableFormat.Flags = hasText ? .hasText : []
    if image != nil { flags.insert(.hasImage) }
    chunk.items.append(
      PendingItem(
        line: line, range: start..<chunk.data.count,
        checksum: Checksum.of(chunk.data, start..<chunk.data.count),
        textHash: textDigest.prefix64, imageHash: image ?? 0,
        contentHash: ContentHasher.contentHash(text: textDigest, image: image), flags: flags))
  }

  private mutating func appendID(_ id: FieldSlice?, _ fields: Fields) throws(RecordProblem) {
    let expected = "1 to 255 bytes of UTF-8 without control characters"
    guard let id else { throw RecordProblem("id", .missing, found: "no id", expected: expected) }
    guard id.count > 0 else { throw RecordProblem("id", .empty, found: "an empty id", expected: expected) }
    guard id.count <= 255 else {
      throw RecordProblem("id", .tooLong, found: "\(id.count) bytes: \(fields.excerpt(id))", expected: expected)
    }
    guard !ByteScanning.hasControlCharacter(fields.bytes(id), id.range) else {
      throw RecordProblem("id", .controlCharacter, found: fields.excerpt(id), expected: expected)
    }
    chunk.data.append(UInt8(id.count))
    chunk.data.append(contentsOf: fields.bytes(id)[id.range])
  }

  /// A field of at most a few thousand bytes that may be absent.
  private mutating func appendShort(
    _ slice: FieldSlice?, _ name: String, limit: Int, _ fields: Fields
  ) throws(RecordProblem) {
    guard let slice else { return chunk.data.appendInteger(ItemRecord.absent) }
    guard slice.count <= limit else {
      throw RecordProblem(name, .tooLong, found: "\(slice.count) bytes", expected: "at most \(limit) bytes")
    }
    guard !ByteScanning.hasControlCharacter(fields.bytes(slice), slice.range) else {
      throw RecordProblem(
        name, .controlCharacter, found: fields.excerpt(slice), expected: "text without control characters")
    }
    chunk.data.appendInteger(UInt16(slice.count))
    chunk.data.append(contentsOf: fields.bytes(slice)[slice.range])
  }

  private mutating func appendLong(
    _ slice: FieldSlice?, _ field: ItemField, limit: Int, _ fields: Fields
  ) throws(RecordProblem) {
    guard let slice else { return chunk.data.appendInteger(UInt32(0)) }
    guard slice.count <= limit else {
      throw RecordProblem(field.rawValue, .tooLong, found: "\(slice.count) bytes", expected: "at most \(limit) bytes")
    }
    chunk.data.appendInteger(UInt32(slice.count))
    chunk.data.append(contentsOf: fields.bytes(slice)[slice.range])
  }

  /// Attributes by name, so that their order in the record does not count as a change.
  private mutating func appendAttributes(_ item: inout RawItem, _ fields: Fields) throws(RecordProblem) {
    chunk.data.appendInteger(UInt16(item.attributes.count))
    guard !item.attributes.isEmpty else { return }
    item.attributes.sort {
      fields.bytes($0.name)[$0.name.range].lexicographicallyPrecedes(fields.bytes($1.name)[$1.name.range])
    }
    for (index, attribute) in item.attributes.enumerated() {
      let name = attribute.name
      guard name.count > 0, name.count <= 255, !ByteScanning.hasControlCharacter(fields.bytes(name), name.range) else {
        throw RecordProblem(
          "attributes", name.count > 255 ? .tooLong : name.count == 0 ? .empty : .controlCharacter,
          found: "the name \"\(fields.excerpt(name))\"", expected: "1 to 255 bytes without control characters")
      }
      if index > 0 {
        let before = item.attributes[index - 1].name
        guard !ByteScanning.equals(fields.bytes(name), name.range, fields.bytes(before), before.range) else {
          throw RecordProblem(
            "attributes.\(fields.excerpt(name))", .duplicateKey, found: "the key twice", expected: "each key once")
        }
      }
      chunk.data.appendInteger(UInt16(name.count))
      chunk.data.append(contentsOf: fields.bytes(name)[name.range])
      try appendValue(attribute, fields)
    }
  }

  private mutating func appendValue(_ attribute: RawItem.Attribute, _ fields: Fields) throws(RecordProblem) {
    switch attribute.value {
    case .string(let slice):
      guard slice.count <= limits.attributeBytes else {
        throw RecordProblem(
          "attributes.\(fields.excerpt(attribute.name))", .tooLong, found: "\(slice.count) bytes",
          expected: "at most \(limits.attributeBytes) bytes")
      }
      chunk.data.append(ItemRecord.stringKind)
      chunk.data.appendInteger(UInt32(slice.count))
      chunk.data.append(contentsOf: fields.bytes(slice)[slice.range])
    case .number(let value):
      chunk.data.append(ItemRecord.numberKind)
      chunk.data.appendInteger(value.bitPattern)
    case .boolean(let flag):
      chunk.data.append(ItemRecord.booleanKind)
      chunk.data.append(flag ? 1 : 0)
    }
  }

  private func isPresent(_ slice: FieldSlice?, _ fields: Fields) -> Bool {
    guard let slice else { return false }
    return !ByteScanning.isBlank(fields.bytes(slice), slice.range)
  }

  /// The hash of the record's image; nil without a usable one. A path out of the image root is no record at all.
  private mutating func probe(
    _ slice: FieldSlice?, line: Int, hasText: Bool, _ fields: Fields
  ) throws(RecordProblem) -> UInt64? {
    guard let slice else { return nil }
    let path = String(decoding: fields.bytes(slice)[slice.range], as: UTF8.self)
    let (outcome, probe) = images.probe(path)
    if let probe { chunk.probes.append(probe) }
    switch outcome {
    case .usable(let hash): return hash
    case .outside(let found):
      throw RecordProblem("image", .unsafePath, found: found, expected: "a relative path within the image root")
    case .missing:
      warn(line, .imageMissing, found: fields.excerpt(slice), expected: "a file below the image root", hasText)
    case .unusable(let found):
      warn(line, .imageUnusable, found: found, expected: "a JPEG or PNG file", hasText)
    }
    return nil
  }

  private mutating func warn(
    _ line: Int, _ reason: RejectedRecord.Reason, found: String, expected: String, _ hasText: Bool
  ) {
    guard hasText else { return }
    let problem = RecordProblem("image", reason, found: found, expected: expected)
    chunk.problems.append(PendingProblem(line: line, severity: .warning, problem: problem))
  }

  private func noContent(_ image: FieldSlice?, _ fields: Fields) -> RecordProblem {
    let imageText = image.map { "no usable image file at \(fields.excerpt($0))" } ?? "no image"
    return RecordProblem(
      "text", .noContent, found: "neither title nor text, and \(imageText)", expected: "a title, a text or an image")
  }
}

extension ContentHasher {
  /// The digest of a range of bytes.
  static func digest(of bytes: [UInt8], _ range: Range<Int>) -> Digest {
    var hasher = ContentHasher()
    hasher.update(bytes.span.extracting(range))
    return hasher.finalize()
  }

  /// The hash of an item's title, text, attributes and image.
  static func contentHash(text: Digest, image: UInt64?) -> UInt64 {
    var bytes = text.bytes
    bytes.append(image == nil ? 0 : 1)
    bytes.appendInteger(image ?? 0)
    var hasher = ContentHasher()
    hasher.update(bytes)
    return hasher.finalize().prefix64
  }
}
