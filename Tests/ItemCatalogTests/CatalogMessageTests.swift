import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// What stops a catalogue, in the words that a person reads.
@Suite("Messages of the catalogue")
struct CatalogMessageTests {
  private static func refusal(_ body: () throws -> Void) -> CatalogError? {
    do { try body() } catch { return error as? CatalogError }
    return nil
  }

  @Test func samplesThatCannotBeWrittenAreRefusedBeforeAnythingIs() throws {
    let sizes: [(change: (inout SampleParameters) -> Void, message: String)] = [
      ({ $0.items = 0 }, "A sample has 1 to 1,073,741,824 items; 0 were asked for."),
      ({ $0.items = -1 }, "A sample has 1 to 1,073,741,824 items; -1 were asked for."),
      ({ $0.items = 1 << 30 + 1 }, "A sample has 1 to 1,073,741,824 items; 1073741825 were asked for."),
      ({ $0.night = 0 }, "A sample has nights 1 to 1,000; night 0 was asked for."),
      ({ $0.night = 1001 }, "A sample has nights 1 to 1,000; night 1001 was asked for."),
      ({ $0.imageSide = 31 }, "A sample's pictures have 32 to 1,024 pixels a side, not 31."),
      ({ $0.imageSide = 1025 }, "A sample's pictures have 32 to 1,024 pixels a side, not 1025."),
    ]
    try withTemporaryDirectory { folder in
      for (change, message) in sizes {
        var parameters = SampleParameters()
        change(&parameters)
        let error = Self.refusal { try SampleCatalog.write(to: folder + "/sample", parameters: parameters) }
        #expect(error == CatalogError(.badData, message))
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/sample"))
    }
  }

  @Test func everyShareOfASampleIsBounded() throws {
    let shares: [WritableKeyPath<SampleParameters, Double>] = [
      \.changedFraction, \.addedFraction, \.removedFraction, \.withoutImageFraction, \.withoutTextFraction,
      \.nearDuplicateFraction, \.coldFraction, \.arabicFraction, \.dailyInteractionFraction,
    ]
    let message = "A sample's fractions are 0 to 1, and its interactions per user 0 to 10,000."
    try withTemporaryDirectory { folder in
      for (paths, values) in [
        (shares, [-0.01, 1.01, .nan, .infinity]), ([\.interactionsPerUser], [-1, 10_000.5, .nan]),
      ] as [([WritableKeyPath<SampleParameters, Double>], [Double])] {
        for path in paths {
          for value in values {
            var parameters = SampleParameters()
            parameters[keyPath: path] = value
            let error = Self.refusal { try SampleCatalog.write(to: folder + "/sample", parameters: parameters) }
            #expect(error == CatalogError(.badData, message), "\(path): \(value)")
          }
        }
      }
      let written = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(written.isEmpty)
    }
  }

  @Test func imagesThatCannotBeReadSayWhy() throws {
    try withTemporaryDirectory { folder in
      let absent = folder + "/absent.png"
      let missing = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: absent) }
      #expect(missing?.message == "\(absent) cannot be opened: No such file or directory.")
      let directory = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: folder) }
      #expect(directory?.message == "\(folder) is no regular file.")
      #expect(missing?.code == .unreadable && directory?.code == .unreadable)
    }
  }

  @Test func compressedFilesSayWhatIsWrongWithThem() throws {
    let sound = storedGzip("{\"id\":\"1\",\"title\":\"a\"}\n")
    // The byte after the header of ten says which kind of block follows; there is no third kind.
    var damaged = sound
    damaged[10] = 7
    for (bytes, start, end) in [
      (damaged, " is not sound gzip data near byte ", " (zlib code -3). Write it again."),
      (Array(sound.dropLast(3)), " is cut short: its gzip data has no end", ". Write the file again."),
    ] {
      try withCatalogFixture { fixture in
        try fixture.write(bytes, to: "items.jsonl.gz")
        let error = Self.refusal { _ = try fixture.build("items.jsonl.gz") }
        #expect(error?.code == .badData)
        #expect(error?.message.hasPrefix(fixture.folder + "/items.jsonl.gz" + start) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix(end) == true)
      }
    }
    var limits = CatalogLimits()
    (limits.expandedBytes, limits.expansionRatio) = (100_000, 1_000)
    let bomb = Self.refusal { _ = try catalog(mebibyteOfBlanks, name: "items.jsonl.gz", limits: limits) }
    #expect(bomb?.code == .badData)
    #expect(
      bomb?.message.hasSuffix(
        "; expected at most 100000 bytes and 1000 per compressed byte. Check where the file comes from.") == true)
  }

  @Test(arguments: [1, 3, 64]) func nestingBeyondTheLimitIsSaid(limit: Int) throws {
    func line(_ depth: Int) -> String {
      let open = (0..<depth).map { $0 % 2 == 0 ? "[" : "{\"k\":" }.joined()
      let close = (0..<depth).reversed().map { $0 % 2 == 0 ? "]" : "}" }.joined()
      // The innermost of an object needs a value.
      return "{\"id\":\"\(depth)\",\"title\":\"t\",\"x\":" + open + (depth == 0 || depth % 2 == 0 ? "1" : "") + close
        + "}"
    }
    var limits = CatalogLimits()
    limits.nestingDepth = limit
    // The record itself is a level.
    let result = try catalog(line(limit - 1) + "\n" + line(limit) + "\n", limits: limits)
    #expect(result.items.map(\.id) == ["\(limit - 1)"])
    let rejection = try #require(result.rejected.first)
    #expect(rejection.line == 2 && rejection.reason == "invalid_json" && result.rejected.count == 1)
    #expect(rejection.found == "deeper nesting" && rejection.expected == "at most \(limit) levels")
  }

  @Test(arguments: [
    ("log.jsonl", "{\"user_id\":\"u\",\"item_id\":\"a\",\"timestamp\":null,\"rating\":5}\n", 1),
    ("log.csv", "user_id,item_id,timestamp,position\nu,a,,  \n", 2),
    ("log.tsv", "user_id\titem_id\tposition\nu\ta\t\n", 2),
  ])
  func anEventWithoutAnyClockIsRejected(name: String, text: String, line: Int) throws {
    try withCatalogFixture { fixture in
      let log = try InteractionReader().read([try fixture.write(text, to: name)])
      #expect(log.count == 0 && log.summary.rejected == 1 && log.users.count == 0)
      let rejection = try #require(log.summary.examples.first)
      #expect(
        rejection
          == RejectedRecord(
            severity: .error, file: fixture.folder + "/" + name, line: line, field: "timestamp", reason: .missing,
            found: "neither timestamp nor position", expected: "at least one of the two"))
    }
  }

  // MARK: Tables

  /// A table of three records of which bytes were changed.
  private static func damage(_ change: (inout TableFiles) -> Void) throws -> (open: CatalogError?, read: [Int]) {
    try withCatalogFixture { fixture in
      let lines = (0..<3).map { "{\"id\":\"id-\($0)\",\"title\":\"title\"}\n" }
      _ = try fixture.write(lines.joined(), to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      var files = try TableFiles(fixture)
      change(&files)
      try files.write(fixture)
      var readable: [Int] = []
      let error = refusal {
        let table = try ItemTable.open(directory: fixture.table)
        for row in 0..<3 where (try? table.items(in: row..<row + 1)) != nil { readable.append(row) }
        _ = try table.items(in: 0..<3)
      }
      // The folder's name differs from run to run.
      return (
        error.map { CatalogError($0.code, $0.message.replacingOccurrences(of: fixture.table, with: "T")) }, readable
      )
    }
  }

  private static func damaged(_ file: String, _ what: String) -> CatalogError {
    CatalogError(
      .damagedTable,
      "the item table file T/\(file) is damaged: found \(what). Delete its folder; the next run builds it again.")
  }

  @Test func aChangedRecordIsNamedAndTheOthersAreRead() throws {
    for row in 0..<3 {
      let found = try Self.damage { files in
        let entry = files.entry(row)
        files.data[entry.offset + entry.length - 1] ^= 0x20
      }
      #expect(found.open == Self.damaged("items.bin", "altered bytes in row \(row), expected its checksum"))
      #expect(found.read == [0, 1, 2].filter { $0 != row })
    }
  }

  @Test func aChangedIndexIsRefusedAsAWhole() throws {
    let cases: [(String, (inout TableFiles) -> Void)] = [
      ("an altered header, expected its checksum", { $0.index[40] ^= 1 }),
      ("an altered header, expected its checksum", { $0.index[108] ^= 1 }),
      ("altered entries, expected their checksum", { $0.index[112 + 48 + 16] ^= 1 }),
      ("altered entries, expected their checksum", { $0.index[$0.index.count - 1] ^= 1 }),
      ("50 bytes without its header, expected TSINDEX1", { $0.index.removeLast($0.index.count - 50) }),
    ]
    for (what, change) in cases {
      let found = try Self.damage(change)
      #expect(found.open == Self.damaged("items.idx", what) && found.read.isEmpty)
    }
    let sound = try Self.damage { _ in }
    #expect(sound.open == nil && sound.read == [0, 1, 2])
  }
}

/// Digests of fields that are fed piece by piece.
@Suite("Content hashes of pieces")
struct HashingPropertyTests {
  @Test func piecesOfAnySizeGiveOneDigest() {
    var random = RandomSource(seed: 61)
    for count in [0, 1, 55, 56, 63, 64, 65, 200] {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let whole = Digest(hashing: bytes)
      for _ in 0..<5 {
        var hasher = ContentHasher()
        var start = 0
        while start < count {
          let end = Int.random(in: start...count, using: &random)
          hasher.update(Array(bytes[start..<end]))
          start = end
        }
        #expect(hasher.finalize() == whole)
      }
      #expect(whole.hex == whole.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
      #expect(whole.prefix64 == whole.bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) } && "\(whole)" == whole.hex)
    }
  }

  @Test func fieldsAreTheirLengthAndTheirBytes() {
    let floats: ContiguousArray<Float> = [1, -2.5, 0]
    let bytes = floats.flatMap { littleEndian(UInt64($0.bitPattern), 4) }
    var fields = ContentHasher(), plain = ContentHasher()
    fields.updateField(floats)
    fields.updateField("é")
    fields.updateField([] as [UInt8])
    fields.update(0x0102_0304_0506_0708 as UInt64)
    plain.update(littleEndian(12, 8) + bytes + littleEndian(2, 8) + [0xC3, 0xA9] + littleEndian(0, 8))
    plain.update([8, 7, 6, 5, 4, 3, 2, 1] as [UInt8])
    #expect(fields.finalize() == plain.finalize())
    // Reading a digest does not end what is hashed.
    let before = fields.finalize()
    fields.update(Array("more".utf8))
    #expect(before == plain.finalize() && fields.finalize() != before)
  }
}
