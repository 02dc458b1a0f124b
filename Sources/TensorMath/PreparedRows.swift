internal import CVectorKernels

/// Rows made ready for many searches among centroids: their norms and, where the processor multiplies bytes, their
/// rounding to bytes. Preparing costs about as much as comparing each row with ten centroids.
package struct PreparedRows: Sendable {
  package let matrix: Matrix

  /// `‖row‖²`.
  package let squaredNorms: ContiguousArray<Float>

  /// Nil on the float32 path.
  let panels: BytePanels?

  package init(_ matrix: Matrix, computePath: NearestCentroids.ComputePath) {
    self.matrix = matrix
    squaredNorms = matrix.rowSquaredNorms()
    panels = computePath == .int8 ? BytePanels(matrix) : nil
  }

  package var count: Int { matrix.rows }
}

/// Panels of 64 rows rounded to bytes, in the layout of `tessera_pack_panel`.
struct BytePanels: Sendable {
  static let rows = TESSERA_PANEL_ROWS

  /// `panelBytes` for each panel.
  let packed: ContiguousArray<UInt8>

  /// Scales, norms and errors of 64 rows for each panel.
  let facts: ContiguousArray<Float>

  static func byteCount(dimensions: Int) -> Int { (dimensions + 3) / 4 * 4 * rows }

  static let factCount = 3 * rows

  init(_ matrix: Matrix) {
    let count = (matrix.rows + Self.rows - 1) / Self.rows
    let columns = matrix.columns
    let panelBytes = Self.byteCount(dimensions: columns)
    var packed = ContiguousArray<UInt8>(repeating: 0, count: count * panelBytes)
    var facts = ContiguousArray<Float>(repeating: 0, count: count * Self.factCount)
    unsafe packed.withUnsafeMutableBufferPointer { bytes in
      unsafe facts.withUnsafeMutableBufferPointer { numbers in
        guard let byteBase = bytes.baseAddress, let factBase = numbers.baseAddress else { return }
        let sharedBytes = unsafe SharedPointer(byteBase), sharedFacts = unsafe SharedPointer(factBase)
        Parallelism.forEachChunk(of: matrix.rows, size: 16 * Self.rows) { range in
          unsafe matrix.elements.withUnsafeBufferPointer { source in
            for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.rows) {
              let panel = first / Self.rows
              unsafe tessera_pack_panel(
                source.baseAddress! + first * columns, min(Self.rows, range.upperBound - first), columns,
                sharedBytes.pointer + panel * panelBytes, sharedFacts.pointer + panel * Self.factCount)
            }
          }
        }
      }
    }
    self.packed = packed
    self.facts = facts
  }
}
