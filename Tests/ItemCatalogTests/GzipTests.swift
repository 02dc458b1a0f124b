import Foundation
import ItemCatalog
import Testing

/// Gzip made without a compressor: one stored block, as RFC 1951 and 1952 have it.
func storedGzip(_ text: String) -> [UInt8] {
  let bytes = Array(text.utf8)
  precondition(bytes.count <= 0xFFFF, "a stored block holds at most 65,535 bytes")
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1] + little(bytes.count, 2) + little(~bytes.count, 2) + bytes
    + little(Int(~crc), 4) + little(bytes.count, 4)
}

/// `gzip.compress(b' ' * 2**20, 9, mtime=0)` in Python: 1,052 bytes that expand to a mebibyte of blanks.
let mebibyteOfBlanks: [UInt8] =
  [31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 237, 193, 49, 1, 0, 0, 0, 194, 160, 42, 235, 159, 210, 16, 190, 64, 1]
  + [UInt8](repeating: 0, count: 1015) + [124, 6, 167, 2, 3, 241, 0, 0, 16, 0]

@Suite("Gzip")
struct GzipTests {
  /// Two records, compressed by Python's `gzip.compress(data, 9, mtime=0)`.
  static let twoItems = "H4sIAAAAAAAC/6tWykxRslIyVNJRKsksyUkFsvPzUpVquaohEkZIEiXl+UAJAIzbuXAyAAAA"

  @Test func compressedFilesReadLikePlainOnes() throws {
    let bytes = [UInt8](try #require(Data(base64Encoded: Self.twoItems)))
    let result = try catalog(bytes, name: "items.jsonl.gz")
    #expect(result.items.map(\.title) == ["one", "two"] && result.summary.bytes == 50)
    #expect(try catalog(storedGzip("id,title\n1,a\n"), name: "items.CSV.gz").items.map(\.title) == ["a"])
  }

  @Test func severalMembersAreOneFile() throws {
    let bytes =
      storedGzip("{\"id\":\"1\",\"ti") + storedGzip("tle\":\"a\"}\n{\"id\":\"2\",") + storedGzip("\"title\":\"b\"}")
    #expect(try catalog(bytes, name: "items.jsonl.gz").items.map(\.title) == ["a", "b"])
  }

  @Test func damagedOrCutFilesStopTheBuild() throws {
    let sound = storedGzip("{\"id\":\"1\",\"title\":\"a\"}\n")
    var wrongChecksum = sound
    wrongChecksum[sound.count - 6] ^= 1
    for bytes in [Array(sound.dropLast(3)), wrongChecksum, sound + [1, 2, 3], [], Array("{\"id\":\"1\"}".utf8)] {
      let error = #expect(throws: CatalogError.self) { try catalog(bytes, name: "items.jsonl.gz") }
      #expect(error?.code == .badData && error?.message.contains("items.jsonl.gz") == true)
    }
  }

  @Test func aBombStopsBeforeItTakesMemory() throws {
    var limits = CatalogLimits()
    limits.expansionGrace = 2 << 20
    let bomb = (0..<100).flatMap { _ in mebibyteOfBlanks }
    let error = #expect(throws: CatalogError.self) { try catalog(bomb, name: "items.jsonl.gz", limits: limits) }
    #expect(error?.code == .badData && error?.message.contains("expands to more than") == true)

    limits.expansionRatio = 2000
    limits.expandedBytes = 10 << 20
    #expect(throws: CatalogError.self) { try catalog(bomb, name: "items.jsonl.gz", limits: limits) }
    limits.expandedBytes = 1 << 30
    let allowed = try catalog(bomb, name: "items.jsonl.gz", limits: limits)
    // A line of 100 MiB is one record too long, read without keeping it.
    #expect(allowed.items.isEmpty && allowed.rejected.map(\.reason) == ["too_long"])
  }
}
