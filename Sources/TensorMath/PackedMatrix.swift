internal import CVectorKernels

/// The right factor of many products, as a layer's weights are: packed once into panels that the product reads in order.
package struct PackedMatrix: Sendable {
  /// Inner extent: the products' inputs.
  package let rows: Int
  /// The products' outputs.
  package let columns: Int
  private let storage: Storage

  private enum Storage: Sendable {
    /// Row-major, for oneDNN: where the processor lacks the registers that the panels need.
    case plain(ContiguousArray<Float>)
    case panels(PanelMemory<Float>)
    /// Multiplied by `scale` before they were rounded.
    case halfPanels(PanelMemory<UInt16>, scale: Float)
    case brainPanels(PanelMemory<UInt32>)
  }

  /// Whether single-precision products are made from panels here, not by oneDNN.
  package static var hasPanels: Bool { tessera_has_wide_lanes() == 1 }

  /// The precision that products are really made in: what the processor cannot multiply becomes `single`.
  package static func effective(_ precision: WeightPrecision) -> WeightPrecision {
    switch precision {
    case .half where tessera_has_half_products() == 1: .half
    case .brain where tessera_has_brain_products() == 1: .brain
    default: .single
    }
  }

  /// Whether a row of a product is the same bit for bit however many rows are multiplied at once. The panels are made so;
  /// of oneDNN it is not known.
  package var keepsRowsApart: Bool {
    guard case .plain = storage else { return true }
    return rows == 0 || columns == 0
  }

  /// `k × n`.
  package init(_ right: Matrix, precision: WeightPrecision = .single) {
    self.init(
      right, rows: right.rows, columns: right.columns, rowStride: right.columns, columnStride: 1, precision)
  }

  /// From `n × k`, as PyTorch keeps a linear layer's weights.
  package init(transposing weights: Matrix, precision: WeightPrecision = .single) {
    self.init(
      weights, rows: weights.columns, columns: weights.rows, rowStride: 1, columnStride: weights.columns, precision)
  }

  private init(
    _ source: Matrix, rows: Int, columns: Int, rowStride: Int, columnStride: Int, _ precision: WeightPrecision
  ) {
    self.rows = rows
    self.columns = columns
    if rows == 0 || columns == 0 {
      storage = .plain([])
    } else if Self.effective(precision) == .half, source.elements.allSatisfy({ abs($0) < 65_504 }) {
      storage = unsafe source.elements.withUnsafeBufferPointer { source in
        let scale = unsafe tessera_half_scale(source.baseAddress, 1, source.count, 0)
        let panels = unsafe PanelMemory<UInt16>(count: tessera_half_count(rows, columns)) { target in
          unsafe tessera_pack_half(source.baseAddress, rows, columns, rowStride, columnStride, scale, target)
        }
        return .halfPanels(panels, scale: scale)
      }
    } else if Self.effective(precision) == .brain {
      storage = unsafe source.elements.withUnsafeBufferPointer { source in
        unsafe .brainPanels(
          PanelMemory(count: tessera_brain_count(rows, columns)) { target in
            unsafe tessera_pack_brain(source.baseAddress, rows, columns, rowStride, columnStride, target)
          })
      }
    } else if tessera_has_wide_lanes() == 1 {
      storage = unsafe source.elements.withUnsafeBufferPointer { source in
        unsafe .panels(
          PanelMemory(count: tessera_packed_count(rows, columns)) { target in
            unsafe tessera_pack_right(source.baseAddress, rows, columns, rowStride, columnStride, target)
          })
      }
    } else {
      var plain = ContiguousArray<Float>()
      plain.reserveCapacity(rows * columns)
      for row in 0..<rows {
        for column in 0..<columns { plain.append(source.elements[row * rowStride + column * columnStride]) }
      }
      storage = .plain(plain)
    }
  }

  /// `c = activation(a · self + bias)` on the calling thread: `a` is `m × rows`, `c` is `m × columns`, both row-major
  /// and tightly packed. A row of the result does not depend on the other rows of `a`, nor, where ``keepsRowsApart``,
  /// on their number.
  package func product(
    _ a: UnsafePointer<Float>, rows m: Int, bias: ContiguousArray<Float>? = nil, activation: Activation = .identity,
    into c: UnsafeMutablePointer<Float>
  ) {
    precondition(bias.map { $0.count == columns } ?? true, "a bias of \(bias?.count ?? 0) for \(columns) outputs")
    guard m > 0, rows > 0, columns > 0 else { return }
    guard let bias else { return unsafe multiply(a, m, nil, activation, c) }
    unsafe bias.withUnsafeBufferPointer { unsafe multiply(a, m, $0.baseAddress, activation, c) }
  }

  /// `a · self + bias` on the calling thread, `a.rows × columns`.
  package func product(_ a: Matrix, bias: ContiguousArray<Float>? = nil) -> Matrix {
    precondition(a.columns == rows, "matrix product of \(a.rows) × \(a.columns) with inner extent \(rows)")
    var result = Matrix(rows: a.rows, columns: columns)
    unsafe a.elements.withUnsafeBufferPointer { left in
      unsafe result.elements.withUnsafeMutableBufferPointer { target in
        guard let left = left.baseAddress, let target = target.baseAddress else { return }
        unsafe product(left, rows: a.rows, bias: bias, into: target)
      }
    }
    return result
  }

  private func multiply(
    _ a: UnsafePointer<Float>, _ m: Int, _ bias: UnsafePointer<Float>?, _ activation: Activation,
    _ c: UnsafeMutablePointer<Float>
  ) {
    switch storage {
    case .panels(let panels):
      unsafe panels.read { panels in
        unsafe tessera_packed_product(a, m, rows, rows, panels, columns, bias, activation.kernelCode, c, columns)
      }
    case .halfPanels(let panels, let scale):
      unsafe panels.read { panels in
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: tessera_half_scratch(m, rows)) { scratch in
          unsafe tessera_half_product(
            a, m, rows, rows, panels, columns, scale, bias, activation.kernelCode, c, columns, scratch.baseAddress)
        }
      }
    case .brainPanels(let panels):
      unsafe panels.read { panels in
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: tessera_brain_scratch(m, rows)) { scratch in
          unsafe tessera_brain_product(
            a, m, rows, panels, columns, bias, activation.kernelCode, c, columns, scratch.baseAddress)
        }
      }
    case .plain(let elements):
      unsafe elements.withUnsafeBufferPointer { right in
        unsafe TensorMath.multiply(a, right.baseAddress!, c, m: m, n: columns, k: rows, transposingRight: false)
      }
      for row in 0..<m {
        let output = unsafe UnsafeMutableBufferPointer(start: c + row * columns, count: columns)
        if let bias = unsafe bias { for column in 0..<columns { unsafe output[column] += bias[column] } }
        unsafe activation.apply(to: output)
      }
    }
  }
}
