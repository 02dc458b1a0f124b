internal import Quantizers
internal import SemanticIDStore
internal import TensorMath

/// What the quantize stage leaves: codes and distances of tonight's rows, and the codebooks they refer to.
struct QuantizeFiles {
  let codes: String
  let distances: String
  let centroids: String
  let prices: String
  private let sizes: String
  /// Where an encoder comes before the codebooks: what it made of tonight's vectors.
  let latents: String
  /// Tonight's rows of the item set, where there is one.
  let neighbors: String
  /// What training did in each epoch; there where it trained tonight.
  let training: String

  init(_ context: RunContext) {
    let folder = context.workspace.stage(.quantize)
    codes = folder + "/codes.u16"
    distances = folder + "/distances.f32"
    centroids = folder + "/centroids.f32"
    prices = folder + "/prices.f32"
    sizes = folder + "/sizes.u32"
    latents = folder + "/latents.f32"
    neighbors = folder + "/neighbors.u32"
    training = folder + "/training.json"
  }

  var all: [String] { [codes, distances, centroids, prices, sizes] }

  /// Removes what only some methods leave, before they do.
  func removeOptional() { for path in [latents, neighbors, training] { FileSystem.remove(path) } }

  var optional: [String] { [latents, neighbors, training].filter(FileSystem.exists) }

  /// The vectors that the codebooks code.
  func codedVectors(_ context: RunContext) -> String {
    FileSystem.exists(latents) ? latents : RepresentStage.path(context)
  }

  func write(_ encoding: Encoding, _ trained: QuantizeStage.Trained) throws(PipelineError) {
    try Self.write(encoding.codes.elements, columns: encoding.codes.levels, to: codes)
    try Self.write(encoding.distances, columns: 1, to: distances)
    let levels = trained.codebooks.levels
    let rows = ContiguousArray(levels.flatMap { $0.centroids.elements })
    try Self.write(rows, columns: trained.codebooks.dimensions, to: centroids)
    try Self.write(ContiguousArray(levels.flatMap { $0.prices ?? [] }), columns: 1, to: prices)
    // Per level: centroids, and whether they have prices.
    try Self.write(
      ContiguousArray(levels.flatMap { [UInt32($0.size), $0.prices == nil ? 0 : 1] }), columns: 2, to: sizes)
  }

  static func write<Element: ColumnElement>(
    _ elements: ContiguousArray<Element>, columns: Int, to path: String
  ) throws(PipelineError) {
    let writer = try ColumnFileWriter<Element>(path: path, columns: columns)
    try writer.append(elements.span)
    try writer.finish()
  }

  func readCodebooks() throws -> ResidualCodebooks {
    let layout = try ColumnFileReader<UInt32>(path: sizes, columns: 2).readAll()
    let rows = try ColumnFileReader<Float>(path: centroids)
    let allPrices = try ColumnFileReader<Float>(path: prices, columns: 1).readAll()
    var row = 0
    var price = 0
    var levels: [Codebook] = []
    for level in 0..<layout.count / 2 {
      let size = Int(layout[level * 2])
      let isPriced = layout[level * 2 + 1] != 0
      guard row + size <= rows.rows, !isPriced || price + size <= allPrices.count else {
        throw PipelineError(.invalidData, "'\(centroids)' is damaged; run again with --force quantize")
      }
      levels.append(
        Codebook(
          centroids: try rows.matrix(row..<row + size), prices: isPriced ? Array(allPrices[price..<price + size]) : nil)
      )
      row += size
      if isPriced { price += size }
    }
    return try ResidualCodebooks(levels: levels)
  }
}

/// Codebooks as the store keeps them, and back.
enum CodebookConversion {
  static func codebooks(_ stored: [StoredCodebook]) throws -> ResidualCodebooks {
    try ResidualCodebooks(
      levels: stored.map {
        Codebook(
          centroids: Matrix(rows: $0.size, columns: $0.dimensions, elements: ContiguousArray($0.centroids)),
          prices: $0.prices)
      })
  }

  static func stored(_ codebooks: ResidualCodebooks) -> [StoredCodebook] {
    codebooks.levels.map {
      StoredCodebook(
        size: $0.size, dimensions: $0.dimensions, centroids: Array($0.centroids.elements), prices: $0.prices)
    }
  }
}
