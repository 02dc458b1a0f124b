import SemanticIDStore
import TensorMath
import Testing

/// The values that go in and out of the store.
@Suite struct StoreValueTests {
  @Test func writtenIDsReadBackAndNothingElseDoes() {
    var random = RandomSource(seed: 71)
    for _ in 0..<2_000 {
      let codes = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        UInt16.random(in: 0...(Bool.random(using: &random) ? 9 : .max), using: &random)
      }
      let id = SemanticID(
        codes: codes, suffix: Bool.random(using: &random) ? 0 : .random(in: 0...(.max), using: &random))
      #expect(SemanticID(id.description) == id)
      // One character more anywhere that is no digit makes it none, or one that is written differently.
      var text = Array(id.description)
      text.insert(
        ["-", "+", " ", "x", "٣", "_"].randomElement(using: &random)!,
        at: Int.random(in: 0...text.count, using: &random))
      if let other = SemanticID(String(text)) {
        #expect(other != id && SemanticID(other.description) == other)
      }
    }
  }

  @Test func theOrderIsTheByteOrderOfTheKeys() {
    var random = RandomSource(seed: 72)
    func key(_ id: SemanticID) -> [UInt8] {
      (id.codes + [id.suffix]).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
    let ids = (0..<400).map { _ in
      SemanticID(
        codes: (0..<3).map { _ in [0, 1, 255, 256, 65_535].randomElement(using: &random)! },
        suffix: [0, 1, 256].randomElement(using: &random)!)
    }
    for (left, right) in zip(ids, ids.dropFirst()) {
      #expect((left < right) == key(left).lexicographicallyPrecedes(key(right)))
      #expect((left == right) == (key(left) == key(right)))
    }
  }

  @Test func routesAndFlagsShareAByteWithoutTouchingEachOther() {
    #expect(ItemFlags([]).textRoute == nil && ItemFlags(rawValue: 15).textRoute == nil)
    for route in 1...15 {
      for low in UInt8(0)..<16 {
        let flags = ItemFlags(textRoute: route).union(ItemFlags(rawValue: low))
        #expect(flags.textRoute == route)
        #expect(flags.rawValue == UInt8(route) << 4 | low)
        #expect(flags.contains(.textMissing) == (low & 1 != 0) && flags.contains(.imageMissing) == (low & 2 != 0))
        #expect(flags.contains(.moved) == (low & 4 != 0) && flags.contains(.newer) == (low & 8 != 0))
      }
    }
  }

  @Test func anIdentifierColumnKeepsWhereIdsEnd() {
    var column = IdentifierColumn(["ab", "", "é", "🙂c"])
    #expect(Array(column) == ["ab", "", "é", "🙂c"] && column.count == 4)
    #expect(column != IdentifierColumn(["a", "b", "é", "🙂c"]))
    #expect((0..<4).map { column.byteRange(at: $0).count } == [2, 0, 2, 5])
    #expect(column.withUTF8(at: 3) { $0.count } == 5 && column.withUTF8(at: 1) { $0.isEmpty })
    let bytes: [UInt8] = [0x78, 0x79]
    column.append(utf8: bytes.span)
    #expect(column[4] == "xy" && column.last == "xy" && Array(column[1...2]) == ["", "é"])
    #expect(Set([column, column, IdentifierColumn()]).count == 2)
  }

  @Test func columnsThatAreLeftOutAreZero() {
    let columns = ItemColumns(levels: 2, ids: IdentifierColumn(["a", "b"]), codes: [1, 2, 3, 4])
    #expect(columns.record(at: 1) == ItemRecord(semanticID: SemanticID(codes: [3, 4])))
    #expect(columns.suffixes == [0, 0] && columns.contentHashes == [0, 0] && columns.distances == [0, 0])
    var other = ItemColumns(levels: 2)
    other.reserveCapacity(rows: 2, identifierBytes: 2)
    other.append(id: "a", record: columns.record(at: 0))
    let codes: [UInt16] = [3, 4]
    let id: [UInt8] = [0x62]
    other.append(
      utf8: id.span, codes: codes.span, fields: ItemFields(suffix: 0, flags: [], distance: 0, contentHash: 0))
    #expect(other == columns)
    other.append(id: "c", record: columns.record(at: 0))
    #expect(other != columns && other.semanticID(at: 2) == SemanticID(codes: [1, 2]))
  }
}
