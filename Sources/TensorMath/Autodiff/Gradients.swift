/// The gradients that ``Tape/backward(from:)`` found, by the leaf they belong to.
public struct Gradients {
  private var matrices: [Matrix?]
  /// Nil for what needs no gradient.
  private let shapes: [(rows: Int, columns: Int)?]

  init(_ shapes: [(Int, Int)?]) {
    self.shapes = shapes
    matrices = Array(repeating: nil, count: shapes.count)
  }

  /// The gradient of a parameter; nil for one that the loss does not depend on, and for constants.
  public subscript(_ leaf: Variable) -> Matrix? { matrices[leaf.index] }

  func needs(_ index: Int) -> Bool { shapes[index] != nil }

  /// Adds to a gradient; for nothing where none is needed.
  mutating func add(_ gradient: consuming Matrix, to index: Int) {
    guard let shape = shapes[index] else { return }
    precondition(
      gradient.rows == shape.rows && gradient.columns == shape.columns,
      "a gradient of \(gradient.rows) × \(gradient.columns) for a value of \(shape.rows) × \(shape.columns)")
    // As another matrix: what is there often is the gradient of a second value too, and would be copied first.
    if let former = matrices[index].take() {
      matrices[index] = former.sum(with: gradient)
    } else {
      matrices[index] = gradient
    }
  }

  /// Lets `body` add to a gradient in place, zeros at first; not called where none is needed.
  mutating func accumulate(_ index: Int, _ body: (inout Matrix) -> Void) {
    guard let shape = shapes[index] else { return }
    // Taken out while it changes, or the array would hold a second reference and copy it.
    var gradient = matrices[index].take() ?? Matrix(rows: shape.rows, columns: shape.columns)
    body(&gradient)
    matrices[index] = gradient
  }

  /// Removes and returns a gradient.
  mutating func take(_ index: Int) -> Matrix? { matrices[index].take() }
}
