/// Generations of semantic IDs in one LMDB environment: published whole, switched in one transaction, read without locks.
public final class SemanticIDStore: Sendable {
  public enum Mode: Sendable { case readOnly, readWrite }

  public struct Options: Sendable {
    /// Address space the map starts with, in bytes; it grows when full.
    public var mapSize = 1 << 34
    /// Reader slots, shared by all processes; takes effect when no other process has the store open.
    public var maximumReaders = 510
    public init() {}
  }

  public struct PublishOptions: Sendable {
    /// Reads everything back and compares before the switch.
    public var verifies = true
    /// Generations to keep, the new one included; older ones are deleted after the switch. Nil keeps all.
    public var keepGenerations: Int? = 7
    /// Records per write transaction.
    public var batchSize = 250_000
    /// Called between transactions; an error it throws cancels the publish and leaves the old generation served.
    public var progress: (@Sendable (PublishProgress) throws -> Void)?
    public init() {}
  }

  public struct PublishProgress: Sendable, Equatable {
    public enum Step: String, Sendable, CaseIterable { case sort, items, codes, neighbors, itemSet, codebooks, verify, switchCurrent, collect }
    public var step: Step
    public var completed: Int
    public var total: Int
  }

  public let path: String

  private init(path: String) { self.path = path }

  /// Opens the store in folder `path`; `readWrite` makes it where it is missing and collects what a crash left.
  public static func open(_ path: String, mode: Mode, options: Options = Options()) throws(StoreError) -> SemanticIDStore {
    throw unfinished
  }

  /// The generation that is served, or nil before the first publish.
  public func currentGeneration() throws(StoreError) -> UInt64? { throw unfinished }

  /// Lends a reader of the current generation, or of `generation`.
  public func read<Result>(
    generation: UInt64? = nil, _ body: (borrowing GenerationReader) throws -> Result
  ) throws -> Result { throw unfinished }

  /// Writes a whole generation, verifies it and switches to it.
  @discardableResult
  public func publish(_ draft: GenerationDraft, options: PublishOptions = PublishOptions()) throws -> GenerationManifest {
    throw unfinished
  }

  /// Serves `generation` again. A switch: nothing is copied or deleted.
  @discardableResult
  public func rollback(to generation: UInt64) throws -> GenerationManifest { throw unfinished }

  /// Manifests of the generations in the store, oldest first.
  public func generations() throws(StoreError) -> [GenerationManifest] { throw unfinished }

  /// Reads a whole generation (the current one by default) and compares it with its manifest; throws at the first
  /// difference.
  @discardableResult
  public func verify(generation: UInt64? = nil) throws -> GenerationManifest { throw unfinished }
}
