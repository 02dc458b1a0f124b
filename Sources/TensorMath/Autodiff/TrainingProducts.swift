internal import CVectorKernels

// The three products of a linear layer's step. Rows are cut into chunks of a fixed size, so that results do not depend on
// the thread count.

/// Rows of one parallel task: a multiple of the rows of the products' tiles.
let rowsPerProductTask = 96

/// What a layer makes, and what its activation was applied to.
struct LayerOutput {
  let sums: Matrix
  let output: Matrix
}

extension PackedMatrix {
  /// `activation(a · self + bias)` on all threads.
  package func parallelProduct(
    _ a: Matrix, bias: ContiguousArray<Float>? = nil, activation: Activation = .identity
  ) -> Matrix {
    unsafe Matrix(rows: a.rows, columns: columns) { target in
      unsafe forEachProduct(a, bias, activation, into: SharedPointer(target)) { _, _ in }
    }
  }

  /// As ``parallelProduct(_:bias:activation:)``, with the sums too.
  func parallelLayer(_ a: Matrix, bias: ContiguousArray<Float>?, activation: Activation) -> LayerOutput {
    var sums = Matrix.unwritten(rows: a.rows, columns: columns)
    let (columns, code) = (columns, activation.kernelCode)
    let output = unsafe Matrix(rows: a.rows, columns: columns) { output in
      let output = unsafe SharedPointer(output)
      unsafe sums.elements.withUnsafeMutableBufferPointer { target in
        guard let base = target.baseAddress else { return }
        unsafe forEachProduct(a, bias, .identity, into: SharedPointer(base)) { rows, sums in
          unsafe tessera_activate(sums, output.pointer + rows.lowerBound * columns, rows.count * columns, code)
        }
      }
    }
    return LayerOutput(sums: sums, output: output)
  }

  /// - Parameter body: called with rows and where they are as soon as they are made.
  private func forEachProduct(
    _ a: Matrix, _ bias: ContiguousArray<Float>?, _ activation: Activation, into target: SharedPointer<Float>,
    _ body: @Sendable (Range<Int>, UnsafePointer<Float>) -> Void
  ) {
    precondition(a.columns == rows, "a product of \(a.rows) × \(a.columns) with \(rows) × \(columns)")
    precondition(rows > 0, "a product over no columns")
    Parallelism.forEachChunk(of: a.rows, size: rowsPerProductTask) { range in
      let place = unsafe target.pointer + range.lowerBound * columns
      unsafe a.elements.withUnsafeBufferPointer { left in
        unsafe product(
          left.baseAddress! + range.lowerBound * rows, rows: range.count, bias: bias, activation: activation,
          into: place)
      }
      unsafe body(range, place)
    }
  }
}

extension Matrix {
  /// Adds `leftᵀ · right` for factors of as many rows: the gradient of a linear layer's weights.
  ///
  /// Their rows are cut into a few slices, each summed by one task on its own and the sums added in order; only a large
  /// result is cut by its own rows instead, which needs no second copy of it but packs `right` again for each piece.
  /// - Parameter precision: of the factors; bf16 counts as f32.
  mutating func addTransposedProduct(_ left: Matrix, _ right: Matrix, precision: WeightPrecision = .single) {
    precondition(
      left.rows == right.rows && rows == left.columns && columns == right.columns,
      "a product of \(left.columns) × \(left.rows) with \(right.rows) × \(right.columns) into \(rows) × \(columns)")
    let product = TransposedProduct(
      left: left, right: right, usesHalves: PackedMatrix.effective(precision) == .half)
    let slices = min(4, left.rows / 512)
    if slices > 1, elements.count <= 1 << 20 {
      let size = (left.rows + slices - 1) / slices, (rows, columns) = (rows, columns)
      let partial = Parallelism.mapChunks(of: left.rows, size: size) { range in
        var sum = Matrix(rows: rows, columns: columns)
        unsafe sum.elements.withUnsafeMutableBufferPointer { target in
          guard let base = target.baseAddress else { return }
          unsafe product.add(summing: range, of: 0..<rows, into: base)
        }
        return sum
      }
      for sum in partial { add(sum) }
    } else {
      unsafe elements.withUnsafeMutableBufferPointer { target in
        guard let base = target.baseAddress else { return }
        let target = unsafe SharedPointer(base)
        Parallelism.forEachChunk(of: rows, size: max(64, min(512, rows / 8))) { outputs in
          unsafe product.add(summing: 0..<left.rows, of: outputs, into: target.pointer)
        }
      }
    }
  }
}

/// `leftᵀ · right`, a piece of the sum or of the result at a time, on the calling thread.
private struct TransposedProduct: Sendable {
  let left: Matrix
  let right: Matrix
  let usesHalves: Bool

  /// Rows of the right factor that are packed at once: with a panel of columns, two thirds of a first-level cache.
  private static let rowsPerPack = 160
  /// Likewise of halves: three runs of 64, which are summed in half precision.
  private static let halfRowsPerPack = 192

  /// Adds rows `outputs` of the product, summed over the rows `range` of both factors.
  func add(summing range: Range<Int>, of outputs: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    guard right.columns > 0, !outputs.isEmpty else { return }
    unsafe left.elements.withUnsafeBufferPointer { left in
      unsafe right.elements.withUnsafeBufferPointer { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return }
        if usesHalves {
          unsafe addHalves(left, right, range, outputs, target)
        } else {
          unsafe addSingles(left, right, range, outputs, target)
        }
      }
    }
  }

  /// As ``PanelMemory``, for one call.
  private func withPanels<Element: BitwiseCopyable>(
    of type: Element.Type, count: Int, _ body: (UnsafeMutablePointer<Element>) -> Void
  ) {
    unsafe withUnsafeTemporaryAllocation(byteCount: count * MemoryLayout<Element>.stride, alignment: 64) { bytes in
      unsafe body(bytes.bindMemory(to: type).baseAddress!)
    }
  }

  private func addSingles(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ range: Range<Int>, _ outputs: Range<Int>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let (height, width, size) = (left.columns, right.columns, Self.rowsPerPack)
    let scratchCount = tessera_transposed_scratch(size, outputs.count)
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchCount) { scratch in
      unsafe withPanels(of: Float.self, count: tessera_packed_count(size, width)) { packed in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
          let count = min(size, range.upperBound - start)
          unsafe tessera_pack_right(b + start * width, count, width, width, 1, packed)
          unsafe tessera_add_transposed(
            a + start * height + outputs.lowerBound, count, outputs.count, height, packed, width,
            target + outputs.lowerBound * width, width, scratch.baseAddress)
        }
      }
    }
  }

  private func addHalves(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ range: Range<Int>, _ outputs: Range<Int>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let (height, width, size) = (left.columns, right.columns, Self.halfRowsPerPack)
    let scratchCount = tessera_half_transposed_scratch(size, outputs.count)
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: scratchCount) { scratch in
      unsafe withPanels(of: UInt16.self, count: tessera_half_count(size, width)) { packed in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
          let count = min(size, range.upperBound - start)
          let scale = unsafe tessera_half_scale(b + start * width, count, width, width)
          unsafe tessera_pack_half(b + start * width, count, width, width, 1, scale, packed)
          unsafe tessera_add_half_transposed(
            a + start * height + outputs.lowerBound, count, outputs.count, height, packed, width, scale,
            target + outputs.lowerBound * width, width, scratch.baseAddress)
        }
      }
    }
  }
}
