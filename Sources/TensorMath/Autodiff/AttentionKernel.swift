internal import CVectorKernels

/// Rows of a matrix from a column on.
struct StridedRows: Sendable {
  let matrix: Matrix
  let offset: Int

  func withRow<Result>(_ row: Int, _ body: (UnsafePointer<Float>) -> Result) -> Result {
    unsafe matrix.elements.withUnsafeBufferPointer { unsafe body($0.baseAddress! + row * matrix.columns + offset) }
  }
}

/// Where the gradients of queries, keys or values go: rows of a matrix from a column on.
struct GradientRows: Sendable {
  let target: SharedPointer<Float>
  let stride: Int
  let width: Int

  func row(_ row: Int) -> UnsafeMutablePointer<Float> { unsafe target.pointer + row * stride }

  func clear(_ rows: Range<Int>) {
    for row in rows { unsafe self.row(row).update(repeating: 0, count: width) }
  }
}

/// Lends the elements of several matrices at once; not where one of them has none.
private func withSharedPointers(
  to matrices: inout [Matrix], found: [SharedPointer<Float>] = [], _ body: ([SharedPointer<Float>]) -> Void
) {
  let index = found.count
  guard index < matrices.count else { return body(found) }
  // Taken out while it is lent, or the array would hold a second reference and copy it.
  var matrix = Matrix(rows: 0, columns: 0)
  swap(&matrix, &matrices[index])
  unsafe matrix.elements.withUnsafeMutableBufferPointer { elements in
    guard let base = elements.baseAddress else { return }
    withSharedPointers(to: &matrices, found: found + [unsafe SharedPointer(base)], body)
  }
  swap(&matrix, &matrices[index])
}

/// The loops of attention and its gradient, on the calling thread for one group of segments.
struct AttentionShape: Sendable {
  let heads: Int
  let headWidth: Int
  let layout: AttentionLayout
  /// Whether the factors of products are rounded to halves.
  let usesHalves: Bool

  /// Queries that are worked on at once; bounds scores to `blockRows × keys`.
  private static let blockRows = 128

  var width: Int { heads * headWidth }

  /// Whether panels of halves, 32 columns at least, would not be padding for the most part.
  static func isWorthHalves(_ layout: AttentionLayout, headWidth: Int) -> Bool {
    headWidth >= 32 && layout.segments.reduce(0) { $0 + $1.keys.count } >= 32 * layout.segments.count
  }

  /// Groups of one task, which share its buffers: about as many rows as a block of a long sequence.
  private func groupsPerTask(_ groups: Int) -> Int {
    let rows = layout.segments.reduce(0) { $0 + $1.queries.count + $1.keys.count }
    return max(1, Self.blockRows * 2 * groups / max(1, rows))
  }
  var scale: Float { 1 / Float(headWidth).squareRoot() }

  func check(queries: Int, keys: Int) {
    for segment in layout.segments {
      precondition(
        segment.queries.upperBound <= queries && segment.keys.upperBound <= keys,
        "a segment beyond \(queries) queries or \(keys) keys")
    }
    if case .prefix(let counts) = layout.visibility {
      precondition(counts.count == queries && counts.allSatisfy { $0 > 0 }, "each query sees at least one key")
    }
  }

  /// A query that no segment holds gives zeros.
  func attend(_ q: StridedRows, _ k: StridedRows, _ v: StridedRows) -> Matrix {
    var output = made(rows: q.matrix.rows, columns: width, isWritten: layout.queryCount == q.matrix.rows)
    let groups = layout.groups
    unsafe output.elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let target = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: groups.count, size: groupsPerTask(groups.count)) { range in
        var scratch = AttentionScratch(usesHalves: usesHalves)
        for group in groups[range] {
          for segment in layout.segments[group] {
            unsafe attend(segment, q, k, v, into: target.pointer, &scratch)
          }
        }
      }
    }
    return output
  }

  private func attend(
    _ segment: AttentionLayout.Segment, _ q: StridedRows, _ k: StridedRows, _ v: StridedRows,
    into output: UnsafeMutablePointer<Float>, _ scratch: inout AttentionScratch
  ) {
    if isShort(segment) { return unsafe attendShort(segment, q, k, v, into: output, &scratch) }
    let count = segment.keys.count
    for head in 0..<heads {
      let column = head * headWidth
      scratch.keys.pack(k, segment.keys, column, headWidth, transposed: true)
      scratch.values.pack(v, segment.keys, column, headWidth, transposed: false)
      for block in blocks(segment.queries) {
        probabilities(segment, block, q, column, &scratch)
        let values = scratch.values
        unsafe scratch.withPointers { scores, _, words in
          unsafe values.product(
            scores, rows: block.count, stride: count, into: output + block.lowerBound * width + column, stride: width,
            words)
        }
      }
    }
  }

  private func blocks(_ queries: Range<Int>) -> [Range<Int>] {
    stride(from: queries.lowerBound, to: queries.upperBound, by: Self.blockRows).map {
      $0..<min($0 + Self.blockRows, queries.upperBound)
    }
  }

  /// The softmax of a block's scores, `block × keys`, zeros where a key is not seen. `scratch.keys` holds the keys.
  private func probabilities(
    _ segment: AttentionLayout.Segment, _ block: Range<Int>, _ q: StridedRows, _ column: Int,
    _ scratch: inout AttentionScratch
  ) {
    let count = segment.keys.count
    scratch.scores.grow(to: block.count * count)
    scratch.growWords(rows: Self.blockRows, extent: max(headWidth, count))
    let keys = scratch.keys
    unsafe scratch.withPointers { base, _, words in
      unsafe q.withRow(block.lowerBound) { queries in
        unsafe keys.product(
          queries + column, rows: block.count, stride: q.matrix.columns, into: base, stride: count, words)
      }
      for row in block {
        let visible = layout.visibleKeys(segment, row: row)
        let line = unsafe base + (row - block.lowerBound) * count
        unsafe tessera_softmax(line, visible, scale)
        for hidden in visible..<count { unsafe line[hidden] = 0 }
      }
    }
  }

  private func made(rows: Int, columns: Int, isWritten: Bool) -> Matrix {
    isWritten ? Matrix.unwritten(rows: rows, columns: columns) : Matrix(rows: rows, columns: columns)
  }

  /// The gradients of queries, keys and values for that of the output.
  /// - Parameter parts: in which of the results they are, each at its offset.
  func gradients(_ q: StridedRows, _ k: StridedRows, _ v: StridedRows, outer: Matrix, parts: [Int]) -> [Matrix] {
    let (operands, groups) = ([q, k, v], layout.groups)
    let isWritten =
      layout.queryCount == q.matrix.rows
      && groups.reduce(0) { $0 + layout.segments[$1.lowerBound].keys.count } == k.matrix.rows
    var results = (0...(parts.max() ?? 0)).map { part in
      let members = parts.indices.filter { parts[$0] == part }
      return made(
        rows: operands[members[0]].matrix.rows, columns: members.count * width, isWritten: isWritten)
    }
    let strides = results.map(\.columns)
    withSharedPointers(to: &results) { pointers in
      let places = zip(operands, parts).map { operand, part in
        unsafe GradientRows(
          target: SharedPointer(pointers[part].pointer + operand.offset), stride: strides[part], width: width)
      }
      Parallelism.forEachChunk(of: groups.count, size: groupsPerTask(groups.count)) { range in
        var scratch = AttentionScratch(usesHalves: usesHalves)
        for group in groups[range] {
          for place in places.dropFirst() { place.clear(layout.segments[group.lowerBound].keys) }
          for segment in layout.segments[group] {
            addGradients(
              segment, q, k, v, StridedRows(matrix: outer, offset: 0), places[0], places[1], places[2], &scratch)
          }
        }
      }
    }
    return results
  }

  /// With probabilities P = softmax(s · Q Kᵀ) and output O = P V: dV = Pᵀ dO, dP = dO Vᵀ,
  /// dS = P ∘ (dP − rowsum(P ∘ dP)) · s, dQ = dS K, dK = dSᵀ Q.
  private func addGradients(
    _ segment: AttentionLayout.Segment, _ q: StridedRows, _ k: StridedRows, _ v: StridedRows, _ outer: StridedRows,
    _ dq: GradientRows, _ dk: GradientRows, _ dv: GradientRows, _ scratch: inout AttentionScratch
  ) {
    if isShort(segment) { return addShortGradients(segment, q, k, v, outer, dq, dk, dv, &scratch) }
    let count = segment.keys.count
    for head in 0..<heads {
      let column = head * headWidth
      scratch.keys.pack(k, segment.keys, column, headWidth, transposed: true)
      scratch.keyRows.pack(k, segment.keys, column, headWidth, transposed: false)
      scratch.values.pack(v, segment.keys, column, headWidth, transposed: true)
      let (keyGradient, valueGradient) = unsafe (
        dk.row(segment.keys.lowerBound) + column, dv.row(segment.keys.lowerBound) + column
      )
      for block in blocks(segment.queries) {
        probabilities(segment, block, q, column, &scratch)
        scratch.queryRows.pack(q, block, column, headWidth, transposed: false)
        scratch.outerRows.pack(outer, block, column, headWidth, transposed: false)
        scratch.gradient.grow(to: block.count * count)
        let (values, keyRows) = (scratch.values, scratch.keyRows)
        let (queryRows, outerRows) = (scratch.queryRows, scratch.outerRows)
        unsafe scratch.withPointers { scores, gradient, words in
          unsafe outerRows.addTransposed(scores, columns: count, into: valueGradient, stride: dv.stride, words)
          unsafe outer.withRow(block.lowerBound) { outer in
            unsafe values.product(
              outer + column, rows: block.count, stride: width, into: gradient, stride: count, words)
          }
          for row in 0..<block.count {
            unsafe tessera_softmax_gradient(scores + row * count, gradient + row * count, count, scale)
          }
          unsafe keyRows.product(
            scores, rows: block.count, stride: count, into: dq.row(block.lowerBound) + column, stride: dq.stride, words)
          unsafe queryRows.addTransposed(scores, columns: count, into: keyGradient, stride: dk.stride, words)
        }
      }
    }
  }
}
