internal import Foundation
package import TensorMath

/// A matrix as one `.npy` file of little-endian floats, as numpy's `save` writes it.
package func writeNPY(_ matrix: Matrix, to path: String) throws(TableExportError) {
  let file = try NPYArrayFile(path: path, elementType: "<f4", columns: matrix.columns)
  for row in 0..<matrix.rows {
    try file.append { bytes in
      for value in matrix.row(row) {
        for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
      }
    }
  }
  _ = try file.finish(rows: matrix.rows)
}
