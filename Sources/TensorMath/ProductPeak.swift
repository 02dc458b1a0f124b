/// The best rate of matrix products that this program reaches on this machine: what a training's rate is a share of.
public enum ProductPeak {
  /// Rows, columns and inner extent of what is multiplied: large enough that threads and caches are in their stride, and
  /// all of it done in some tenths of a second.
  private static let shapes = [(rows: 2048, columns: 1024, inner: 1024), (rows: 4096, columns: 1024, inner: 256)]

  /// Multiplies for about a quarter of a second on all threads.
  /// - Parameter precision: of the factors; what the processor cannot multiply is measured as what it does instead.
  /// - Returns: in 10⁹ floating-point operations a second, a multiplication and an addition each one.
  public static func measure(_ precision: WeightPrecision) -> Double {
    var random = RandomSource(seed: 1)
    var best = 0.0
    for shape in shapes {
      func draw(_ rows: Int, _ columns: Int) -> Matrix {
        Matrix(
          rows: rows, columns: columns,
          elements: ContiguousArray((0..<rows * columns).map { _ in random.nextUniform() - 0.5 }))
      }
      let left = draw(shape.rows, shape.inner)
      let right = PackedMatrix(draw(shape.inner, shape.columns), precision: precision)
      let operations = 2 * Double(shape.rows) * Double(shape.columns) * Double(shape.inner)
      // The first is not counted: threads and memory are new to it.
      _ = right.parallelProduct(left)
      for _ in 0..<6 {
        let start = ContinuousClock.now
        _ = right.parallelProduct(left)
        best = max(best, operations / max((ContinuousClock.now - start) / .seconds(1), 1e-9) / 1e9)
      }
    }
    return best
  }
}
