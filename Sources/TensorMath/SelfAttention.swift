internal import CVectorKernels

/// Scaled dot-product attention of one sequence with itself (Vaswani et al., 2017, equation 1), head by head. Holds the
/// scratch memory of one thread.
package struct SelfAttention: ~Copyable {
  private let heads: Int
  private let headWidth: Int
  private var head = AttendedHead()
  private var scores: ContiguousArray<Float> = []

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
    for column in stride(from: 0, to: width, by: headWidth) {
      let queries = unsafe projections + column
      unsafe head.pack(
        keys: queries + width, values: queries + 2 * width, count: length, width: headWidth, stride: 3 * width)
      unsafe head.attend(
        queries, rows: length, stride: 3 * width, isCausal: isCausal, scores: &scores, into: output + column,
        stride: width)
    }
  }
}

/// Attention of queries to the keys and values of several sequences, which are packed once and stay for as many queries
/// as follow. Holds the memory of one thread.
package struct MemoryAttention: ~Copyable {
  private let heads: Int
  private let headWidth: Int
  /// By sequence, then by head.
  private var memories: [AttendedHead] = []
  private var scores: ContiguousArray<Float> = []

  package init(heads: Int, headWidth: Int) {
    self.heads = heads
    self.headWidth = headWidth
  }

  /// Forgets what was there and keeps the keys and values of other sequences.
  /// - Parameters:
  ///   - keysAndValues: `rows × (2 · width)`, keys and values side by side, `width = heads · headWidth`.
  ///   - offsets: where sequences begin, and behind the last the number of rows. None is empty.
  package mutating func remember(_ keysAndValues: UnsafePointer<Float>, offsets: [Int]) {
    let width = heads * headWidth
    while memories.count < (offsets.count - 1) * heads { memories.append(AttendedHead()) }
    for (sequence, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
      for head in 0..<heads {
        let keys = unsafe keysAndValues + start * 2 * width + head * headWidth
        unsafe memories[sequence * heads + head].pack(
          keys: keys, values: keys + width, count: end - start, width: headWidth, stride: 2 * width)
      }
    }
  }

  /// - Parameters:
  ///   - queries: `rows × width`.
  ///   - sequence: of those remembered, which all of the queries see.
  ///   - output: `rows × width`.
  package mutating func attend(
    _ queries: UnsafePointer<Float>, rows: Int, to sequence: Int, into output: UnsafeMutablePointer<Float>
  ) {
    let width = heads * headWidth
    for head in 0..<heads {
      let column = head * headWidth
      unsafe memories[sequence * heads + head].attend(
        queries + column, rows: rows, stride: width, isCausal: false, scores: &scores, into: output + column,
        stride: width)
    }
  }
}

/// One head's keys and values of one sequence, packed for products with any number of queries.
private struct AttendedHead {
  /// Keys as the columns of a right factor, then values as its rows.
  private var packed = PanelMemory<Float>()
  private var count = 0
  private var width = 0

  /// Rows of queries that are multiplied at once; bounds the scores to `blockRows × keys`.
  private static let blockRows = 128

  /// - Parameter stride: between rows of `width` numbers.
  mutating func pack(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, count: Int, width: Int, stride: Int
  ) {
    (self.count, self.width) = (count, width)
    let keyCount = tessera_packed_count(width, count)
    unsafe packed.write(count: keyCount + tessera_packed_count(count, width)) { target in
      unsafe tessera_pack_right(keys, width, count, 1, stride, target)
      unsafe tessera_pack_right(values, count, width, stride, 1, target + keyCount)
    }
  }

  /// - Parameter isCausal: whether query i sees the keys up to i only.
  func attend(
    _ queries: UnsafePointer<Float>, rows: Int, stride: Int, isCausal: Bool, scores: inout ContiguousArray<Float>,
    into output: UnsafeMutablePointer<Float>, stride outputStride: Int
  ) {
    guard count > 0 else { return }
    // Scores are as wide as the panels of keys, whose padding is zeros: whole registers are written and read.
    let padded = (count + 15) / 16 * 16, keyCount = tessera_packed_count(width, count)
    let scale = 1 / Float(width).squareRoot()
    scores.grow(to: min(rows, Self.blockRows) * padded)
    unsafe packed.read { keys in
      unsafe scores.withUnsafeMutableBufferPointer { scores in
        guard let scores = scores.baseAddress else { return }
        for start in Swift.stride(from: 0, to: rows, by: Self.blockRows) {
          let block = min(Self.blockRows, rows - start)
          unsafe tessera_packed_product(
            queries + start * stride, block, width, stride, keys, padded, nil, 0, scores, padded)
          unsafe tessera_attention_weights(
            scores, block, padded, isCausal ? start + 1 : count, isCausal ? 1 : 0, scale)
          unsafe tessera_packed_product(
            scores, block, count, padded, keys + keyCount, width, nil, 0, output + start * outputStride, outputStride)
        }
      }
    }
  }
}
