internal import Glibc

/// One generation, seen through one read transaction: whatever is published, rolled back or collected meanwhile, by this
/// process or another, it does not change under the reader. Valid only inside the closure that `read` lends it to, and
/// on that thread.
@safe public struct GenerationReader: ~Copyable {
  public let manifest: GenerationManifest
  let transaction: TransactionPointer
  let databases: GenerationDatabases
  let levels: Int

  /// The transaction has to outlive the reader.
  @unsafe init(_ manifest: GenerationManifest, _ transaction: TransactionPointer, _ databases: GenerationDatabases) {
    self.manifest = manifest
    unsafe self.transaction = transaction
    self.databases = databases
    levels = manifest.levels
  }

  /// Items in the generation.
  public var count: Int { manifest.items }

  /// The generation's number.
  public var generation: UInt64 { manifest.generation }

  // MARK: One item

  /// The item's record, or nil where the generation does not have it. O(log items).
  public func record(forItem id: String) throws(StoreError) -> ItemRecord? {
    var id = id
    let result = id.withUTF8 { bytes in
      unsafe lookUp(UnsafeRawBufferPointer(bytes))
    }
    return try result.get()
  }

  /// As `record(forItem:)`, for an id that is UTF-8 already.
  public func record(forUTF8 id: Span<UInt8>) throws(StoreError) -> ItemRecord? {
    let result = unsafe id.withUnsafeBytes { unsafe lookUp($0) }
    return try result.get()
  }

  private func lookUp(_ id: UnsafeRawBufferPointer) -> Result<ItemRecord?, StoreError> {
    guard (1...StoreLimits.identifierBytes).contains(id.count) else { return .success(nil) }
    do throws(StoreError) {
      guard let value = try unsafe transaction.value(in: databases.items, at: id) else { return .success(nil) }
      return .success(try unsafe record(id, value))
    } catch {
      return .failure(error)
    }
  }

  func record(_ id: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> ItemRecord {
    guard let item = unsafe ItemValue(value, levels: levels) else { throw unsafe damagedItem(id, value) }
    let fields = unsafe item.fields
    // Filled with zeros first: an array of uninitialized room costs the look-up of its type each time.
    var codes = [UInt16](repeating: 0, count: levels)
    for level in 0..<levels { unsafe codes[level] = item.code(level) }
    return ItemRecord(
      semanticID: SemanticID(codes: codes, suffix: fields.suffix), flags: fields.flags, distance: fields.distance,
      contentHash: fields.contentHash)
  }

  func damagedItem(_ id: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> StoreError {
    unsafe damaged(
      .items, id,
      "\(Layout.itemValueSize(levels: levels)) bytes that begin with \(levels) levels are expected, "
        + "found \(value.count) bytes\(value.isEmpty ? "" : " that begin with \(value[0])")")
  }

  func damaged(_ kind: Layout.Kind, _ key: UnsafeRawBufferPointer, _ what: String) -> StoreError {
    let text =
      unsafe kind == .items || kind == .neighbors
      ? String(decoding: key, as: UTF8.self).debugDescription
      : key.map {
        let digits = String($0, radix: 16); return digits.count == 1 ? "0" + digits : digits
      }.joined()
    return StoreError(
      .damaged,
      "database \(kind.name(generation)), key \(text): \(what); roll back to another generation or publish anew")
  }

  // MARK: VQ codes

  /// The item's VQ codes (rows of the item set), or nil where it has none.
  public func neighbors(of id: String) throws(StoreError) -> [UInt32]? {
    var id = id
    let result: Result<[UInt32]?, StoreError> = id.withUTF8 { bytes in
      let key = UnsafeRawBufferPointer(bytes)
      guard manifest.neighborsPerItem > 0, (1...StoreLimits.identifierBytes).contains(key.count) else {
        return .success(nil)
      }
      do throws(StoreError) {
        guard let value = try unsafe transaction.value(in: databases.neighbors, at: key) else { return .success(nil) }
        return .success(try unsafe neighborRows(key, value))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  func neighborRows(_ id: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> [UInt32] {
    guard value.count == 4 * manifest.neighborsPerItem else {
      throw unsafe damaged(
        .neighbors, id, "\(4 * manifest.neighborsPerItem) bytes are expected, found \(value.count)")
    }
    let rows = (0..<manifest.neighborsPerItem).map { index in
      unsafe UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
    guard rows.allSatisfy({ $0 < manifest.itemSetSize }) else {
      throw unsafe damaged(.neighbors, id, "a row is outside the item set's \(manifest.itemSetSize)")
    }
    return rows
  }

  /// The item at a row of the VQ item set, or nil past its end.
  public func itemSetItem(at row: UInt32) throws(StoreError) -> String? {
    let key = Layout.itemSetKey(row: row)
    return try unsafe withValue(in: databases.itemSet, at: key) { value in unsafe String(decoding: value, as: UTF8.self)
    }
  }

  // MARK: Codebooks

  /// The codebooks, first level first; empty where the generation has none.
  public func codebooks() throws(StoreError) -> [StoredCodebook] {
    var result: [StoredCodebook] = []
    for (level, size) in manifest.codebookSizes.enumerated() {
      let (needed, overflow) = size.multipliedReportingOverflow(by: manifest.dimensions)
      let centroids = try floats(Layout.codebookKey(level: level), count: overflow ? .max : needed)
      let isPriced = manifest.pricedLevels.contains(level)
      let prices = isPriced ? try floats(Layout.pricesKey(level: level), count: size) : nil
      result.append(
        StoredCodebook(size: size, dimensions: manifest.dimensions, centroids: centroids, prices: prices))
    }
    return result
  }

  private func floats(_ key: [UInt8], count: Int) throws(StoreError) -> [Float] {
    let values: [Float]?? = try unsafe withValue(in: databases.codebooks, at: key) { value in
      guard value.count % 4 == 0, value.count / 4 == count else { return nil }
      return (0..<count).map { index in
        unsafe Float(
          bitPattern: UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
      }
    }
    guard let values, let values else {
      let error = unsafe key.withUnsafeBytes { unsafe damaged(.codebooks, $0, "\(count) f32 are expected") }
      throw error
    }
    return values
  }

  private func withValue<Value>(
    in database: Database, at key: [UInt8], _ body: (UnsafeRawBufferPointer) -> Value
  ) throws(StoreError) -> Value? {
    let result: Result<Value?, StoreError> = unsafe key.withUnsafeBytes { bytes in
      do throws(StoreError) {
        return .success(try unsafe transaction.value(in: database, at: bytes).map { unsafe body($0) })
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// The handles of a generation's databases.
struct GenerationDatabases: Sendable {
  var items, codes, neighbors, itemSet, codebooks: Database

  /// Nil where one is not among the open ones.
  init?(_ generation: UInt64, _ open: [String: Database]) {
    func handle(_ kind: Layout.Kind) -> Database? { open[kind.name(generation)] }
    guard let items = handle(.items), let codes = handle(.codes), let neighbors = handle(.neighbors),
      let itemSet = handle(.itemset), let codebooks = handle(.codebooks)
    else { return nil }
    self.items = items
    self.codes = codes
    self.neighbors = neighbors
    self.itemSet = itemSet
    self.codebooks = codebooks
  }
}
