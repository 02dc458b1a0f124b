import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Random generations of every shape, against a reference that looks at all items for every question.
@Suite struct StoreModelTests {
  /// An entry of the `codes/` direction, with the id's bytes: strings compare by canonical equivalence.
  private struct Entry: Equatable {
    var semanticID: SemanticID
    var id: [UInt8]

    init(semanticID: SemanticID, id: [UInt8]) {
      self.semanticID = semanticID
      self.id = id
    }

    init(_ item: ScannedItem) { self.init(semanticID: item.semanticID, id: Array(item.id.utf8)) }
  }

  private struct Row {
    var id: [UInt8]
    var record: ItemRecord
    var neighbors: [UInt32]
  }

  private func rows(of draft: GenerationDraft) -> [Row] {
    let width = draft.neighbors?.neighborsPerItem ?? 0
    return draft.items.ids.indices.map { row in
      Row(
        id: Array(draft.items.ids[row].utf8), record: draft.items.record(at: row),
        neighbors: (draft.neighbors?.rows[row * width..<(row + 1) * width]).map(Array.init) ?? [])
    }
  }

  private func entries(_ rows: [Row]) -> [Entry] {
    rows.map { Entry(semanticID: $0.record.semanticID, id: $0.id) }.sorted { left, right in
      let (a, b) = (left.semanticID, right.semanticID)
      if a.codes != b.codes { return a.codes.lexicographicallyPrecedes(b.codes) }
      if a.suffix != b.suffix { return a.suffix < b.suffix }
      return left.id.lexicographicallyPrecedes(right.id)
    }
  }

  @Test(arguments: 0..<24) func everyQuestionHasTheAnswerOfALinearSearch(seed: Int) throws {
    var random = RandomSource(seed: UInt64(100 + seed))
    let draft = randomDraft(using: &random)
    let rows = rows(of: draft)
    let byID = rows.sorted { $0.id.lexicographicallyPrecedes($1.id) }
    let byCodes = entries(rows)
    try withStore { (store) throws in
      var options = SemanticIDStore.PublishOptions()
      options.transactionBytes = [3_000, 64 << 20].randomElement(using: &random)!
      let manifest = try store.publish(draft, options: options)
      #expect(manifest.items == rows.count)
      #expect(manifest.semanticIDs == Set(byCodes.map(\.semanticID)).count)
      let queries = (0..<12).map { _ in
        byCodes.randomElement(using: &random)?.semanticID ?? SemanticID(codes: [0])
      }
      try store.read { (reader) throws in
        try expectScans(reader, byID, byCodes)
        for query in queries {
          let limit = Int.random(in: 0...4, using: &random)
          try expectLookups(reader, query, limit, byCodes, levels: draft.items.levels)
        }
        try expectSideTables(reader, draft, rows)
      }
    }
  }

  private func expectScans(_ reader: borrowing GenerationReader, _ byID: [Row], _ byCodes: [Entry]) throws {
    var items: [[UInt8]] = []
    try reader.forEachItem { id, record in
      #expect(record == byID[items.count].record)
      items.append(Array(id.utf8))
    }
    #expect(items == byID.map(\.id))
    var position = 0
    try reader.forEachRow { id, codes, fields in
      let row = byID[position]
      #expect(id.count == row.id.count && codes.count == row.record.semanticID.codes.count)
      #expect(codes.indices.allSatisfy { codes[$0] == row.record.semanticID.codes[$0] })
      #expect(fields.suffix == row.record.semanticID.suffix && fields.flags == row.record.flags)
      #expect(fields.distance == row.record.distance && fields.contentHash == row.record.contentHash)
      position += 1
    }
    #expect(position == byID.count)
    let columns = try reader.columns()
    #expect(columns.ids.indices.map { Array(columns.ids[$0].utf8) } == byID.map(\.id))
    #expect(columns.ids.indices.map { columns.record(at: $0) } == byID.map(\.record))
    var buckets: [Entry] = []
    var keys: [SemanticID] = []
    try reader.forEachBucket { semanticID, ids in
      #expect(!ids.isEmpty)
      keys.append(semanticID)
      for id in ids { buckets.append(Entry(semanticID: semanticID, id: Array(id.utf8))) }
    }
    #expect(buckets == byCodes)
    #expect(Set(keys).count == keys.count, "each bucket comes once")
  }

  private func expectLookups(
    _ reader: borrowing GenerationReader, _ query: SemanticID, _ limit: Int, _ byCodes: [Entry], levels: Int
  ) throws {
    for length in 0...levels {
      let prefix = Array(query.codes.prefix(length))
      let expected = byCodes.filter { $0.semanticID.codes.starts(with: prefix) }
      #expect(try reader.items(withPrefix: prefix).map(Entry.init) == expected)
      #expect(try reader.items(withPrefix: prefix, limit: limit).map(Entry.init) == Array(expected.prefix(limit)))
    }
    let bucket = byCodes.filter { $0.semanticID == query }.map(\.id)
    #expect(try reader.items(exactly: query).map { Array($0.utf8) } == bucket)
    #expect(try reader.items(exactly: query, limit: limit).map { Array($0.utf8) } == Array(bucket.prefix(limit)))
    var other = query
    other.suffix = 9
    #expect(try reader.items(exactly: other).isEmpty)
  }

  private func expectSideTables(_ reader: borrowing GenerationReader, _ draft: GenerationDraft, _ rows: [Row]) throws {
    #expect(try reader.codebooks() == draft.codebooks)
    for row in rows.prefix(50) {
      let id = String(decoding: row.id, as: UTF8.self)
      #expect(try reader.record(forItem: id) == row.record)
      #expect(try reader.neighbors(of: id) == (draft.neighbors == nil ? nil : row.neighbors))
      #expect(try reader.record(forItem: id + "?") == nil)
    }
    let set = draft.neighbors.map { Array($0.itemSet) } ?? []
    for row in 0..<UInt32(set.count) { #expect(try reader.itemSetItem(at: row) == set[Int(row)]) }
    #expect(try reader.itemSetItem(at: UInt32(set.count)) == nil)
    #expect(try reader.itemSetItem(at: .max) == nil)
  }

  /// Blocks of 512 entries and transactions end inside buckets; neither may show.
  @Test(arguments: [511, 512, 513, 1_024, 1_025, 1_537])
  func bucketsThatSpanBlocksAndTransactionsAreCountedOnce(count: Int) throws {
    var random = RandomSource(seed: UInt64(count))
    var items = ItemColumns(levels: 1)
    var keys: Set<UInt16> = []
    for row in 0..<count {
      // Long runs of one key, with single keys between them.
      let code = row % 700 < 690 ? UInt16(row / 700) : UInt16(10 + row % 7)
      keys.insert(code)
      items.append(id: "i\(row)", record: ItemRecord(semanticID: SemanticID(codes: [code])))
    }
    for bytes in [1_000, 20_000, 64 << 20] {
      try withStore { (store) throws in
        var options = SemanticIDStore.PublishOptions()
        options.transactionBytes = bytes + Int.random(in: 0...500, using: &random)
        #expect(try store.publish(GenerationDraft(items: items), options: options).semanticIDs == keys.count)
        var sizes = 0
        try store.read { (reader) throws in try reader.forEachBucket { _, ids in sizes += ids.count } }
        #expect(sizes == count)
      }
    }
  }

  @Test(arguments: 0..<4) func anyOrderOfPublishesRollbacksAndReopeningsServesWhatAModelServes(seed: Int) throws {
    var random = RandomSource(seed: UInt64(500 + seed))
    try withTemporaryDirectory { (folder) throws in
      var store: SemanticIDStore? = try SemanticIDStore.open(folder, mode: .readWrite)
      var seeds: [UInt64: Int] = [:]
      var current: UInt64?
      for step in 1...25 {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1, 2:
          var options = SemanticIDStore.PublishOptions()
          options.keepGenerations = [nil, 1, 2, 3, 7].randomElement(using: &random)!
          let number = (seeds.keys.max() ?? 0) + 1
          #expect(try store?.publish(makeDraft(items: 7, seed: step), options: options).generation == number)
          seeds[number] = step
          current = number
          let others = seeds.keys.filter { $0 != number }.sorted(by: >)
          for old in others.dropFirst((options.keepGenerations ?? .max) - 1) { seeds[old] = nil }
        case 3, 4:
          let target = UInt64.random(in: 1...((seeds.keys.max() ?? 0) + 1), using: &random)
          let code = storeErrorCode { try store?.rollback(to: target) }
          #expect(code == (seeds[target] == nil ? .generationMissing : nil))
          if seeds[target] != nil { current = target }
        default:
          store = nil
          store = try SemanticIDStore.open(folder, mode: .readWrite)
        }
        let opened = try #require(store)
        try expect(opened, serves: current, of: seeds)
      }
    }
  }

  private func expect(_ store: SemanticIDStore, serves current: UInt64?, of seeds: [UInt64: Int]) throws {
    #expect(try store.currentGeneration() == current)
    #expect(try store.generations().map(\.generation) == seeds.keys.sorted())
    #expect(try store.databaseNames().count == 1 + 5 * seeds.count)
    for (number, seed) in seeds {
      #expect(try store.read(generation: number) { $0.manifest.properties } == ["seed": "\(seed)"])
    }
    guard let current, let seed = seeds[current] else { return }
    #expect(
      try store.read { (reader) throws in try reader.record(forItem: "item-3") }
        == expectedRecord(3, levels: 3, seed: seed, size: 16))
  }
}

/// A draft of random shape: any number of items, levels, codebooks and neighbors that the layout allows.
func randomDraft(using random: inout RandomSource) -> GenerationDraft {
  let levels = [1, 2, 3, 5].randomElement(using: &random)!
  let size = [1, 2, 7, 300].randomElement(using: &random)!
  let count = [0, 1, 2, 40, 600].randomElement(using: &random)!
  var ids: [[UInt8]: String] = [:]
  while ids.count < count {
    let id = randomIdentifier(using: &random)
    ids[Array(id.utf8)] = id
  }
  let order = ids.keys.sorted { $0.lexicographicallyPrecedes($1) }.shuffled(using: &random)
  var items = ItemColumns(levels: levels)
  for key in order {
    let codes = (0..<levels).map { _ in
      UInt16(min(Int.random(in: 0..<size, using: &random), Int.random(in: 0..<size, using: &random)))
    }
    items.append(
      id: ids[key]!,
      record: ItemRecord(
        semanticID: SemanticID(codes: codes, suffix: .random(in: 0...2, using: &random)),
        flags: ItemFlags(rawValue: .random(in: 0...255, using: &random)),
        distance: .random(in: -1...100, using: &random), contentHash: random.next()))
  }
  var draft = GenerationDraft(items: items)
  if Bool.random(using: &random) {
    let dimensions = Int.random(in: 1...3, using: &random)
    draft.codebooks = (0..<levels).map { _ in
      StoredCodebook(
        size: size, dimensions: dimensions, centroids: (0..<size * dimensions).map { _ in random.nextNormal() },
        prices: Bool.random(using: &random) ? (0..<size).map { _ in random.nextNormal() } : nil)
    }
  }
  if Bool.random(using: &random) {
    let width = Int.random(in: 1...4, using: &random)
    let set = (0..<Int.random(in: 1...300, using: &random)).map { "set-\($0)" }
    draft.neighbors = NeighborColumns(
      neighborsPerItem: width,
      rows: (0..<count * width).map { _ in UInt32.random(in: 0..<UInt32(set.count), using: &random) },
      itemSet: IdentifierColumn(set))
  }
  return draft
}

/// 1 to 255 bytes: shared beginnings, zero bytes, letters of one to four bytes, and now and then the longest id.
private func randomIdentifier(using random: inout RandomSource) -> String {
  let pieces = ["a", "b", "\u{0}", "é", "漢", "🙂", "/", "~"]
  let length = Int.random(in: 0..<20, using: &random) == 0 ? 300 : Int.random(in: 1...14, using: &random)
  var id = ["", "a", "shared/prefix/"].randomElement(using: &random)!
  for _ in 0..<length {
    let piece = pieces.randomElement(using: &random)!
    guard id.utf8.count + piece.utf8.count <= StoreLimits.identifierBytes else { break }
    id += piece
  }
  return id
}
