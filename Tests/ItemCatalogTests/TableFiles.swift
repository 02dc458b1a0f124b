import Foundation
import ItemCatalog
import Testing

/// The files of an item table read and made again without any code of the catalogue's, as its format is documented.
struct TableFiles {
  struct Entry: Equatable {
    var offset, length, checksum: Int
    var textHash, imageHash, contentHash: UInt64
    var folder, flags: Int
  }

  var index: [UInt8]
  var data: [UInt8]

  init(_ fixture: CatalogFixture) throws {
    index = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture.table + "/items.idx")))
    data = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture.table + "/items.bin")))
  }

  static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> UInt64 {
    bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func set(_ bytes: inout [UInt8], _ offset: Int, _ size: Int, _ value: UInt64) {
    for place in 0..<size { bytes[offset + place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * place)) }
  }

  var count: Int { Int(Self.number(index, 16, 8)) }
  var tailBytes: Int { Int(Self.number(index, 96, 8)) }

  func entry(_ row: Int) -> Entry {
    let start = 112 + 48 * row
    func integer(_ offset: Int, _ size: Int) -> UInt64 { Self.number(index, start + offset, size) }
    return Entry(
      offset: Int(integer(0, 8)), length: Int(integer(8, 4)), checksum: Int(integer(12, 4)), textHash: integer(16, 8),
      imageHash: integer(24, 8), contentHash: integer(32, 8), folder: Int(integer(40, 4)), flags: Int(integer(44, 4)))
  }

  func record(_ row: Int) -> [UInt8] { Array(data[entry(row).offset..<entry(row).offset + entry(row).length]) }

  /// Makes the checksums right again after a change, so that what lies behind them is reached.
  mutating func repair() {
    for row in 0..<count where 112 + 48 * row + 48 <= index.count {
      let entry = entry(row)
      guard entry.offset >= 0, entry.length >= 0, entry.offset <= data.count, entry.length <= data.count - entry.offset
      else { continue }
      Self.set(&index, 112 + 48 * row + 12, 4, UInt64(crc32(data[entry.offset..<entry.offset + entry.length])))
    }
    repairHeader()
  }

  mutating func repairHeader() {
    Self.set(&index, 12, 4, UInt64(crc32(index[112...])))
    Self.set(&index, 108, 4, UInt64(crc32(index[..<108])))
  }

  func write(_ fixture: CatalogFixture) throws {
    try fixture.overwrite(index, to: "table/items.idx")
    try fixture.overwrite(data, to: "table/items.bin")
  }
}

/// Little-endian bytes.
func littleEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
}
