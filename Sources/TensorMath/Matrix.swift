/// A dense row-major matrix of `Float` with value semantics.
public struct Matrix: Sendable, Equatable {
  public let rows: Int
  public let columns: Int

  /// Row-major elements, `rows * columns` of them.
  public var elements: ContiguousArray<Float>

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a matrix has no negative extent")
    self.rows = rows
    self.columns = columns
    elements = ContiguousArray(repeating: 0, count: rows * columns)
  }

  /// A matrix whose every element `body` writes; spares the zeros.
  package init(rows: Int, columns: Int, writtenBy body: (UnsafeMutablePointer<Float>) -> Void) {
    self.rows = rows
    self.columns = columns
    let count = rows * columns
    elements = unsafe ContiguousArray(unsafeUninitializedCapacity: count) { target, initialized in
      if let target = target.baseAddress, count > 0 { unsafe body(target) }
      initialized = count
    }
  }

  /// A matrix whose every element the caller writes before it reads any.
  package static func unwritten(rows: Int, columns: Int) -> Matrix {
    unsafe Matrix(rows: rows, columns: columns) { _ in }
  }

  public init(rows: Int, columns: Int, elements: ContiguousArray<Float>) {
    precondition(elements.count == rows * columns, "\(elements.count) elements do not fill \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  public subscript(row: Int, column: Int) -> Float {
    get { elements[offset(row, column)] }
    set { elements[offset(row, column)] = newValue }
  }

  private func offset(_ row: Int, _ column: Int) -> Int {
    precondition(
      row >= 0 && row < rows && column >= 0 && column < columns, "(\(row), \(column)) outside \(rows) × \(columns)")
    return row * columns + column
  }

  /// The elements of one row, without a copy.
  public func row(_ row: Int) -> ArraySlice<Float> {
    elements[row * columns..<(row + 1) * columns]
  }

  /// A copy of consecutive rows, in order.
  public func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      rows: range.count, columns: columns,
      elements: ContiguousArray(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// A copy of the rows with the given indices, in the order given; an index may repeat.
  public func selectingRows(_ indices: some Collection<Int>) -> Matrix {
    var selected = ContiguousArray<Float>()
    selected.reserveCapacity(indices.count * columns)
    for index in indices { selected.append(contentsOf: elements[index * columns..<(index + 1) * columns]) }
    return Matrix(rows: indices.count, columns: columns, elements: selected)
  }
}
