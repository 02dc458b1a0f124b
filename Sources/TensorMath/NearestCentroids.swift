internal import CVectorKernels

/// Exact search for the nearest of many centroids: `argmin_k ‖r − c_k‖² + p_k`, ties to the lowest index.
///
/// Cheap products propose and single precision decides. Scores from 8-bit products (or from f32 products where the
/// processor has no 8-bit ones) come with a rigorous bound on their error, from the norms of what rounding took away
/// (Cauchy and Schwarz). Every centroid that the bound cannot exclude is measured by one fixed-order f32 sum, so a row
/// gets the same code alone, in a batch, on one thread or many, and by either path. Scores are kept for one block of
/// rows and centroids at a time, never for all.
package struct NearestCentroids: Sendable {
  /// The products that propose and those that decide.
  package enum ComputePath: String, Sendable, CaseIterable {
    case int8 = "int8+float32"
    case float32 = "float32"

    /// The fastest that this processor has.
    package static let preferred: ComputePath = tessera_has_int8_products() == 1 ? .int8 : .float32

    /// What will run for vectors of a given length: sums of bytes must fit 32 bits.
    package static func preferred(dimensions: Int) -> ComputePath { dimensions <= 32_768 ? preferred : .float32 }
  }

  package let centroids: Matrix
  package let prices: [Float]?
  package let computePath: ComputePath

  /// `‖c_k‖² + p_k`.
  let offsets: ContiguousArray<Float>

  /// Largest `‖c_k‖`.
  let largestNorm: Float

  /// What f32 arithmetic may add to or take from a score, as a share of `(‖r‖ + ‖c‖)²`.
  let rounding: Float

  /// Largest magnitude of a price.
  let largestPrice: Float

  /// Nil on the float32 path.
  let tiles: ByteTiles?

  /// Prepares finite centroids (`k × dimensions`, at most 65,536 of them) and their prices for searches.
  /// - Complexity: O(k · dimensions).
  package init(_ centroids: Matrix, prices: [Float]? = nil, computePath: ComputePath? = nil) {
    precondition(centroids.rows > 0 && centroids.rows <= 65_536, "\(centroids.rows) centroids cannot be searched")
    precondition(prices.map { $0.count == centroids.rows } ?? true, "one price per centroid")
    let path = computePath ?? .preferred(dimensions: centroids.columns)
    let norms = centroids.rowSquaredNorms()
    self.centroids = centroids
    self.prices = prices
    self.computePath = path
    offsets = prices.map { prices in ContiguousArray(norms.indices.lazy.map { norms[$0] + prices[$0] }) } ?? norms
    largestNorm = (norms.max() ?? 0).squareRoot()
    largestPrice = prices?.lazy.map(abs).max() ?? 0
    rounding = Float(centroids.columns / 16 + 16) * 0x1p-23
    tiles = path == .int8 ? ByteTiles(centroids, offsets: offsets) : nil
  }

  /// Nearest centroids of all rows, in parallel.
  package func assign(_ rows: PreparedRows, regrets: Bool = false) -> CentroidAssignment {
    precondition(rows.matrix.columns == centroids.columns, "rows and centroids differ in dimensions")
    let parts = Parallelism.mapChunks(of: rows.count, size: 16 * BytePanels.rows) { range in
      if let tiles, let panels = rows.panels {
        unsafe byteSearch(rows.matrix, range, norms: rows.squaredNorms, panels: panels, tiles: tiles, regrets: regrets)
      } else {
        unsafe floatSearch(rows.matrix, range, norms: rows.squaredNorms, regrets: regrets)
      }
    }
    return CentroidAssignment(joining: parts)
  }

  /// Nearest centroids of a block of rows, on the calling thread.
  package func assignBlock(_ block: Matrix) -> CentroidAssignment {
    precondition(block.columns == centroids.columns, "rows and centroids differ in dimensions")
    let all = 0..<block.rows
    if let tiles { return unsafe byteSearch(block, all, norms: nil, panels: nil, tiles: tiles, regrets: false) }
    return unsafe floatSearch(block, all, norms: nil, regrets: false)
  }

  /// How far above the lowest score, or above an exact distance less `‖r‖²`, the score of the nearest centroid may be.
  func margin(norm: Float, productError: Float) -> Float {
    let reach = norm + largestNorm
    return productError * 1.0001 + rounding * (reach * reach + largestPrice)
  }
}

/// What a search found, one element per row.
package struct CentroidAssignment: Sendable, Equatable {
  package var codes: ContiguousArray<UInt16> = []

  /// `‖r − c‖² + p` of the chosen centroid, in f32.
  package var distances: ContiguousArray<Float> = []

  /// By how much the second best centroid is worse, within the error of the proposing products; empty unless asked for.
  package var regrets: ContiguousArray<Float> = []

  package init() {}

  init(joining parts: [CentroidAssignment]) {
    codes = joined(parts.map(\.codes))
    distances = joined(parts.map(\.distances))
    regrets = joined(parts.map(\.regrets))
  }

  mutating func reserve(_ count: Int) {
    codes.reserveCapacity(count)
    distances.reserveCapacity(count)
  }
}
