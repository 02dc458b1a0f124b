/// The semantic IDs of a catalogue's items, as a recommender reads them: codes by row of the item table.
public struct ItemTokens: Sendable, Equatable {
  /// Codes per item.
  public let levels: Int
  /// Codebook sizes, one a level.
  public let sizes: [Int]
  /// The store's generation that they come from; 0 for codes that are not published.
  public let generation: UInt64
  /// `items × levels`, row-major; zeros for an item without codes.
  public let codes: ContiguousArray<UInt16>
  /// Whether the item has codes.
  public let isPresent: [Bool]

  public var itemCount: Int { isPresent.count }

  /// - Throws: ``RecommenderError/Code/invalidParameter`` for codes that do not fill the rows or lie beyond a codebook,
  ///   and ``RecommenderError/Code/nothingToLearn`` where no item has codes.
  public init(
    sizes: [Int], codes: ContiguousArray<UInt16>, isPresent: [Bool], generation: UInt64 = 0
  ) throws(RecommenderError) {
    guard !sizes.isEmpty, sizes.allSatisfy({ (1...65_536).contains($0) }) else {
      throw RecommenderError(
        .invalidParameter, "codebook sizes \(sizes), expected 1 to 65,536 at each of 1 level or more")
    }
    guard codes.count == isPresent.count * sizes.count else {
      throw RecommenderError(
        .invalidParameter, "\(codes.count) codes for \(isPresent.count) items of \(sizes.count) levels")
    }
    guard isPresent.contains(true) else {
      throw RecommenderError(
        .nothingToLearn, "no item of the catalogue has codes; run the pipeline up to publish first")
    }
    for (position, code) in codes.enumerated() where Int(code) >= sizes[position % sizes.count] {
      throw RecommenderError(
        .invalidParameter,
        "item \(position / sizes.count) has code \(code) at level \(position % sizes.count + 1) of "
          + "\(sizes[position % sizes.count])")
    }
    self.levels = sizes.count
    self.sizes = sizes
    self.generation = generation
    self.codes = codes
    self.isPresent = isPresent
  }

  /// The codes of one item, without a copy.
  public func codes(ofItem item: UInt32) -> ArraySlice<UInt16> {
    codes[Int(item) * levels..<(Int(item) + 1) * levels]
  }
}
