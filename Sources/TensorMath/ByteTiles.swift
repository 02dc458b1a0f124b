internal import CVectorKernels

/// Centroids rounded to bytes, in the layout of `tessera_pack_tile`.
struct ByteTiles: Sendable {
  static let centroids = TESSERA_TILE_CENTROIDS

  let count: Int
  let packed: ContiguousArray<Int8>
  let corrections: ContiguousArray<Int32>
  let factors: ContiguousArray<Float>

  /// As the caller's, then infinities up to a whole tile.
  let offsets: ContiguousArray<Float>

  /// Largest norm of a rounded centroid's error.
  let largestError: Float

  let tileBytes: Int

  init(_ matrix: Matrix, offsets: ContiguousArray<Float>) {
    let tile = Self.centroids, columns = matrix.columns
    let count = (matrix.rows + tile - 1) / tile
    let tileBytes = (columns + 3) / 4 * 4 * tile
    var packed = ContiguousArray<Int8>(repeating: 0, count: count * tileBytes)
    var corrections = ContiguousArray<Int32>(repeating: 0, count: count * tile)
    var factors = ContiguousArray<Float>(repeating: 0, count: count * tile)
    var facts = [Float](repeating: 0, count: 3 * tile)
    var largestError: Float = 0
    for index in 0..<count {
      let first = index * tile
      unsafe packed.withUnsafeMutableBufferPointer { bytes in
        unsafe corrections.withUnsafeMutableBufferPointer { sums in
          unsafe matrix.elements.withUnsafeBufferPointer { source in
            unsafe tessera_pack_tile(
              source.baseAddress! + first * columns, min(tile, matrix.rows - first), columns,
              bytes.baseAddress! + index * tileBytes, sums.baseAddress! + first, &facts)
          }
        }
      }
      for position in 0..<tile {
        factors[first + position] = -2 * facts[position]
        largestError = max(largestError, facts[2 * tile + position])
      }
    }
    self.count = count
    self.tileBytes = tileBytes
    self.packed = packed
    self.corrections = corrections
    self.factors = factors
    self.offsets = offsets + ContiguousArray(repeating: .infinity, count: count * tile - matrix.rows)
    self.largestError = largestError
  }
}
