internal import Foundation
internal import Synchronization

/// Generations of semantic IDs in one LMDB environment (`Schemas/store.md`). A generation is published whole and never
/// changes; which one is served is a single entry, switched in one transaction, so a reader sees one generation or
/// another and nothing in between. One writer at a time, across processes; any number of readers, who never wait.
public final class SemanticIDStore: Sendable {
  public enum Mode: Sendable { case readOnly, readWrite }

  public struct Options: Sendable {
    /// Address space the map starts with, in bytes; it is no disk space, and it grows when full.
    public var mapSize = 1 << 34
    /// Reader slots, shared by all processes; set by whichever process opens the store while no other has it open.
    public var maximumReaders = 510
    /// How long the map's growth waits for this process's readers to finish, in seconds.
    public var growthTimeout = 60.0
    public init() {}
  }

  /// The store's folder, as it was given.
  public let path: String
  public let mode: Mode
  let environment: Environment
  /// Manifests decoded so far with the bytes they came from, so that a read decodes no JSON.
  private let decoded = Mutex<[UInt64: DecodedManifest]>([:])

  private struct DecodedManifest {
    var bytes: [UInt8]
    var manifest: GenerationManifest
  }

  private init(path: String, mode: Mode, environment: Environment) {
    self.path = path
    self.mode = mode
    self.environment = environment
  }

  /// Opens the store in folder `path`. With `readWrite` it is made where it is missing, and what a crashed publish left
  /// behind is deleted, unless another process is writing now. Opening one folder several times in a process is fine:
  /// the calls share one environment, with the first call's options.
  public static func open(_ path: String, mode: Mode, options: Options = Options()) throws(StoreError)
    -> SemanticIDStore
  {
    var settings = Environment.Options()
    settings.mapSize = options.mapSize
    settings.maximumReaders = options.maximumReaders
    settings.growthTimeout = options.growthTimeout
    let environment = try Environment.open(path, mustExist: mode == .readOnly, options: settings)
    let store = SemanticIDStore(path: path, mode: mode, environment: environment)
    try asStoreError { try store.prepare() }
    return store
  }

  private func prepare() throws {
    if mode == .readWrite { try requireWritable() }
    if try environment.database(named: Layout.metaDatabase) == nil {
      guard mode == .readWrite else { throw notPublished }
      try writeFormat()
    }
    guard let meta = try environment.database(named: Layout.metaDatabase) else { throw notPublished }
    let bytes = try environment.read { try $0.value(in: meta, at: Layout.formatKey.span) }
    guard let bytes, let format = Layout.integer(UInt32.self, littleEndian: bytes) else {
      throw StoreError(.damaged, "\(path): database meta, key format: a u32 is expected, found \(bytes ?? [])")
    }
    guard format == Layout.format else {
      throw StoreError(
        .unsupportedFormat,
        "\(path) has layout \(format), this program knows layout \(Layout.format); use the program that wrote it")
    }
    if mode == .readWrite { try collectAtOpen() }
  }

  private func writeFormat() throws {
    guard try environment.databaseNames().isEmpty else {
      throw StoreError(.unsupportedFormat, "\(path) is an LMDB environment, but not a semantic-ID store")
    }
    guard let meta = try environment.database(named: Layout.metaDatabase, creating: true) else { throw notPublished }
    _ = try environment.write { transaction in
      try transaction.put(Layout.littleEndianBytes(Layout.format).span, in: meta, at: Layout.formatKey.span)
    }
    try synchronizeFolder(path)
  }

  func requireWritable() throws(StoreError) {
    guard mode == .readWrite, !environment.isReadOnly else {
      throw StoreError(.permission, "\(path) is open for reading only; open it for writing, as a user who may write it")
    }
  }

  var notPublished: StoreError { StoreError(.notFound, "\(path): nothing has been published here yet") }

  // MARK: Reading

  /// The generation that is served, or nil before the first publish.
  public func currentGeneration() throws(StoreError) -> UInt64? {
    try asStoreError {
      try withMeta { transaction, meta in try currentNumber(transaction, meta) }
    }
  }

  /// Manifests of the generations in the store, oldest first.
  public func generations() throws(StoreError) -> [GenerationManifest] {
    try asStoreError {
      try withMeta { transaction, meta in
        try manifestEntries(transaction, meta).map { try manifest($0.number, $0.bytes) }
      }
    }
  }

  /// Lends a reader of the current generation, or of `generation`, in one read transaction: the reader sees that
  /// generation to its end, even where it is collected meanwhile. A long read keeps the space of whatever is deleted
  /// from being reused. `body` runs on the calling thread, once.
  public func read<Result>(
    generation: UInt64? = nil, _ body: (borrowing GenerationReader) throws -> Result
  ) throws -> Result {
    for _ in 0..<64 {
      let outcome = try environment.readWithDatabases { transaction, open in
        try attempt(generation, transaction, open, body)
      }
      switch outcome {
      case .finished(let result): return result
      case .needs(let names): try openHandles(names)
      }
    }
    throw StoreError(.damaged, "\(path): a generation has a manifest, but not all of its databases")
  }

  private enum Attempt<Result> {
    case finished(Result)
    /// Databases whose handles have to be opened before a transaction can read them.
    case needs([String])
  }

  private func attempt<Result>(
    _ generation: UInt64?, _ transaction: borrowing Transaction, _ open: [String: Database],
    _ body: (borrowing GenerationReader) throws -> Result
  ) throws -> Attempt<Result> {
    guard let meta = open[Layout.metaDatabase] else { return .needs([Layout.metaDatabase]) }
    let current = generation == nil ? try currentNumber(transaction, meta) : nil
    guard let number = generation ?? current else { throw notPublished }
    guard let bytes = try transaction.value(in: meta, at: Layout.manifestKey(number).span) else {
      guard generation == nil else { throw missing(number) }
      throw StoreError(
        .damaged, "\(path): database meta, key current: generation \(number) is served, but has no manifest")
    }
    let manifest = try manifest(number, bytes)
    guard let databases = GenerationDatabases(number, open) else {
      return .needs(Layout.Kind.allCases.map { $0.name(number) }.filter { open[$0] == nil })
    }
    return .finished(try unsafe body(GenerationReader(manifest, transaction.pointer, databases)))
  }

  private func openHandles(_ names: [String]) throws {
    let known = environment.state.withLock { $0.databases.count }
    if known > environment.options.maximumDatabases / 2 {
      // Nights of a process that only reads; a reader that is open now keeps them for another time.
      try? environment.closeDatabases { Layout.generation(ofDatabase: $0) != nil }
    }
    for name in names { _ = try environment.database(named: name) }
  }

  func missing(_ number: UInt64) -> StoreError {
    StoreError(
      .generationMissing, "\(path) has no generation \(number); `tessera inspect generations` lists those it has")
  }

  /// Names of all databases, for tests and tools.
  package func databaseNames() throws -> [String] { try environment.databaseNames() }

  // MARK: The meta database

  func withMeta<Result>(_ body: (borrowing Transaction, Database) throws -> Result) throws -> Result {
    let meta = try metaDatabase()
    return try environment.read { transaction in try body(transaction, meta) }
  }

  func metaDatabase() throws -> Database {
    guard let meta = try environment.database(named: Layout.metaDatabase) else { throw notPublished }
    return meta
  }

  func currentNumber(_ transaction: borrowing Transaction, _ meta: Database) throws(StoreError) -> UInt64? {
    guard let bytes = try transaction.value(in: meta, at: Layout.currentKey.span) else { return nil }
    guard let number = Layout.integer(UInt64.self, littleEndian: bytes) else {
      throw StoreError(.damaged, "\(path): database meta, key current: a u64 is expected, found \(bytes.count) bytes")
    }
    return number
  }

  func manifestEntries(
    _ transaction: borrowing Transaction, _ meta: Database
  ) throws -> [(number: UInt64, bytes: [UInt8])] {
    var entries: [(number: UInt64, bytes: [UInt8])] = []
    try transaction.withCursor(over: meta) { cursor in
      var found = try cursor.seek(Layout.manifestPrefix.span)
      while found {
        let (key, bytes) = unsafe (Array(cursor.key), Array(cursor.value))
        guard key.starts(with: Layout.manifestPrefix) else { break }
        let digits = String(decoding: key.dropFirst(Layout.manifestPrefix.count), as: UTF8.self)
        guard let number = Layout.generation(fromHexadecimal: digits[...]) else {
          throw StoreError(.damaged, "\(path): database meta: \(digits.debugDescription) is not a generation's number")
        }
        entries.append((number, bytes))
        found = try cursor.next()
      }
    }
    return entries
  }

  private func manifest(_ number: UInt64, _ bytes: [UInt8]) throws(StoreError) -> GenerationManifest {
    if let known = decoded.withLock({ $0[number] }), known.bytes == bytes { return known.manifest }
    let manifest = try GenerationManifest(json: bytes, number: number, path: path)
    decoded.withLock { $0[number] = DecodedManifest(bytes: bytes, manifest: manifest) }
    return manifest
  }
}

/// Narrows what our own closures throw to what they can throw.
func asStoreError<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
  do {
    return try body()
  } catch let error as StoreError {
    throw error
  } catch {
    throw StoreError(.system, "\(error)")
  }
}
