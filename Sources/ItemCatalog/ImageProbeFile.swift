/// `images.bin`: every image file that a catalogue looked for, with what tells whether it changed. Kept apart from
/// the index so that a catalogue of texts does not pay for it.
///
/// Each record is `u16 path, path, i64 size, i64 modified, u64 inode`, which is what the source signature covers,
/// then `u8 state, u64 hash`.
struct ImageProbeFile: Sendable {
  private let bytes: [UInt8]
  let count: Int

  private static let fixedBytes = 2 + 24 + 9

  /// Reads and verifies the file of a table folder.
  static func load(directory: String) throws(CatalogError) -> ImageProbeFile {
    let path = directory + "/" + ItemTableFormat.imagesName
    let file = try InputFile.open(path)
    let bytes = try file.bytes(at: 0, count: file.size)
    return try ImageProbeFile(bytes, path: path)
  }

  init(_ bytes: [UInt8], path: String) throws(CatalogError) {
    var reader = ByteReader(bytes, 0..<bytes.count)
    let headerBytes = ItemTableFormat.imagesHeaderBytes
    guard bytes.count >= headerBytes, bytes.starts(with: ItemTableFormat.imagesMagic), reader.range(8) != nil,
      let version: UInt32 = reader.integer(), let checksum: UInt32 = reader.integer(),
      let count: UInt64 = reader.integer(), let size: UInt64 = reader.integer()
    else {
      throw ItemTableFormat.damaged(path, found: "\(bytes.count) bytes without its header", expected: "TSIMAGE1")
    }
    guard version == ItemTableFormat.version else {
      throw ItemTableFormat.damaged(path, found: "version \(version)", expected: "version \(ItemTableFormat.version)")
    }
    guard size == UInt64(bytes.count), checksum == Checksum.of(bytes, headerBytes..<bytes.count) else {
      throw ItemTableFormat.damaged(path, found: "\(bytes.count) bytes", expected: "\(size) bytes and their checksum")
    }
    // A record has at least its fixed bytes, so a count beyond that is damage and not a reason to reserve memory.
    guard count <= UInt64(bytes.count / Self.fixedBytes) else {
      throw ItemTableFormat.damaged(path, found: "\(count) records", expected: "at most what fits")
    }
    self.bytes = bytes
    self.count = Int(count)
  }

  /// Calls `body` with every record in order; damaged ones end the walk, and the checksum has ruled them out.
  func forEach(_ body: (ImageProbe) -> Void) {
    var reader = ByteReader(bytes, ItemTableFormat.imagesHeaderBytes..<bytes.count)
    while !reader.isAtEnd {
      guard let length: UInt16 = reader.integer(), let path = reader.string(Int(length)),
        let size: Int64 = reader.integer(), let modified: Int64 = reader.integer(),
        let inode: UInt64 = reader.integer(),
        let stateCode: UInt8 = reader.integer(), let state = ImageProbe.State(rawValue: stateCode),
        let hash: UInt64 = reader.integer()
      else { return }
      let signature = FileSignature(size: size, modified: modified, inode: inode)
      body(ImageProbe(path: path, state: state, signature: signature, hash: hash))
    }
  }

  /// All paths, in order.
  func paths() -> [String] {
    var paths: [String] = []
    paths.reserveCapacity(count)
    forEach { paths.append($0.path) }
    return paths
  }

  static func header(count: Int, byteCount: Int, checksum: UInt32) -> [UInt8] {
    var bytes = ItemTableFormat.imagesMagic
    bytes.appendInteger(ItemTableFormat.version)
    bytes.appendInteger(checksum)
    bytes.appendInteger(UInt64(count))
    bytes.appendInteger(UInt64(byteCount))
    return bytes
  }
}

extension ImageProbe {
  func append(to bytes: inout [UInt8]) {
    signature.append(to: &bytes, path: path)
    bytes.append(state.rawValue)
    bytes.appendInteger(hash)
  }
}

extension FileSignature {
  /// The bytes that stand for a file in the source signature.
  func append(to bytes: inout [UInt8], path: String) {
    var path = path
    path.withUTF8 { utf8 in
      bytes.appendInteger(UInt16(clamping: utf8.count))
      unsafe bytes.append(contentsOf: utf8)
    }
    bytes.appendInteger(size)
    bytes.appendInteger(modified)
    bytes.appendInteger(inode)
  }
}
