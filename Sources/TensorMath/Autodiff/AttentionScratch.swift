internal import CVectorKernels

/// One thread's buffers for attention, grown as needed and used again for the next segment.
struct AttentionScratch {
  var scores: ContiguousArray<Float> = []
  var gradient: ContiguousArray<Float> = []
  var keys = PackedRows()
  var values = PackedRows()
  var keyRows = PackedRows()
  var queryRows = PackedRows()
  var outerRows = PackedRows()

  /// The packed factors of a gradient, lent while they are packed.
  @unsafe struct Factors {
    let values: UnsafePointer<Float>?
    let keyRows: UnsafePointer<Float>?
    let queryRows: UnsafePointer<Float>?
    let outerRows: UnsafePointer<Float>?
  }

  mutating func withPointers(
    _ body: (_ scores: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, Factors) -> Void
  ) {
    unsafe scores.withUnsafeMutableBufferPointer { scores in
      unsafe gradient.withUnsafeMutableBufferPointer { gradient in
        guard let scores = scores.baseAddress, let gradient = gradient.baseAddress else { return }
        unsafe values.elements.withUnsafeBufferPointer { values in
          unsafe keyRows.elements.withUnsafeBufferPointer { keyRows in
            unsafe queryRows.elements.withUnsafeBufferPointer { queryRows in
              unsafe outerRows.elements.withUnsafeBufferPointer { outerRows in
                unsafe body(
                  scores, gradient,
                  Factors(
                    values: values.baseAddress, keyRows: keyRows.baseAddress, queryRows: queryRows.baseAddress,
                    outerRows: outerRows.baseAddress))
              }
            }
          }
        }
      }
    }
  }
}

/// A right factor in panels, from some columns of some rows.
struct PackedRows {
  var elements: ContiguousArray<Float> = []

  /// `rows × width` or, transposed, `width × rows`.
  mutating func pack(_ source: StridedRows, _ rows: Range<Int>, _ column: Int, _ width: Int, transposed: Bool) {
    let stride = source.matrix.columns
    let (inner, outer) = transposed ? (width, rows.count) : (rows.count, width)
    elements.grow(to: tessera_packed_count(inner, outer))
    unsafe elements.withUnsafeMutableBufferPointer { target in
      unsafe source.withRow(rows.lowerBound) { first in
        unsafe tessera_pack_right(
          first + column, inner, outer, transposed ? 1 : stride, transposed ? stride : 1, target.baseAddress)
      }
    }
  }
}
