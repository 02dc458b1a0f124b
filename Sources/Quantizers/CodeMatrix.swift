/// The codes of many items: one row per item, one column per level.
public struct CodeMatrix: Sendable, Equatable {
  /// Items.
  public private(set) var count: Int

  /// Codes per item.
  public let levels: Int

  /// Row-major codes, `count * levels` of them.
  public private(set) var elements: ContiguousArray<UInt16>

  /// A matrix of zeros.
  public init(count: Int, levels: Int) {
    self.init(count: count, levels: levels, elements: ContiguousArray(repeating: 0, count: count * levels))
  }

  public init(count: Int, levels: Int, elements: ContiguousArray<UInt16>) {
    precondition(count >= 0 && levels >= 0, "a code matrix has no negative extent")
    precondition(elements.count == count * levels, "\(elements.count) codes do not fill \(count) × \(levels)")
    self.count = count
    self.levels = levels
    self.elements = elements
  }

  public subscript(row: Int, level: Int) -> UInt16 {
    get { elements[offset(row, level)] }
    set { elements[offset(row, level)] = newValue }
  }

  private func offset(_ row: Int, _ level: Int) -> Int {
    precondition(
      row >= 0 && row < count && level >= 0 && level < levels, "(\(row), \(level)) outside \(count) × \(levels)")
    return row * levels + level
  }

  /// The codes of one item, without a copy.
  public func row(_ row: Int) -> ArraySlice<UInt16> {
    elements[row * levels..<(row + 1) * levels]
  }

  /// A copy of consecutive rows, in order.
  public func rows(_ range: Range<Int>) -> CodeMatrix {
    CodeMatrix(
      count: range.count, levels: levels,
      elements: ContiguousArray(elements[range.lowerBound * levels..<range.upperBound * levels]))
  }

  /// The codes of all items at one level.
  public func column(_ level: Int) -> ContiguousArray<UInt16> {
    ContiguousArray((0..<count).lazy.map { elements[$0 * levels + level] })
  }

  /// Appends the rows of another matrix with as many levels, so that a caller can encode block by block.
  public mutating func append(_ other: CodeMatrix) {
    precondition(other.levels == levels, "rows of \(other.levels) codes do not extend rows of \(levels)")
    elements.append(contentsOf: other.elements)
    count += other.count
  }
}
