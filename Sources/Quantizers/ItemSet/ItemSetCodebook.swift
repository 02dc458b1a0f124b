public import TensorMath

/// QARM's VQ codebook (2411.11739, section 4): the vectors of selected items themselves, without training. An item's VQ
/// code is the list of the rows of its k nearest items in the set.
///
/// Immutable. Neighbours are decided in f32 by one fixed-order sum per candidate, ties to the lower row, so an item's
/// code is the same alone, in any batch and on any number of threads.
public struct ItemSetCodebook: Sendable {
  /// As QARM has it.
  public static let standardNeighbors = 25

  /// `set size × dimensions`.
  public let vectors: Matrix
  private let search: NearestRows

  /// Checks vectors, which may come from a file: at least one, finite, and short enough for distances in f32.
  public init(vectors: Matrix) throws(QuantizerError) {
    guard vectors.rows > 0, vectors.columns > 0, vectors.rows < Int(Int32.max) else {
      throw QuantizerError(
        .invalidCodebook, "an item set of \(vectors.rows) × \(vectors.columns); at least one vector is needed")
    }
    try Self.check(vectors)
    self.vectors = vectors
    search = NearestRows(vectors)
  }

  /// Items in the set.
  public var count: Int { vectors.rows }
  public var dimensions: Int { vectors.columns }

  /// The most neighbours that every item has: an item of the set is no neighbour of its own.
  public func largestNeighborCount(excludingSelf: Bool = true) -> Int { excludingSelf ? count - 1 : count }

  /// The `count` nearest items of the set for each row of `x` (`n × dimensions`), nearest first.
  ///
  /// - Parameter setRows: for each row of `x` the row of the set that is the same item, or -1; that row is left out. A
  ///   member's nearest item would always be itself, at distance zero: a slot spent on what the item-ID feature says
  ///   already, and one that a new item, which is never in the set, could not have. Nil counts all, as QARM prints it.
  /// - Throws: `emptyInput` for no neighbours, `invalidParameters` for more than the set has, `dimensionMismatch`,
  ///   `notFinite` naming the row.
  /// - Complexity: O(n · set size · dimensions) time; beside the result about a mebibyte per thread.
  public func nearest(
    _ x: Matrix, count: Int = standardNeighbors, excluding setRows: ContiguousArray<Int32>? = nil
  ) throws(QuantizerError) -> ItemNeighbors {
    let largest = largestNeighborCount(excludingSelf: setRows != nil)
    guard count > 0, count <= largest else {
      throw QuantizerError(
        .invalidParameters, "\(count) neighbors from a set of \(self.count) items; 1 to \(largest) can be asked for")
    }
    guard x.rows > 0 else { return ItemNeighbors(count: count) }
    guard x.columns == dimensions else {
      throw QuantizerError(.dimensionMismatch, "vectors of \(x.columns) dimensions for an item set of \(dimensions)")
    }
    if let setRows {
      guard setRows.count == x.rows, setRows.allSatisfy({ $0 >= -1 && Int($0) < self.count }) else {
        throw QuantizerError(.invalidParameters, "the rows to leave out are not one row of the set, or -1, per vector")
      }
    }
    try Self.check(x)
    let found = search.search(x, count: count, excluding: setRows)
    return ItemNeighbors(
      count: count, rows: ContiguousArray(found.rows.lazy.map { UInt32($0) }), squaredDistances: found.squaredDistances)
  }

  private static func check(_ x: Matrix) throws(QuantizerError) {
    try requireFinite(x)
    if let row = x.rowSquaredNorms().firstIndex(where: { !($0 <= NearestRows.largestSquaredNorm) }) {
      throw QuantizerError(
        .notFinite, "row \(row) is too long for a squared distance in single precision; scale the vectors")
    }
  }
}

/// The VQ codes of many items.
public struct ItemNeighbors: Sendable, Equatable {
  /// Per item.
  public let count: Int

  /// Rows of the item set, `items × count`, nearest first.
  public private(set) var rows: ContiguousArray<UInt32>

  /// `‖item − neighbour‖²` in f32, as `rows`.
  public private(set) var squaredDistances: ContiguousArray<Float>

  /// No items yet.
  public init(count: Int) { self.init(count: count, rows: [], squaredDistances: []) }

  init(count: Int, rows: ContiguousArray<UInt32>, squaredDistances: ContiguousArray<Float>) {
    self.count = count
    self.rows = rows
    self.squaredDistances = squaredDistances
  }

  /// Appends the neighbours of further items, found in the same set.
  public mutating func append(_ other: ItemNeighbors) {
    precondition(other.count == count, "lists of \(other.count) neighbors among lists of \(count)")
    rows += other.rows
    squaredDistances += other.squaredDistances
  }
}
