import Foundation
import Glibc
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// The bytes of a table as its documentation has them, written out by hand.
@Suite("Layout of item tables")
struct TableLayoutTests {
  private func text(_ string: String, _ lengthBytes: Int) -> [UInt8] {
    littleEndian(UInt64(string.utf8.count), lengthBytes) + Array(string.utf8)
  }

  @Test func everyByteOfARecordIsWhereTheFormatSays() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("pixels", to: "p/a.png")
      _ = try fixture.write(
        """
        {"id":"é1","title":"Lamp","text":"Två","image":"p/a.png","updated_at":"now","attributes":{"z":true,"a":"x","m":-2.5}}
        {"id":"2","title":"T"}

        """, to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      let files = try TableFiles(fixture)
      let hashed =
        text("Lamp", 4) + text("Två", 4) + [3, 0] + text("a", 2) + [0] + text("x", 4) + text("m", 2) + [1]
        + littleEndian((-2.5).bitPattern, 8) + text("z", 2) + [2, 1]
      #expect(files.record(0) == text("é1", 1) + text("now", 2) + text("p/a.png", 2) + hashed)
      let plain = text("T", 4) + [0, 0, 0, 0, 0, 0]
      #expect(files.record(1) == text("2", 1) + [0xFF, 0xFF, 0xFF, 0xFF] + plain)

      let image = Digest(hashing: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Array("pixels".utf8)).prefix64
      let first = files.entry(0)
      #expect(first.offset == 56 && first.checksum == Int(crc32(files.record(0))) && first.flags == 3)
      #expect(first.textHash == Digest(hashing: hashed).prefix64 && first.imageHash == image)
      #expect(
        first.contentHash
          == Digest(hashing: Digest(hashing: hashed).bytes + [1] + littleEndian(image, 8)).prefix64)
      let second = files.entry(1)
      #expect(second.offset == 56 + first.length && second.flags == 1 && second.imageHash == 0)
      #expect(second.contentHash == Digest(hashing: Digest(hashing: plain).bytes + [0] + littleEndian(0, 8)).prefix64)
    }
  }

  @Test func headersHoldCountsDigestAndChecksums() throws {
    try withCatalogFixture { fixture in
      _ = try fixture.write(ItemTableTests.lines, to: "items.jsonl")
      let summary = try fixture.build("items.jsonl")
      let files = try TableFiles(fixture)
      let count = summary.items
      var digested: [UInt8] = []
      for row in 0..<count {
        let record = files.record(row)
        digested += record[...Int(record[0])] + littleEndian(files.entry(row).contentHash, 8)
      }
      let digest = Digest(hashing: digested)
      #expect(summary.digest == digest.hex)
      #expect(
        Array(files.data[..<56]) == Array("TSITEMS1".utf8) + [1, 0, 0, 0, 0, 0, 0, 0] + littleEndian(UInt64(count), 8)
          + digest.bytes)
      let header = files.index[..<112]
      #expect(header.starts(with: Array("TSINDEX1".utf8) + [1, 0, 0, 0]))
      #expect(TableFiles.number(files.index, 12, 4) == UInt64(crc32(files.index[112...])))
      #expect(TableFiles.number(files.index, 24, 8) == UInt64(files.data.count))
      #expect(Array(header[32..<64]) == digest.bytes)
      #expect(
        Array(header[64..<96]).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
          == summary.sourceSignature)
      #expect(TableFiles.number(files.index, 104, 4) == 0)
      #expect(TableFiles.number(files.index, 108, 4) == UInt64(crc32(files.index[..<108])))
      let folder = URL(fileURLWithPath: fixture.folder).resolvingSymlinksInPath().path
      #expect(Array(files.index[(112 + 48 * count)...]) == text(folder, 4))
      #expect(files.tailBytes == folder.utf8.count + 4)
    }
  }

  @Test func theImageFileListsWhatWasLookedFor() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("one", to: "a.png")
      _ = try fixture.write("no image", to: "b.png")
      _ = try fixture.write(
        ["a.png", "missing.png", "b.png"].enumerated()
          .map { "{\"id\":\"\($0.offset)\",\"title\":\"t\",\"image\":\"\($0.element)\"}\n" }.joined(), to: "items.jsonl"
      )
      _ = try fixture.build("items.jsonl")
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture.table + "/images.bin")))
      var records: [UInt8] = []
      let folder = URL(fileURLWithPath: fixture.folder).resolvingSymlinksInPath().path
      for (name, state) in [("a.png", UInt8(1)), ("missing.png", 0), ("b.png", 2)] {
        records += text("\(folder)/\(name)", 2)
        var status = stat()
        if state != 0 {
          #expect(stat("\(folder)/\(name)", &status) == 0)
          let modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
          records += littleEndian(UInt64(status.st_size), 8) + littleEndian(UInt64(modified), 8)
          records += littleEndian(UInt64(status.st_ino), 8)
        } else {
          records += littleEndian(.max, 8) + littleEndian(0, 16)
        }
        let content = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.png")))
        records += [state] + littleEndian(state == 1 ? Digest(hashing: content).prefix64 : 0, 8)
      }
      #expect(Array(bytes[32...]) == records)
      #expect(
        Array(bytes[..<32]) == Array("TSIMAGE1".utf8) + [1, 0, 0, 0] + littleEndian(UInt64(crc32(records)), 4)
          + littleEndian(3, 8) + littleEndian(UInt64(bytes.count), 8))
    }
  }

  /// What is one item however it is written, and what is not.
  @Test func contentHashesFollowMeaningAcrossFormats() throws {
    func hash(_ text: String, _ name: String) throws -> UInt64 {
      try withCatalogFixture { fixture in
        _ = try fixture.write(text, to: name)
        _ = try fixture.build(name)
        return try ItemTable.open(directory: fixture.table).contentHash(at: 0)
      }
    }
    let json = try hash(#"{"id":"1","title":"a","text":"b","attributes":{"x":"y","n":null}}"#, "i.jsonl")
    #expect(try hash("id,title,text,attributes.x,attributes.z\nother,a,b,y,\n", "i.csv") == json)
    #expect(try hash("attributes.x\ttext\tid\ttitle\n\"y\"\tb\t7\ta\n", "i.tsv") == json)
    #expect(try hash(#"{"text":"b","id":5,"title":"\u0061","ignored":1,"attributes":{"x":"y"}}"#, "i.ndjson") == json)
    var others = [
      #"{"id":"1","title":"a","text":"b"}"#, #"{"id":"1","title":"ab","attributes":{"x":"y"}}"#,
      #"{"id":"1","text":"ab","attributes":{"x":"y"}}"#, #"{"id":"1","title":"a","text":"b","attributes":{"xy":""}}"#,
      #"{"id":"1","title":"a","text":"b","attributes":{"x":"y","y":"x"}}"#,
    ]
    for value in ["true", "\"true\"", "1", "\"1\"", "\"\"", "false", "0", "-0"] {
      others.append("{\"id\":\"1\",\"title\":\"a\",\"text\":\"b\",\"attributes\":{\"x\":\(value)}}")
    }
    let hashes = try others.map { try hash($0, "i.jsonl") }
    #expect(Set(hashes + [json]).count == others.count + 1)
  }

  @Test func rowsOfSeveralFoldersKnowTheirOwnImages() throws {
    try withCatalogFixture { fixture in
      for folder in ["one", "two"] {
        try fixture.writeImage(folder, to: "\(folder)/a.png")
        _ = try fixture.write(
          "{\"id\":\"\(folder)\",\"image\":\"a.png\"}\n{\"id\":\"\(folder)-\",\"title\":\"t\"}\n",
          to: "\(folder)/i.jsonl")
      }
      _ = try fixture.build("one/i.jsonl", "two/i.jsonl")
      let items = try fixture.items()
      #expect(items.map(\.id) == ["one", "one-", "two", "two-"])
      let paths = items.compactMap(\.imagePath)
      #expect(
        paths.map { String($0.split(separator: "/").suffix(2).joined(separator: "/")) } == ["one/a.png", "two/a.png"])
      let files = try TableFiles(fixture)
      #expect((0..<4).map { files.entry($0).folder } == [0, 0, 1, 1])
      #expect((0..<4).map { files.entry($0).flags } == [2, 1, 2, 1])
    }
  }
}

/// Tables whose checksums are right and whose content is not: what an attacker, or a fault before writing, leaves.
@Suite("Tables with sound checksums and wrong content")
struct RepairedTableTests {
  private func withTable(_ body: (CatalogFixture, TableFiles) throws -> Void) throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("two", to: "two.png")
      _ = try fixture.write(ItemTableTests.lines, to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      try body(fixture, try TableFiles(fixture))
    }
  }

  @Test func everyContradictionIsNamed() throws {
    let changes: [(String, (inout TableFiles) -> Void)] = [
      ("the size of 7 rows", { TableFiles.set(&$0.index, 16, 8, 7) }),
      ("the size of \(UInt64.max) rows", { TableFiles.set(&$0.index, 16, 8, .max) }),
      // 48 times this is 2⁶⁴ and a little: the product must not wrap around.
      ("the size of 384307168202282326 rows", { TableFiles.set(&$0.index, 16, 8, 384_307_168_202_282_326) }),
      ("the size of 6 rows", { TableFiles.set(&$0.index, 96, 8, .max) }),
      ("the size of 6 rows", { TableFiles.set(&$0.index, 24, 8, 1 << 63) }),
      ("found version 2, expected version 1", { TableFiles.set(&$0.index, 8, 4, 2) }),
      ("a cut list of folders", { TableFiles.set(&$0.index, 112 + 48 * 6, 4, 1_000_000) }),
      ("a cut list of folders", { TableFiles.set(&$0.index, 112 + 48 * 6, 4, 1) }),
      ("row 0 at byte 57, expected byte 56", { TableFiles.set(&$0.index, 112, 8, 57) }),
      ("row 1 at byte", { TableFiles.set(&$0.index, 112 + 8, 4, TableFiles.number($0.index, 112 + 8, 4) - 1) }),
      ("row 5 at byte", { TableFiles.set(&$0.index, 112 + 48 * 5 + 8, 4, 1 << 31) }),
      ("bytes of records", { TableFiles.set(&$0.index, 112 + 48 * 5 + 8, 4, 3) }),
      ("row 3 at byte", { TableFiles.set(&$0.index, 112 + 48 * 3 + 40, 4, 1) }),
      ("row 2 at byte", { TableFiles.set(&$0.index, 112 + 48 * 2, 8, .max) }),
    ]
    for (message, change) in changes {
      try withTable { fixture, files in
        var changed = files
        change(&changed)
        changed.repairHeader()
        try changed.write(fixture)
        let error = #expect(throws: CatalogError.self) { try ItemTable.open(directory: fixture.table) }
        #expect(error?.code == .damagedTable)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("Delete its folder; the next run builds it again.") == true)
        #expect(error?.message.contains(fixture.table + "/items.idx is damaged: found ") == true)
      }
    }
  }

  @Test func twoRowsOfOneIdAreNoIdentifiers() throws {
    try withTable { fixture, files in
      var changed = files
      let second = changed.entry(1)
      // "b" becomes "a", which the first row has.
      changed.data[second.offset + 1] = UInt8(ascii: "a")
      changed.repair()
      try changed.write(fixture)
      let table = try ItemTable.open(directory: fixture.table)
      #expect(try table.ids(in: 0..<3) == ["a", "a", "c"])
      let error = #expect(throws: CatalogError.self) { try table.identifiers() }
      #expect(error?.code == .damagedTable)
    }
  }

  @Test func rowsThatAreNoRecordsAreErrors() throws {
    try withTable { fixture, files in
      for (offset, value) in [(0, UInt8(255)), (2, 0xFE), (6, 0xFF), (13, 0xFF)] {
        var changed = files
        changed.data[changed.entry(0).offset + offset] = value
        changed.repair()
        try changed.write(fixture)
        let table = try ItemTable.open(directory: fixture.table)
        let one = #expect(throws: CatalogError.self) { try table.item(at: 0) }
        let all = #expect(throws: CatalogError.self) { try table.items(in: 0..<6) }
        #expect(one?.code == .damagedTable && all == one)
        #expect(one?.message.contains("found no item in or after row 0") == true, "\(one?.message ?? "")")
        #expect(try table.item(at: 5).id == "f", "the others can be read")
      }
    }
  }

  @Test(arguments: [false, true]) func tenThousandDamagedTablesBehindSoundChecksums(inData: Bool) throws {
    var random = RandomSource(seed: inData ? 61 : 62)
    try withTable { fixture, files in
      var (read, refused) = (0, 0)
      for _ in 0..<10_000 {
        var changed = files
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let bits = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
          if inData {
            changed.data[Int.random(in: 56..<files.data.count, using: &random)] ^= bits
          } else {
            changed.index[Int.random(in: 16..<files.index.count, using: &random)] ^= bits
          }
        }
        if inData { changed.repair() } else { changed.repairHeader() }
        try changed.write(fixture)
        do throws(CatalogError) {
          let table = try ItemTable.open(directory: fixture.table)
          _ = try table.items(in: 0..<table.count)
          _ = try table.identifiers()
          read += 1
        } catch {
          #expect(error.code == .damagedTable)
          refused += 1
        }
      }
      #expect(read > 200 && refused > 200, "\(read) read, \(refused) refused")
    }
  }

  @Test func threadsReadOneTableAtOnce() throws {
    try withCatalogFixture { fixture in
      let count = 3_000
      let filler = String(repeating: "y", count: 3_000)
      let lines = (0..<count).map { "{\"id\":\"i\($0)\",\"title\":\"t\($0)\",\"text\":\"\(filler)\"}\n" }.joined()
      _ = try fixture.write(lines, to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      let table = try ItemTable.open(directory: fixture.table)
      // 9 MB of records: every walk takes several blocks of 4 MiB.
      DispatchQueue.concurrentPerform(iterations: 4) { thread in
        #expect(throws: Never.self) {
          let rows = thread * 300..<count - thread * 100
          let items = try table.items(in: rows)
          #expect(items.map(\.id) == rows.map { "i\($0)" })
          #expect(items.allSatisfy { $0.text == filler && $0.title == "t" + $0.id.dropFirst() })
          #expect(try table.id(at: rows.upperBound - 1) == "i\(rows.upperBound - 1)")
        }
      }
    }
  }
}
