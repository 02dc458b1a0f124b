internal import Synchronization

extension Parallelism {
  /// Calls `body` once for each chunk of `0..<count`, in parallel, and returns the results in the chunks' order.
  public static func mapChunks<Result: Sendable>(
    of count: Int, size: Int, _ body: @Sendable (Range<Int>) -> Result
  ) -> [Result] {
    let slots = Mutex([Result?](repeating: nil, count: (count + size - 1) / size))
    forEachChunk(of: count, size: size) { range in
      let result = body(range)
      slots.withLock { $0[range.lowerBound / size] = result }
    }
    return slots.withLock { $0.compactMap { $0 } }
  }
}
