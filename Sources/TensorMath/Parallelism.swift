internal import COneDNN
internal import Dispatch
internal import Foundation
internal import Synchronization

/// The one place where the program's threads are set: our own loops run on `threadCount` threads, and every
/// library call inside them runs on the calling thread alone. Work is cut into chunks whose size never depends on
/// the thread count, so results are the same, bit for bit, with one thread or many.
public enum Parallelism {
  private static let configured = Atomic<Int>(0)

  /// Threads in use; all cores until set.
  public static var threadCount: Int {
    get {
      let count = configured.load(ordering: .relaxed)
      return count > 0 ? count : availableCores
    }
    set { configured.store(max(1, newValue), ordering: .relaxed) }
  }

  /// The cores that this process may use.
  public static let availableCores = max(1, activeProcessorCount())

  /// Calls `body` once for each chunk `[start, end)` of `0..<count`, on up to `threadCount` threads.
  /// `body` must write only to what belongs to its chunk.
  public static func forEachChunk(of count: Int, size: Int, _ body: @Sendable (Range<Int>) -> Void) {
    precondition(size > 0, "a chunk holds at least one element")
    let chunks = (count + size - 1) / size
    let workers = min(threadCount, chunks)
    guard workers > 1 else {
      runOnCallingThread { for chunk in 0..<chunks { body(chunk * size..<min(count, (chunk + 1) * size)) } }
      return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      runOnCallingThread {
        while true {
          let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard chunk < chunks else { return }
          body(chunk * size..<min(count, (chunk + 1) * size))
        }
      }
    }
  }

  /// Keeps oneDNN's OpenMP runtime from opening threads of its own below this one.
  private static func runOnCallingThread(_ body: () -> Void) {
    omp_set_num_threads(1)
    body()
  }
}

/// Cores in the process's affinity mask: a container's or `taskset`'s limit counts, the machine's total does not.
private func activeProcessorCount() -> Int { ProcessInfo.processInfo.activeProcessorCount }
