internal import Synchronization

extension SemanticIDStore {
  public struct PublishOptions: Sendable {
    /// Reads everything back and compares before the switch.
    public var verifies = true
    /// Generations to keep, the new one included; older ones end with the switch. Nil keeps all.
    public var keepGenerations: Int? = 7
    /// About how much one write transaction writes, in bytes; bounds the memory that a publish takes.
    public var transactionBytes = 64 << 20
    /// Called between transactions; an error it throws cancels the publish and leaves the old generation served.
    public var progress: (@Sendable (PublishProgress) throws -> Void)?
    public init() {}
  }

  public struct PublishProgress: Sendable, Equatable {
    public enum Step: String, Sendable, CaseIterable {
      case sort, items, codes, neighbors, itemSet, codebooks, verify, switchCurrent, collect
    }
    public var step: Step
    /// Entries of the step that are done.
    public var completed: Int
    public var total: Int
  }

  /// Writes `draft` as a new generation, reads it back and compares, then serves it.
  ///
  /// Until the switch, which is one durable transaction, the old generation is served; an error or a crash leaves it so,
  /// and what was written is deleted then or at the next opening. Throws `locked` at once where another writer is at
  /// work. O(items × levels) time; memory for two row orders and one transaction.
  @discardableResult
  public func publish(
    _ draft: GenerationDraft, options: PublishOptions = PublishOptions()
  ) throws -> GenerationManifest {
    try requireWritable()
    let plan = try PublishPlan(draft, options)
    return try WriterLock.hold(path) { try publish(plan, options) }
  }

  private func publish(_ plan: PublishPlan, _ options: PublishOptions) throws -> GenerationManifest {
    try collectLeftovers()
    let number = try nextNumber()
    let names = Layout.Kind.allCases.map { $0.name(number) }
    environment.state.withLock { $0.pinned.formUnion(names) }
    defer { environment.state.withLock { $0.pinned.subtract(names) } }
    let manifest: GenerationManifest
    do {
      manifest = try write(plan, number, options)
      try options.report(.switchCurrent, 0, 1)
      try serve(manifest, keeping: options.keepGenerations)
    } catch {
      // Best effort: what is not deleted now is deleted when the store is next opened or written.
      try? collectLeftovers()
      throw error
    }
    try? collectLeftovers()
    try? options.report(.collect, 1, 1)
    return manifest
  }

  private func write(
    _ plan: PublishPlan, _ number: UInt64, _ options: PublishOptions
  ) throws -> GenerationManifest {
    for kind in Layout.Kind.allCases {
      _ = try environment.database(named: kind.name(number), creating: true, duplicates: kind.hasDuplicates)
    }
    let open = environment.state.withLock { $0.databases }
    guard let databases = GenerationDatabases(number, open) else {
      throw StoreError(.system, "\(path): the databases of generation \(number) could not be made")
    }
    try environment.setDefersMetaSync(true)
    let manifest: GenerationManifest
    do {
      var writer = GenerationWriter(environment: environment, databases: databases, options: options)
      manifest = try writer.write(plan, number)
      try environment.setDefersMetaSync(false)
    } catch {
      try? environment.setDefersMetaSync(false)
      throw error
    }
    if options.verifies { try verifyWritten(manifest, databases, options) }
    return manifest
  }

  private func verifyWritten(
    _ manifest: GenerationManifest, _ databases: GenerationDatabases, _ options: PublishOptions
  ) throws {
    try options.report(.verify, 0, manifest.items)
    try environment.read { transaction in
      let reader = unsafe GenerationReader(manifest, transaction.pointer, databases)
      do {
        try reader.verify()
      } catch let error as StoreError {
        throw StoreError(.verificationFailed, "\(path): what was written reads back differently: \(error.message)")
      }
    }
    try options.report(.verify, manifest.items, manifest.items)
  }

  /// The switch: manifest, `current` and the retirement of old generations in one transaction, durable when it returns, after all data.
  private func serve(_ manifest: GenerationManifest, keeping limit: Int?) throws {
    let meta = try metaDatabase()
    let json = try manifest.json()
    _ = try environment.write { transaction in
      try transaction.put(json.span, in: meta, at: Layout.manifestKey(manifest.generation).span)
      try transaction.put(
        Layout.littleEndianBytes(manifest.generation).span, in: meta, at: Layout.currentKey.span)
      if let limit { try retire(keeping: limit, transaction, meta) }
    }
  }

  /// Serves `generation` again. A switch: nothing is copied or deleted.
  @discardableResult
  public func rollback(to generation: UInt64) throws -> GenerationManifest {
    try requireWritable()
    return try WriterLock.hold(path) {
      // Reading it also proves that its databases are there.
      let manifest = try read(generation: generation) { reader in
        try reader.verifyCounts()
        return reader.manifest
      }
      let meta = try metaDatabase()
      _ = try environment.write { transaction in
        try transaction.put(Layout.littleEndianBytes(generation).span, in: meta, at: Layout.currentKey.span)
      }
      return manifest
    }
  }

  /// Above every number in use, so that a number never means two generations that a reader could have seen.
  private func nextNumber() throws -> UInt64 {
    let used = try withMeta { transaction, meta in
      let current = try currentNumber(transaction, meta)
      return try manifestEntries(transaction, meta).map(\.number) + [current ?? 0]
    }
    let leftover = try environment.databaseNames().compactMap(Layout.generation(ofDatabase:))
    let largest = (used + leftover).max() ?? 0
    guard largest < .max else { throw StoreError(.damaged, "\(path): generation numbers are used up") }
    return largest + 1
  }
}

extension SemanticIDStore.PublishOptions {
  func report(_ step: SemanticIDStore.PublishProgress.Step, _ completed: Int, _ total: Int) throws {
    try progress?(SemanticIDStore.PublishProgress(step: step, completed: completed, total: total))
  }
}
