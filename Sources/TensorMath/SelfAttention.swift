internal import CVectorKernels

/// Scaled dot-product attention of one sequence with itself (Vaswani et al., 2017, equation 1), head by head. Holds the
/// scratch memory of one thread.
package struct SelfAttention: ~Copyable {
  private let heads: Int
  private let headWidth: Int
  private var packed: ContiguousArray<Float> = []
  private var scores: ContiguousArray<Float> = []

  /// Rows of queries that are multiplied at once; bounds the scores to `blockRows × length`.
  private static let blockRows = 128

  package init(heads: Int, headWidth: Int) {
    self.heads = heads
    self.headWidth = headWidth
  }

  /// - Parameters:
  ///   - projections: `length × (3 · width)`: queries, keys and values side by side, `width = heads · headWidth`.
  ///   - isCausal: whether a position sees only itself and those before it.
  ///   - output: `length × width`.
  /// - Complexity: O(length² · width) time, O(length) memory.
  package mutating func apply(
    _ projections: UnsafePointer<Float>, length: Int, isCausal: Bool, into output: UnsafeMutablePointer<Float>
  ) {
    let width = heads * headWidth
    let (keyCount, valueCount) = (tessera_packed_count(headWidth, length), tessera_packed_count(length, headWidth))
    packed.grow(to: keyCount + valueCount)
    scores.grow(to: min(length, Self.blockRows) * length)
    let scale = 1 / Float(headWidth).squareRoot()
    let (heads, headWidth) = (heads, headWidth)
    unsafe packed.withUnsafeMutableBufferPointer { packed in
      unsafe scores.withUnsafeMutableBufferPointer { scores in
        guard let keys = packed.baseAddress, let scores = scores.baseAddress else { return }
        let values = unsafe keys + keyCount
        for head in 0..<heads {
          let queries = unsafe projections + head * headWidth
          unsafe tessera_pack_right(queries + width, headWidth, length, 1, 3 * width, keys)
          unsafe tessera_pack_right(queries + 2 * width, length, headWidth, 3 * width, 1, values)
          for start in stride(from: 0, to: length, by: Self.blockRows) {
            let rows = min(Self.blockRows, length - start)
            unsafe tessera_packed_product(
              queries + start * 3 * width, rows, headWidth, 3 * width, keys, length, nil, 0, scores, length)
            for row in 0..<rows {
              let visible = isCausal ? start + row + 1 : length
              let weights = unsafe scores + row * length
              unsafe tessera_softmax(weights, visible, scale)
              for hidden in visible..<length { unsafe weights[hidden] = 0 }
            }
            unsafe tessera_packed_product(
              scores, rows, length, length, values, headWidth, nil, 0,
              output + start * width + head * headWidth, width)
          }
        }
      }
    }
  }
}
