public import TensorMath

/// What a ranker knows of items beside their numbers, by row of the item table; each part may be absent.
///
/// All of it is frozen while a ranker trains: vectors are only projected, and codes only choose rows of tables that train
/// (QARM, 2411.11739: gradients reach neither the encoder nor the codebooks).
public struct RankerItems: Sendable {
  /// QARM's VQ codes: each item's nearest items of an item set.
  public struct NearestCodes: Sendable, Equatable {
    /// Rows of the item set.
    public let setSize: Int
    /// Rows per item.
    public let perItem: Int
    /// `items × perItem`, the nearest first; anything for an item that is not present.
    public let rows: ContiguousArray<UInt32>
    public let isPresent: [Bool]

    /// - Throws: ``RecommenderError/Code/invalidParameter`` for rows that do not fill the items or lie beyond the set.
    public init(
      setSize: Int, perItem: Int, rows: ContiguousArray<UInt32>, isPresent: [Bool]
    ) throws(RecommenderError) {
      guard setSize > 0, perItem > 0, rows.count == isPresent.count * perItem else {
        throw RecommenderError(
          .invalidParameter,
          "\(rows.count) rows of a set of \(setSize) for \(isPresent.count) items of \(perItem) each")
      }
      for (place, row) in rows.enumerated() where isPresent[place / perItem] && Int(row) >= setSize {
        throw RecommenderError(
          .invalidParameter, "item \(place / perItem) has row \(row) of an item set of \(setSize)")
      }
      self.setSize = setSize
      self.perItem = perItem
      self.rows = rows
      self.isPresent = isPresent
    }
  }

  public let itemCount: Int
  /// Aligned vectors, brought to a length of √dimensions, so that their elements are of the size of other inputs'. Rows
  /// of zeros for items without one.
  public let vectors: Matrix?
  /// VQ codes.
  public let nearest: NearestCodes?
  /// RQ codes.
  public let tokens: ItemTokens?
  /// Each item's rows of the set, ascending.
  let sortedNearest: ContiguousArray<UInt32>

  /// - Parameters:
  ///   - vectors: `items × dimensions`; a row of zeros stands for none.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for parts of another number of items, and for vectors that are
  ///   not numbers.
  public init(
    itemCount: Int, vectors: Matrix? = nil, nearest: NearestCodes? = nil, tokens: ItemTokens? = nil
  ) throws(RecommenderError) {
    for (name, count) in [
      ("vectors", vectors?.rows), ("rows of the item set", nearest?.isPresent.count), ("tokens", tokens?.itemCount),
    ] {
      guard let count, count != itemCount else { continue }
      throw RecommenderError(.invalidParameter, "\(name) of \(count) items for a catalogue of \(itemCount)")
    }
    if let bad = vectors?.elements.firstIndex(where: { !$0.isFinite }), let columns = vectors?.columns {
      throw RecommenderError(.invalidParameter, "the vector of item \(bad / columns) has an element that is no number")
    }
    self.itemCount = itemCount
    self.vectors = vectors.map(Self.scaled)
    self.nearest = nearest
    self.tokens = tokens
    var sorted = ContiguousArray<UInt32>()
    if let nearest {
      sorted.reserveCapacity(nearest.rows.count)
      for item in 0..<itemCount {
        sorted += nearest.rows[item * nearest.perItem..<(item + 1) * nearest.perItem].sorted()
      }
    }
    sortedNearest = sorted
  }

  private static func scaled(_ vectors: Matrix) -> Matrix {
    var result = vectors
    for row in 0..<vectors.rows {
      let squares = vectors.row(row).reduce(0.0) { $0 + Double($1) * Double($1) }
      guard squares > 0 else { continue }
      let factor = Float((Double(vectors.columns) / squares).squareRoot())
      for element in row * vectors.columns..<(row + 1) * vectors.columns { result.elements[element] *= factor }
    }
    return result
  }
}
