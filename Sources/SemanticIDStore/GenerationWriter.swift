internal import Dispatch

/// Streams a plan into a generation's databases, sorted, in transactions of bounded size, and sums up what it wrote.
struct GenerationWriter {
  let environment: Environment
  let databases: GenerationDatabases
  let options: SemanticIDStore.PublishOptions
  private var rowsHash = DraftHash()
  private var neighborsHash = EntryHash()
  private var itemSetHash = EntryHash()
  private var codebooksHash = EntryHash()
  private var semanticIDs = 0

  init(environment: Environment, databases: GenerationDatabases, options: SemanticIDStore.PublishOptions) {
    self.environment = environment
    self.databases = databases
    self.options = options
  }

  mutating func write(_ plan: PublishPlan, _ number: UInt64) throws -> GenerationManifest {
    let (items, order) = (plan.items, plan.byIdentifier)
    let queue = DispatchQueue(label: "store.publish")
    let byCodes = BackgroundValue(on: queue) { RowOrder.byCodes(items, startingWith: order) }
    let hash = BackgroundValue(on: queue) { DraftHash(items) }
    try writeItems(items, order)
    try writeCodes(items, byCodes.take())
    try writeNeighbors(plan)
    try writeCodebooks(plan.draft.codebooks)
    rowsHash = hash.take()
    return manifest(plan.draft, number)
  }

  private func manifest(_ draft: GenerationDraft, _ number: UInt64) -> GenerationManifest {
    let codebooks = draft.codebooks
    return GenerationManifest(
      format: Int(Layout.format), generation: number, parent: draft.parent, createdAt: draft.createdAt,
      items: draft.items.count, semanticIDs: semanticIDs, levels: draft.items.levels,
      codebookSizes: codebooks.map(\.size), dimensions: codebooks.first?.dimensions ?? 0,
      pricedLevels: codebooks.indices.filter { codebooks[$0].prices != nil },
      neighborsPerItem: draft.neighbors?.neighborsPerItem ?? 0, itemSetSize: draft.neighbors?.itemSet.count ?? 0,
      hashes: GenerationManifest.Hashes(
        items: rowsHash.items.hexadecimal, codes: rowsHash.codes.hexadecimal, codebooks: codebooksHash.hexadecimal,
        neighbors: neighborsHash.hexadecimal, itemSet: itemSetHash.hexadecimal),
      artifacts: draft.artifacts, metrics: draft.metrics, properties: draft.properties)
  }

  /// Calls `append` for one range of positions after another, each in a transaction of its own. `append` is called
  /// again for the same range where the map had to grow, so it returns what it counted instead of adding it up.
  private func stream<Sum>(
    _ step: SemanticIDStore.PublishProgress.Step, count: Int, entryBytes: Int, into database: Database,
    _ append: (inout Cursor, Range<Int>) throws -> Sum, then add: (Sum) -> Void
  ) throws {
    let batch = max(1, options.transactionBytes / max(1, entryBytes))
    var start = 0
    while start < count {
      try options.report(step, start, count)
      let range = start..<min(count, start + batch)
      add(
        try environment.write { transaction in
          try transaction.withCursor(over: database) { cursor in try append(&cursor, range) }
        })
      start = range.upperBound
    }
    try options.report(step, count, count)
  }

  // MARK: Items

  private func writeItems(_ items: ItemColumns, _ order: [UInt32]) throws {
    let levels = items.levels
    let size = Layout.itemValueSize(levels: levels)
    let entryBytes = items.ids.bytes.count / max(1, items.count) + size + 10
    try stream(.items, count: items.count, entryBytes: entryBytes, into: databases.items) { cursor, range in
      try unsafe items.withRowBytes { rows in
        for position in range {
          let row = Int(order[position])
          let room = try unsafe cursor.appendReserving(size, at: rows.id(row))
          unsafe ItemValue.write(items.fields(at: row), codes: rows.codes(row), to: room)
        }
      }
    } then: { _ in
    }
  }

  // MARK: Codes

  private mutating func writeCodes(_ items: ItemColumns, _ order: [UInt32]) throws {
    let size = items.ids.bytes.count / max(1, items.count) + Layout.codesKeySize(levels: items.levels) + 10
    var distinct = 0
    try stream(.codes, count: items.count, entryBytes: size, into: databases.codes) { cursor, range in
      try appendCodes(items, order, range, &cursor)
    } then: { added in
      distinct += added
    }
    semanticIDs = distinct
  }

  /// The number of keys among `range` that differ from the one before.
  private func appendCodes(
    _ items: ItemColumns, _ order: [UInt32], _ range: Range<Int>, _ cursor: inout Cursor
  ) throws -> Int {
    try unsafe items.withRowBytes { rows in
      var block = CodesBlock(levels: items.levels)
      var distinct = 0
      var start = range.lowerBound
      if start > 0 { unsafe block.remember(rows, Int(order[start - 1]), items.suffixes) }
      while start < range.upperBound {
        let end = min(range.upperBound, start + CodesBlock.capacity)
        unsafe block.gather(rows, order[start..<end], items.suffixes)
        for position in 0..<end - start {
          let isSame = block.hasKeyOfEntryBefore(position)
          try unsafe cursor.append(block.id(position), at: block.key(position), sameKey: isSame)
          if !isSame { distinct += 1 }
        }
        start = end
      }
      return distinct
    }
  }

  // MARK: VQ codes and codebooks

  private mutating func writeNeighbors(_ plan: PublishPlan) throws {
    guard let neighbors = plan.draft.neighbors else { return }
    let (items, order, width) = (plan.items, plan.byIdentifier, neighbors.neighborsPerItem)
    var sum = EntryHash()
    let size = items.ids.bytes.count / max(1, items.count) + 4 * width + 10
    try stream(.neighbors, count: items.count, entryBytes: size, into: databases.neighbors) { cursor, range in
      try unsafe items.withRowBytes { rows in
        var scratch = EntryScratch()
        var added = EntryHash()
        for position in range {
          let row = Int(order[position])
          let room = try unsafe cursor.appendReserving(4 * width, at: rows.id(row))
          for index in 0..<width {
            unsafe room.storeBytes(
              of: neighbors.rows[row * width + index].littleEndian, toByteOffset: 4 * index, as: UInt32.self)
          }
          unsafe added.add(scratch.layOut(rows.id(row), UnsafeRawBufferPointer(start: room, count: 4 * width)))
        }
        return added
      }
    } then: {
      sum.add($0)
    }
    neighborsHash = sum
    let entries = neighbors.itemSet.indices.lazy.map { row in
      (
        key: Layout.itemSetKey(row: UInt32(row)),
        value: Array(neighbors.itemSet.bytes[neighbors.itemSet.byteRange(at: row)])
      )
    }
    itemSetHash = try writeEntries(.itemSet, entries, into: databases.itemSet)
  }

  private mutating func writeCodebooks(_ codebooks: [StoredCodebook]) throws {
    var entries: [(key: [UInt8], value: [UInt8])] = []
    for (level, codebook) in codebooks.enumerated() {
      entries.append((Layout.codebookKey(level: level), littleEndianBytes(codebook.centroids)))
      if let prices = codebook.prices { entries.append((Layout.pricesKey(level: level), littleEndianBytes(prices))) }
    }
    codebooksHash = try writeEntries(.codebooks, entries, into: databases.codebooks)
  }

  /// Entries in key order.
  private func writeEntries(
    _ step: SemanticIDStore.PublishProgress.Step,
    _ entries: some RandomAccessCollection<(key: [UInt8], value: [UInt8])>, into database: Database
  ) throws -> EntryHash {
    var sum = EntryHash()
    let size = (entries.first?.value.count ?? 0) + 16
    try stream(step, count: entries.count, entryBytes: size, into: database) { cursor, range in
      var scratch = EntryScratch()
      var added = EntryHash()
      for position in range {
        let entry = entries[entries.index(entries.startIndex, offsetBy: position)]
        try unsafe entry.key.withUnsafeBytes { key in
          try unsafe entry.value.withUnsafeBytes { value in
            try unsafe cursor.append(value, at: key, sameKey: false)
            unsafe added.add(scratch.layOut(key, value))
          }
        }
      }
      return added
    } then: {
      sum.add($0)
    }
    return sum
  }
}

private func littleEndianBytes(_ values: [Float]) -> [UInt8] {
  unsafe values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { unsafe Array($0) }
}
