internal import CVectorKernels

/// Rows per parallel task. Fixed, so that results do not depend on the thread count.
private let rowsPerTask = 4096

extension Matrix {
  /// `‖row‖²` of every row, in f32 summed in a fixed order.
  public func rowSquaredNorms() -> ContiguousArray<Float> {
    joined(
      Parallelism.mapChunks(of: rows, size: rowsPerTask) { range in
        unsafe elements.withUnsafeBufferPointer { source in
          guard let base = source.baseAddress else { return ContiguousArray(repeating: 0, count: range.count) }
          return ContiguousArray(
            range.lazy.map { row in unsafe tessera_squared_norm(base + row * columns, columns) })
        }
      })
  }

  /// The first row that holds a NaN or an infinity, or nil.
  public func firstNonFiniteRow() -> Int? {
    let found = Parallelism.mapChunks(of: rows, size: rowsPerTask) { range -> Int? in
      unsafe elements.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return nil }
        if unsafe tessera_all_finite(base + range.lowerBound * columns, range.count * columns) == 1 { return nil }
        return range.first { row in unsafe tessera_all_finite(base + row * columns, columns) == 0 }
      }
    }
    return found.lazy.compactMap { $0 }.first
  }

  /// The mean of every column, accumulated in double precision in a fixed order; zeros for no rows.
  public func columnMeans() -> [Float] {
    let partial = Parallelism.mapChunks(of: rows, size: rowsPerTask) { range in
      var sums = [Double](repeating: 0, count: columns)
      unsafe elements.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        for row in range { unsafe tessera_accumulate(&sums, base + row * columns, 1, columns) }
      }
      return sums
    }
    var total = [Double](repeating: 0, count: columns)
    for sums in partial { for column in total.indices { total[column] += sums[column] } }
    return total.map { rows > 0 ? Float($0 / Double(rows)) : 0 }
  }

  /// Subtracts one vector from every row.
  public mutating func subtractFromRows(_ vector: [Float]) {
    precondition(vector.count == columns, "a vector of \(vector.count) elements for rows of \(columns)")
    let width = columns
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let shared = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: rows, size: rowsPerTask) { range in
        for row in range { _ = unsafe tessera_subtract(shared.pointer + row * width, vector, width) }
      }
    }
  }

  /// Subtracts from row i the row `indices[i]` of `other`, and returns `‖row‖²` of what remains.
  public mutating func subtractRows(of other: Matrix, at indices: ContiguousArray<UInt16>) -> ContiguousArray<Float> {
    precondition(other.columns == columns, "rows of \(other.columns) elements do not fit rows of \(columns)")
    precondition(indices.count == rows, "\(indices.count) indices for \(rows) rows")
    precondition(indices.allSatisfy { Int($0) < other.rows }, "an index outside \(other.rows) rows")
    let width = columns
    return unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return ContiguousArray(repeating: 0, count: rows) }
      let shared = unsafe SharedPointer(base)
      return joined(
        Parallelism.mapChunks(of: rows, size: rowsPerTask) { range in
          unsafe other.elements.withUnsafeBufferPointer { source in
            ContiguousArray(
              range.lazy.map { row in
                unsafe tessera_subtract(
                  shared.pointer + row * width, source.baseAddress! + Int(indices[row]) * width, width)
              })
          }
        })
    }
  }

  /// Divides every row by its length; a row of zeros stays.
  public mutating func normalizeRows() {
    let norms = rowSquaredNorms()
    for row in 0..<rows where norms[row] > 0 {
      let scale = 1 / norms[row].squareRoot()
      for position in row * columns..<(row + 1) * columns { elements[position] *= scale }
    }
  }
}

/// `‖a − b‖²` of two vectors of one length, in f32 summed in a fixed order: what every code is decided by.
public func squaredDistance(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float {
  precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) elements have no distance")
  return unsafe a.withUnsafeBufferPointer { left in
    unsafe b.withUnsafeBufferPointer { right in
      guard let first = left.baseAddress, let second = right.baseAddress else { return 0 }
      return unsafe tessera_squared_distance(first, second, left.count)
    }
  }
}

/// The chunks' results as one array.
func joined<Element>(_ chunks: [ContiguousArray<Element>]) -> ContiguousArray<Element> {
  if chunks.count == 1 { return chunks[0] }
  var result = ContiguousArray<Element>()
  result.reserveCapacity(chunks.reduce(0) { $0 + $1.count })
  for chunk in chunks { result.append(contentsOf: chunk) }
  return result
}
