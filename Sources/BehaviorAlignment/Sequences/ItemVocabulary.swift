/// The items that a model of item IDs knows: those with events in the training window, numbered densely.
public struct ItemVocabulary: Sendable, Equatable {
  /// Rows of the item table, ascending: the item of each number.
  public let rows: ContiguousArray<UInt32>
  /// Training events of each.
  public let counts: ContiguousArray<UInt32>
  /// The number of each row of the item table; −1 for an item that is not known.
  let numbers: ContiguousArray<Int32>

  /// - Parameter maximum: where more items have events, those with the most, ties by row.
  /// - Complexity: O(events + items log items).
  public init(_ split: TrainingSplit, maximum: Int = .max) {
    let counts = split.itemEventCounts()
    var known = counts.indices.filter { counts[$0] > 0 }
    if known.count > maximum {
      known.sort { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] > counts[$1] }
      known = known.prefix(maximum).sorted()
    }
    self.init(
      rows: ContiguousArray(known.map { UInt32($0) }), counts: ContiguousArray(known.map { counts[$0] }),
      itemCount: counts.count)
  }

  /// - Parameters:
  ///   - rows: ascending, below `itemCount`.
  ///   - counts: as many.
  init(rows: ContiguousArray<UInt32>, counts: ContiguousArray<UInt32>, itemCount: Int) {
    self.rows = rows
    self.counts = counts
    var numbers = ContiguousArray<Int32>(repeating: -1, count: itemCount)
    for (number, row) in rows.enumerated() { numbers[Int(row)] = Int32(number) }
    self.numbers = numbers
  }

  /// Items that are known.
  public var count: Int { rows.count }

  /// The number of a row of the item table; nil for an item that is not known.
  public func number(ofRow row: UInt32) -> Int? {
    let number = numbers[Int(row)]
    return number < 0 ? nil : Int(number)
  }

  /// The numbers of the known items among some, in their order.
  func numbers(of items: some Sequence<UInt32>) -> ContiguousArray<Int32> {
    ContiguousArray(items.lazy.map { numbers[Int($0)] }.filter { $0 >= 0 })
  }
}
