/// `items.idx`, read and verified.
struct ItemTableIndex {
  let bytes: [UInt8]
  let count: Int
  let dataBytes: Int
  let digest: String
  let signature: String
  let folders: [String]
  /// The header that the data file must have.
  let dataHeader: [UInt8]

  init(_ bytes: [UInt8], path: String) throws(CatalogError) {
    let headerBytes = ItemTableFormat.indexHeaderBytes
    var reader = ByteReader(bytes, 0..<bytes.count)
    guard bytes.count >= headerBytes, bytes.starts(with: ItemTableFormat.indexMagic), reader.range(8) != nil,
      let version: UInt32 = reader.integer(), let checksum: UInt32 = reader.integer(),
      let count: UInt64 = reader.integer(), let dataBytes: UInt64 = reader.integer(),
      let digest = reader.range(32), let signature = reader.range(32),
      let tailBytes: UInt64 = reader.integer(), reader.range(4) != nil, let ownChecksum: UInt32 = reader.integer()
    else {
      throw ItemTableFormat.damaged(path, found: "\(bytes.count) bytes without its header", expected: "TSINDEX1")
    }
    guard version == ItemTableFormat.version else {
      throw ItemTableFormat.damaged(path, found: "version \(version)", expected: "version \(ItemTableFormat.version)")
    }
    guard ownChecksum == Checksum.of(bytes, 0..<headerBytes - 4) else {
      throw ItemTableFormat.damaged(path, found: "an altered header", expected: "its checksum")
    }
    let entriesBytes = count.multipliedReportingOverflow(by: UInt64(ItemTableFormat.entryBytes))
    let body = entriesBytes.partialValue.addingReportingOverflow(tailBytes)
    guard !entriesBytes.overflow, !body.overflow, body.partialValue == UInt64(bytes.count - headerBytes),
      dataBytes <= UInt64(Int.max)
    else {
      throw ItemTableFormat.damaged(path, found: "\(bytes.count) bytes", expected: "the size of \(count) rows")
    }
    guard checksum == Checksum.of(bytes, headerBytes..<bytes.count) else {
      throw ItemTableFormat.damaged(path, found: "altered entries", expected: "their checksum")
    }
    self.bytes = bytes
    self.count = Int(count)
    self.dataBytes = Int(dataBytes)
    self.digest = Self.hexadecimal(bytes[digest])
    self.signature = Self.hexadecimal(bytes[signature])
    dataHeader = ItemTableFormat.dataHeader(
      ItemTableFormat.Header(count: count, dataBytes: dataBytes, digest: Array(bytes[digest])))
    folders = try Self.folders(bytes, from: headerBytes + Int(entriesBytes.partialValue), path: path)
    try verifyEntries(path)
  }

  private static func folders(_ bytes: [UInt8], from start: Int, path: String) throws(CatalogError) -> [String] {
    var reader = ByteReader(bytes, start..<bytes.count)
    var folders: [String] = []
    while !reader.isAtEnd {
      guard let length: UInt32 = reader.integer(), let folder = reader.string(Int(length)) else {
        throw ItemTableFormat.damaged(path, found: "a cut list of folders", expected: "whole names")
      }
      folders.append(folder)
    }
    return folders
  }

  /// Records follow each other without gaps, and every folder is named.
  private func verifyEntries(_ path: String) throws(CatalogError) {
    var reader = ByteReader(bytes, ItemTableFormat.indexHeaderBytes..<bytes.count)
    var expected = UInt64(ItemTableFormat.dataHeaderBytes)
    for row in 0..<count {
      guard let offset: UInt64 = reader.integer(), let length: UInt32 = reader.integer(), reader.range(28) != nil,
        let folder: UInt32 = reader.integer(), reader.range(4) != nil
      else { break }
      let end = offset.addingReportingOverflow(UInt64(length))
      guard offset == expected, !end.overflow, end.partialValue <= UInt64(dataBytes), Int(folder) < folders.count else {
        throw ItemTableFormat.damaged(path, found: "row \(row) at byte \(offset)", expected: "byte \(expected)")
      }
      expected = end.partialValue
    }
    guard expected == UInt64(dataBytes) else {
      throw ItemTableFormat.damaged(path, found: "\(expected) bytes of records", expected: "\(dataBytes)")
    }
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
