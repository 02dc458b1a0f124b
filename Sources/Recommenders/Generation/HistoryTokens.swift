internal import TensorMath

/// Histories as codes, packed one behind the other: a row for each one's beginning, then a row for every code of every
/// item. Where pathways are read, their rows stand before the beginning: the user's traits, what the lifelong history is
/// compressed to, and the items of positive feedback, each a row with all of its codes.
package struct HistoryTokens {
  /// Of each row 0 for a beginning, and -1 for others.
  package private(set) var beginnings: ContiguousArray<Int32> = []
  /// Of each row the level of its code; -1 for a beginning, and in pathways.
  package private(set) var levels: ContiguousArray<Int32> = []
  /// By level: of each row its code; -1 where the row has one of another level, or none.
  package private(set) var codes: [ContiguousArray<Int32>]
  /// Of each row the place of its item, counted back from the latest, which has 0; -1 for a beginning, and in pathways.
  package private(set) var places: ContiguousArray<Int32> = []
  /// The item of a row with an item's last code; -1 for the others.
  package private(set) var closedItems: ContiguousArray<Int32> = []
  /// Rows of pathways; nil where none are read.
  package private(set) var pathways: PathwayRows?
  /// Where histories begin, and behind the last the number of rows.
  package private(set) var offsets: [Int] = [0]

  /// - Parameters:
  ///   - users: whose histories may be empty.
  ///   - chosen: the pathways of the network; nil for the latest items alone.
  package init(_ users: [UserContext], _ vocabulary: GeneratorVocabulary, _ chosen: UserPathways? = nil) {
    let tokens = vocabulary.tokens
    codes = Array(repeating: [], count: tokens.levels)
    if chosen != nil { pathways = PathwayRows() }
    for user in users {
      if let chosen { append(user, chosen, vocabulary) }
      append(level: -1, code: -1, place: -1, closing: -1, beginning: 0)
      for (index, item) in user.items.enumerated() {
        for (level, code) in tokens.codes(ofItem: item).enumerated() {
          append(
            level: level, code: Int32(code), place: user.items.count - 1 - index,
            closing: level == tokens.levels - 1 ? Int32(item) : -1)
        }
      }
      pathways?.fillShortTerm(to: levels.count)
      offsets.append(levels.count)
    }
  }

  private mutating func append(level: Int, code: Int32, place: Int, closing item: Int32, beginning: Int32 = -1) {
    beginnings.append(beginning)
    levels.append(Int32(level))
    places.append(Int32(place))
    closedItems.append(item)
    for index in codes.indices { codes[index].append(index == level ? code : -1) }
  }

  /// The rows of a user's pathways.
  private mutating func append(_ user: UserContext, _ chosen: UserPathways, _ vocabulary: GeneratorVocabulary) {
    func appendEmptyRow() { append(level: -1, code: -1, place: -1, closing: -1) }
    if let traits = user.traits {
      appendEmptyRow()
      pathways?.append(traits)
    }
    if !user.older.isEmpty {
      for _ in 0..<chosen.lifelongQueries { appendEmptyRow() }
      pathways?.append(older: user.older, queries: chosen.lifelongQueries)
    }
    for (index, item) in user.positives.enumerated() {
      appendEmptyRow()
      let row = levels.count - 1
      closedItems[row] = Int32(item)
      for (level, code) in vocabulary.tokens.codes(ofItem: item).enumerated() { codes[level][row] = Int32(code) }
      pathways?.append(positivePlace: user.positives.count - 1 - index)
    }
  }

  /// The row of each history's latest code.
  package var lastRows: ContiguousArray<Int32> { ContiguousArray(offsets.dropFirst().map { Int32($0 - 1) }) }

  var layout: AttentionLayout { AttentionLayout(selfAttentionOver: offsets, isCausal: false) }
}

/// What a decoder reads: for each item that it writes a beginning, which asks for the first code, then its codes.
package struct TargetTokens {
  /// Of each row 0 for a beginning, and for a code its level + 1.
  package private(set) var kinds: ContiguousArray<Int32> = []
  /// By level: of each row its code; -1 where the row has one of another level, or none.
  package private(set) var codes: [ContiguousArray<Int32>]
  /// Of each row the place of its item among those that are written, from 0.
  package private(set) var places: ContiguousArray<Int32> = []

  package init(levels: Int) { codes = Array(repeating: [], count: levels) }

  package var count: Int { kinds.count }

  /// Appends what stands behind some items that are written already, a beginning and the codes of the next, or the end
  /// of that.
  /// - Parameters:
  ///   - prefix: codes of the next item.
  ///   - first: how many rows of it all are left out at the start.
  package mutating func append(
    session: [UInt32], prefix: ArraySlice<UInt16>, from first: Int = 0, _ vocabulary: GeneratorVocabulary
  ) {
    let levels = codes.count
    let end = Self.count(session: session.count, prefix: prefix.count, levels: levels)
    for row in first..<end {
      let (place, kind) = row.quotientAndRemainder(dividingBy: levels + 1)
      kinds.append(Int32(kind))
      places.append(Int32(place))
      let own = place < session.count ? vocabulary.tokens.codes(ofItem: session[place]) : prefix
      for level in codes.indices {
        codes[level].append(level == kind - 1 ? Int32(own[own.startIndex + level]) : -1)
      }
    }
  }

  /// Rows of some items, and of a beginning and codes behind them.
  package static func count(session: Int, prefix: Int, levels: Int) -> Int { session * (levels + 1) + prefix + 1 }
}
