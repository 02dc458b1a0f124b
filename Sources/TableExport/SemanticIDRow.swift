/// One item of one generation, as every export format writes it.
public struct SemanticIDRow: Sendable, Equatable {
  /// The item's id.
  public var id: String
  /// One code per level, the first level first.
  public var codes: [UInt16]
  /// What tells apart the items of one bucket under the `suffix` policy; zero elsewhere.
  public var suffix: UInt16
  /// The store's flags: 1 text missing, 2 image missing, 4 moved by the collision policy, 8 newer than the codebooks.
  public var flags: UInt8
  /// Length of the residual after the last level.
  public var distance: Float
  /// The generation that the row was read from.
  public var generation: UInt64

  public init(
    id: String, codes: [UInt16], suffix: UInt16 = 0, flags: UInt8 = 0, distance: Float, generation: UInt64
  ) {
    self.id = id
    self.codes = codes
    self.suffix = suffix
    self.flags = flags
    self.distance = distance
    self.generation = generation
  }
}

/// What a writer must know before the first row: it fixes the columns and goes into the formats' metadata.
public struct TableDescription: Sendable, Equatable {
  /// The number of centroids at each level; its count is the number of `code_` columns.
  public var codebookSizes: [Int]
  /// The generation that is exported.
  public var generation: UInt64
  /// The program and version that write, in the form `tessera version 1.2.3`.
  public var createdBy: String
  /// More pairs for the formats that carry metadata, in the order given.
  public var metadata: [(key: String, value: String)]

  public init(
    codebookSizes: [Int], generation: UInt64, createdBy: String = "tessera",
    metadata: [(key: String, value: String)] = []
  ) {
    precondition((1...255).contains(codebookSizes.count), "a semantic ID has 1 to 255 levels")
    self.codebookSizes = codebookSizes
    self.generation = generation
    self.createdBy = createdBy
    self.metadata = metadata
  }

  public var levels: Int { codebookSizes.count }

  /// The columns of every format, in order: `id`, `code_0` …, `semantic_id`, `suffix`, `flags`, `distance`, `generation`.
  public var columns: [String] {
    ["id"] + (0..<levels).map { "code_\($0)" } + ["semantic_id", "suffix", "flags", "distance", "generation"]
  }

  /// The pairs that describe the table in every format that carries metadata.
  var allMetadata: [(key: String, value: String)] {
    [
      ("tessera.generation", String(generation)),
      ("tessera.levels", String(levels)),
      ("tessera.codebook_sizes", codebookSizes.map(String.init).joined(separator: ",")),
    ] + metadata
  }

  public static func == (a: TableDescription, b: TableDescription) -> Bool {
    a.codebookSizes == b.codebookSizes && a.generation == b.generation && a.createdBy == b.createdBy
      && a.metadata.map(\.key) == b.metadata.map(\.key) && a.metadata.map(\.value) == b.metadata.map(\.value)
  }
}
