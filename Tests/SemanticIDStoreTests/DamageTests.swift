import Foundation
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Damaged files: a clear error or the right data, never a crash. LMDB can end the process on bytes it trusts, so the
/// reading is done by another one, which checks the file before it opens it.
@Suite struct DamageTests {
  private func withPublishedStore(_ body: (_ folder: String, _ bytes: [UInt8]) throws -> Void) throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        var draft = makeDraft(items: 300)
        draft.neighbors = NeighborColumns(
          neighborsPerItem: 2, rows: Array(repeating: 1, count: 600), itemSet: IdentifierColumn(["x", "y"]))
        try store.publish(draft)
        var options = SemanticIDStore.PublishOptions()
        options.keepGenerations = 1
        try store.publish(draft, options: options)
      }
      try body(folder, Array(Data(contentsOf: URL(fileURLWithPath: folder + "/data.mdb"))))
    }
  }

  private func write(_ bytes: [UInt8], _ folder: String) throws {
    try? FileManager.default.removeItem(atPath: folder + "/lock.mdb")
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/data.mdb"))
  }

  @Test func aCutFileIsRefusedWithoutACrash() throws {
    try withPublishedStore { (folder, bytes) throws in
      for cut in [1, 100, 4095, 4096, 5000, 8191, 8192, 12_288, bytes.count / 2, bytes.count - 4096, bytes.count - 1] {
        try write(Array(bytes.prefix(cut)), folder)
        let (lines, status) = try HelperProcess.run(["probe", folder])
        // The last pages may be free ones, which nobody misses.
        #expect(status == 65 || cut > bytes.count / 2 && lines == ["intact 2"], "cut at \(cut): \(lines)")
        if status == 65 {
          #expect(storeErrorCode { _ = try SemanticIDStore.open(folder, mode: .readOnly) } == .damaged)
        }
      }
    }
  }

  @Test func damagedFilesGiveAnErrorOrTheRightData() throws {
    var random = RandomSource(seed: 3)
    try withPublishedStore { (folder, bytes) throws in
      var refused = 0
      for round in 0..<150 {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          // Headers and node offsets, the bytes that LMDB follows, are hit as often as all the rest.
          let page = Int.random(in: 0..<bytes.count / 4096, using: &random)
          let offset = Int.random(in: 0..<(round % 2 == 0 ? 64 : 4096), using: &random)
          changed[page * 4096 + offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        try write(changed, folder)
        let (lines, status) = try HelperProcess.run(["probe", folder])
        #expect(status == 0 || status == 65, "round \(round): \(status) \(lines)")
        if status == 0 { #expect(lines == ["intact 2"]) } else { refused += 1 }
      }
      #expect(refused > 50)
    }
  }

  @Test func theCheckSurvivesTenThousandDamagedFiles() throws {
    var random = RandomSource(seed: 4)
    try withPublishedStore { (folder, bytes) throws in
      try SemanticIDStore.checkFile(folder)
      var refused = 0
      let path = folder + "/data.mdb"
      for _ in 0..<10_000 {
        // One handle, a few bytes changed and put back: rewriting the file each time would take minutes.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        var positions: [Int] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let position =
            Int.random(in: 0..<bytes.count / 4096, using: &random) * 4096
            + Int.random(in: 0..<128, using: &random)
          positions.append(position)
          try handle.seek(toOffset: UInt64(position))
          try handle.write(contentsOf: Data([UInt8.random(in: 0...255, using: &random)]))
        }
        if storeErrorCode({ try SemanticIDStore.checkFile(folder) }) != nil { refused += 1 }
        for position in positions {
          try handle.seek(toOffset: UInt64(position))
          try handle.write(contentsOf: Data([bytes[position]]))
        }
        try handle.close()
      }
      #expect(refused > 3_000)
      try SemanticIDStore.checkFile(folder)
    }
  }

  @Test func alteredValuesAreFoundAndNamed() throws {
    let changes: [(database: String, key: [UInt8], value: [UInt8]?)] = [
      ("items", Array("item-5".utf8), [3]),
      ("items", Array("item-5".utf8), [UInt8](repeating: 0, count: 22)),
      ("items", Array("item-5".utf8), [3] + [UInt8](repeating: 0, count: 21)),
      ("items", Array("item-5".utf8), nil),
      ("items", Array("item-5".utf8), [3] + [UInt8](repeating: 0, count: 15) + [0xFF, 0xFF, 0, 0, 0, 0]),
      ("codes", [0, 0], [0x61]),
      ("codes", [UInt8](repeating: 0, count: 8), [0x61]),
      ("codebooks", [0, 1], [0, 0, 0, 0]),
      ("codebooks", [0, 1, 0x70], nil),
      ("neighbors", Array("item-7".utf8), [9, 0, 0, 0, 9, 0, 0, 0]),
      ("itemset", [0, 0, 0, 1], [0x7A]),
      ("meta", Array("generation/0000000000000002".utf8), Array("{}".utf8)),
      ("meta", Array("current".utf8), [1]),
      ("meta", Array("current".utf8), [9, 0, 0, 0, 0, 0, 0, 0]),
    ]
    try withPublishedStore { (folder, bytes) throws in
      for change in changes {
        try write(bytes, folder)
        do {
          let environment = try Environment.open(folder)
          let name = change.database == "meta" ? "meta" : change.database + "/0000000000000002"
          let database = try #require(try environment.database(named: name))
          _ = try environment.write { (transaction) throws in
            if let value = change.value {
              try transaction.put(value.span, in: database, at: change.key.span)
            } else {
              try transaction.delete(change.key.span, in: database)
            }
          }
        }
        let store = try SemanticIDStore.open(folder, mode: .readOnly)
        #expect(storeErrorCode { try store.verify() } == .damaged, "\(change)")
        // Whatever the value, reading it is an error or an answer.
        _ = storeErrorCode {
          try store.read { reader in
            _ = try reader.record(forItem: "item-5")
            _ = try reader.items(withPrefix: [])
            _ = try reader.codebooks()
            _ = try reader.neighbors(of: "item-7")
          }
        }
      }
    }
  }

  @Test func tenThousandDamagedValuesAreDecodedOrRefused() throws {
    var random = RandomSource(seed: 5)
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      try store.publish(makeDraft(items: 1))
      let environment = try Environment.open(folder)
      let database = try #require(try environment.database(named: "items/0000000000000001"))
      let key = Array("item-0".utf8)
      let value = try #require(try environment.read { try $0.value(in: database, at: key.span) })
      var (decoded, refused) = (0, 0)
      for _ in 0..<100 {
        // A hundred damaged values under keys of their own per transaction: each commit waits for the disk.
        try environment.write { (transaction) throws in
          for index in 0..<100 {
            try transaction.put(damaged(value, using: &random).span, in: database, at: Array("x\(index)".utf8).span)
          }
        }
        try store.read { reader in
          for index in 0..<100 {
            switch storeErrorCode({ _ = try reader.record(forItem: "x\(index)") }) {
            case nil: decoded += 1
            case .damaged: refused += 1
            case let other: Issue.record("\(String(describing: other))")
            }
          }
        }
      }
      #expect(decoded > 1_000)
      #expect(refused > 1_000)
    }
  }

  @Test func tenThousandDamagedManifestsAreReadOrRefused() throws {
    var random = RandomSource(seed: 6)
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      try store.publish(makeDraft(items: 1))
      let environment = try Environment.open(folder)
      let meta = try #require(try environment.database(named: "meta"))
      let key = Array("generation/0000000000000001".utf8)
      let json = try #require(try environment.read { try $0.value(in: meta, at: key.span) })
      var refused = 0
      for _ in 0..<10_000 {
        if (try? GenerationManifest.decode(damaged(json, using: &random), generation: 1)) == nil { refused += 1 }
      }
      #expect(refused > 5_000)
      #expect(try GenerationManifest.decode(json, generation: 1).items == 1)
    }
  }

  @Test func metaPagesThatAreNoneAreRefused() throws {
    try withTemporaryDirectory { (folder) throws in
      for bytes in [Array("not a database".utf8), [UInt8](repeating: 0xFF, count: 20_000)] {
        try write(bytes, folder)
        #expect(storeErrorCode { _ = try SemanticIDStore.open(folder, mode: .readWrite) } == .damaged)
        #expect(storeErrorCode { try SemanticIDStore.checkFile(folder) } == .damaged)
      }
    }
  }
}
