internal import CVectorKernels

/// One thread's buffers for attention, grown as needed and used again for the next segment.
struct AttentionScratch {
  var scores: ContiguousArray<Float> = []
  var gradient: ContiguousArray<Float> = []
  /// Keys that each query of a short segment sees.
  var visible: ContiguousArray<Int32> = []
  var keys: PackedRows
  var values: PackedRows
  var keyRows: PackedRows
  var queryRows: PackedRows
  var outerRows: PackedRows
  /// Left factors as products take them.
  private var words: ContiguousArray<UInt32> = []

  /// - Parameter usesHalves: whether factors are rounded to halves.
  init(usesHalves: Bool) {
    let rows = PackedRows(usesHalves: usesHalves)
    (keys, values, keyRows, queryRows, outerRows) = (rows, rows, rows, rows, rows)
  }

  mutating func withPointers(
    _ body: (
      _ scores: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
      _ words: UnsafeMutablePointer<UInt32>
    ) -> Void
  ) {
    unsafe scores.withUnsafeMutableBufferPointer { scores in
      unsafe gradient.withUnsafeMutableBufferPointer { gradient in
        unsafe words.withUnsafeMutableBufferPointer { words in
          guard let scores = scores.baseAddress, let words = words.baseAddress else { return }
          unsafe body(scores, gradient.baseAddress ?? scores, words)
        }
      }
    }
  }

  /// Makes room for products of `rows` rows with an inner extent up to `extent`, and sums over them for as many results.
  mutating func growWords(rows: Int, extent: Int) {
    let count =
      keys.usesHalves
      ? max(tessera_half_scratch(rows, extent), tessera_half_transposed_scratch(rows, extent))
      : tessera_transposed_scratch(rows, extent)
    if words.count < count { words = ContiguousArray(repeating: 0, count: count) }
  }
}

/// A right factor in panels, from some columns of some rows.
struct PackedRows {
  let usesHalves: Bool
  private var inner = 0
  private var outer = 0
  private var elements = PanelMemory<Float>()
  private var halves = PanelMemory<UInt16>()
  /// What halves were multiplied by before they were rounded.
  private var scale: Float = 1

  init(usesHalves: Bool) { self.usesHalves = usesHalves }

  /// `rows × width` or, transposed, `width × rows`.
  mutating func pack(_ source: StridedRows, _ rows: Range<Int>, _ column: Int, _ width: Int, transposed: Bool) {
    let stride = source.matrix.columns
    let (rowStride, columnStride) = transposed ? (1, stride) : (stride, 1)
    (inner, outer) = transposed ? (width, rows.count) : (rows.count, width)
    let (inner, outer) = (inner, outer)
    unsafe source.withRow(rows.lowerBound) { first in
      let first = unsafe first + column
      guard usesHalves else {
        return unsafe elements.write(count: tessera_packed_count(inner, outer)) { target in
          unsafe tessera_pack_right(first, inner, outer, rowStride, columnStride, target)
        }
      }
      let scale = unsafe tessera_half_scale(first, rows.count, width, stride)
      self.scale = scale
      unsafe halves.write(count: tessera_half_count(inner, outer)) { target in
        unsafe tessera_pack_half(first, inner, outer, rowStride, columnStride, scale, target)
      }
    }
  }

  /// `c = a · self` for `rows` rows of `a`.
  func product(
    _ a: UnsafePointer<Float>, rows: Int, stride: Int, into c: UnsafeMutablePointer<Float>, stride columns: Int,
    _ words: UnsafeMutablePointer<UInt32>
  ) {
    if usesHalves {
      unsafe halves.read { panels in
        unsafe tessera_half_product(a, rows, inner, stride, panels, outer, scale, nil, 0, c, columns, words)
      }
    } else {
      unsafe elements.read { panels in
        unsafe tessera_packed_product(a, rows, inner, stride, panels, outer, nil, 0, c, columns)
      }
    }
  }

  /// `c += aᵀ · self`, for `columns` columns of `a`, which stand one behind the other.
  func addTransposed(
    _ a: UnsafePointer<Float>, columns: Int, into c: UnsafeMutablePointer<Float>, stride: Int,
    _ words: UnsafeMutablePointer<UInt32>
  ) {
    if usesHalves {
      unsafe halves.read { panels in
        unsafe tessera_add_half_transposed(a, inner, columns, columns, panels, outer, scale, c, stride, words)
      }
    } else {
      let count = tessera_transposed_scratch(inner, columns)
      unsafe elements.read { panels in
        unsafe words.withMemoryRebound(to: Float.self, capacity: count) { scratch in
          unsafe tessera_add_transposed(a, inner, columns, columns, panels, outer, c, stride, scratch)
        }
      }
    }
  }
}
