internal import COneDNN

/// Rows of the left factor per parallel task. Fixed, so that results do not depend on the thread count.
private let rowsPerTask = 256

/// Elements of a right factor that our own product takes: 1 MiB. oneDNN compiles its code when it is first called, which
/// costs a short run more than all of its products; a right factor this small is packed in no time.
private let packedElements = 1 << 18

/// `a · b`, or `a · bᵀ` with `transposingRight`; f32 throughout.
///
/// oneDNN rather than OpenBLAS: on processors newer than the OpenBLAS that Debian 12 ships, OpenBLAS falls back to
/// SSE kernels and runs at a tenth of the speed. Small right factors go through ``PackedMatrix``; which way a product
/// takes is decided by the right factor's shape alone, so that a row's bits do not depend on how many there are.
///
/// - Parameters:
///   - a: `m × k`.
///   - b: `k × n`, or `n × k` with `transposingRight`.
/// - Returns: `m × n`.
public func matrixProduct(_ a: Matrix, _ b: Matrix, transposingRight: Bool = false) -> Matrix {
  let inner = transposingRight ? b.columns : b.rows
  let n = transposingRight ? b.rows : b.columns
  precondition(a.columns == inner, "matrix product of \(a.rows) × \(a.columns) with inner extent \(inner)")
  var result = Matrix(rows: a.rows, columns: n)
  guard a.rows > 0, n > 0, inner > 0 else { return result }
  if n <= packedElements / inner, PackedMatrix.hasPanels {
    let packed = transposingRight ? PackedMatrix(transposing: b) : PackedMatrix(b)
    packedProduct(a, packed, into: &result)
    return result
  }
  unsafe result.elements.withUnsafeMutableBufferPointer { output in
    let target = unsafe SharedPointer(output.baseAddress!)
    Parallelism.forEachChunk(of: a.rows, size: rowsPerTask) { rows in
      unsafe a.elements.withUnsafeBufferPointer { left in
        unsafe b.elements.withUnsafeBufferPointer { right in
          unsafe multiply(
            left.baseAddress! + rows.lowerBound * inner, right.baseAddress!, target.pointer + rows.lowerBound * n,
            m: rows.count, n: n, k: inner, transposingRight: transposingRight)
        }
      }
    }
  }
  return result
}

private func packedProduct(_ a: Matrix, _ b: PackedMatrix, into result: inout Matrix) {
  unsafe result.elements.withUnsafeMutableBufferPointer { output in
    let target = unsafe SharedPointer(output.baseAddress!)
    Parallelism.forEachChunk(of: a.rows, size: rowsPerTask) { rows in
      unsafe a.elements.withUnsafeBufferPointer { left in
        unsafe b.product(
          left.baseAddress! + rows.lowerBound * b.rows, rows: rows.count,
          into: target.pointer + rows.lowerBound * b.columns)
      }
    }
  }
}

/// One oneDNN call on the calling thread: `c = a · b` (or `a · bᵀ`), row-major, tightly packed.
package func multiply(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
  m: Int, n: Int, k: Int, transposingRight: Bool
) {
  let status = unsafe dnnl_sgemm(
    CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: transposingRight ? "T" : "N")), dnnl_dim_t(m), dnnl_dim_t(n),
    dnnl_dim_t(k), 1, a, dnnl_dim_t(k), b, dnnl_dim_t(transposingRight ? k : n), 0, c, dnnl_dim_t(n))
  precondition(
    status == dnnl_success, "oneDNN refused a matrix product of \(m) × \(k) × \(n): status \(status.rawValue)")
}

/// A pointer handed to the chunks of one parallel loop, each of which writes its own rows only.
@safe package struct SharedPointer<Element>: @unchecked Sendable {
  // Sendable because `Parallelism.forEachChunk` gives every index to one chunk and returns after the last.
  package let pointer: UnsafeMutablePointer<Element>
  package init(_ pointer: UnsafeMutablePointer<Element>) { unsafe self.pointer = pointer }
}
