/// How semantic IDs changed from one generation to the next.
public struct Churn: Sendable, Equatable, Codable {
  /// Changes among items that both generations hold.
  public struct Counts: Sendable, Equatable, Codable {
    public var items = 0

    /// Codes and suffix are as before.
    public var unchanged = 0

    /// Codes are as before, the suffix is not.
    public var suffixChanged = 0

    /// At index `l`: items whose first different code is at level `l`. Where the generations differ in levels, codes
    /// that one has and the other lacks are different.
    public var firstChangeByLevel: [Int]

    public init(levels: Int) { firstChangeByLevel = Array(repeating: 0, count: levels) }

    /// Items of which a code changed.
    public var codesChanged: Int { firstChangeByLevel.reduce(0, +) }

    /// Items whose semantic ID changed, in its codes or its suffix.
    public var changed: Int { items - unchanged }
  }

  /// Items of the earlier and of the later generation.
  public let previousItems: Int
  public let currentItems: Int

  /// Items that only the later generation has.
  public let added: Int

  /// Items that only the earlier generation has.
  public let removed: Int

  /// Items in both whose content hash is the same: what changes here is churn that the content does not explain.
  public let sameContent: Counts

  /// Items in both whose content changed.
  public let changedContent: Counts

  /// The share of items in both generations whose semantic ID changed; 0 where they share none.
  public var rate: Double {
    let items = sameContent.items + changedContent.items
    return items == 0 ? 0 : Double(sameContent.changed + changedContent.changed) / Double(items)
  }

  /// The share of items with unchanged content whose semantic ID changed; 0 where there are none.
  public var rateOfSameContent: Double {
    sameContent.items == 0 ? 0 : Double(sameContent.changed) / Double(sameContent.items)
  }

  /// One generation's columns, row by row.
  public struct Columns: Sendable {
    public let codes: CodeMatrix
    public let suffixes: ContiguousArray<UInt16>
    public let contentHashes: ContiguousArray<UInt64>

    public init(codes: CodeMatrix, suffixes: ContiguousArray<UInt16>, contentHashes: ContiguousArray<UInt64>) {
      precondition(
        suffixes.count == codes.count && contentHashes.count == codes.count,
        "columns of one generation differ in length")
      self.codes = codes
      self.suffixes = suffixes
      self.contentHashes = contentHashes
    }
  }

  /// Where an item's semantic ID first differs.
  public enum Change: Sendable, Equatable {
    case none
    case suffix
    case code(level: Int)
  }

  /// Compares two generations.
  ///
  /// - Parameter previousRow: for every row of `current`, the row of `previous` with the same item, or -1. No row
  ///   of `previous` appears twice.
  /// - Complexity: O(items × levels).
  public init(from previous: Columns, to current: Columns, previousRow: ContiguousArray<Int>) {
    precondition(
      previousRow.count == current.codes.count, "\(previousRow.count) matches for \(current.codes.count) rows")
    let levels = max(previous.codes.levels, current.codes.levels)
    var same = Counts(levels: levels), changed = Counts(levels: levels)
    for (row, match) in previousRow.enumerated() where match >= 0 {
      let change = Churn.change(from: previous, row: match, to: current, currentRow: row)
      if previous.contentHashes[match] == current.contentHashes[row] {
        same.count(change)
      } else {
        changed.count(change)
      }
    }
    previousItems = previous.codes.count
    currentItems = current.codes.count
    let shared = same.items + changed.items
    added = currentItems - shared
    removed = previousItems - shared
    precondition(removed >= 0, "a row of the previous generation is matched twice")
    sameContent = same
    changedContent = changed
  }

  /// How one item's semantic ID changed.
  public static func change(from previous: Columns, row: Int, to current: Columns, currentRow: Int) -> Change {
    let before = previous.codes.row(row), after = current.codes.row(currentRow)
    for (level, (old, new)) in zip(before, after).enumerated() where old != new { return .code(level: level) }
    if before.count != after.count { return .code(level: min(before.count, after.count)) }
    return previous.suffixes[row] == current.suffixes[currentRow] ? .none : .suffix
  }
}

extension Churn.Counts {
  fileprivate mutating func count(_ change: Churn.Change) {
    items += 1
    switch change {
    case .none: unchanged += 1
    case .suffix: suffixChanged += 1
    case .code(let level): firstChangeByLevel[level] += 1
    }
  }
}
