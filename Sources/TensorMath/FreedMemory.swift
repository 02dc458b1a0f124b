internal import CVectorKernels
internal import Synchronization

/// What becomes of the memory of matrices that are no longer needed.
///
/// A training step makes and drops gigabytes of them. Each large one would get fresh pages of the kernel, which counts,
/// clears and maps them one by one: more work than adding to the matrix.
package enum FreedMemory {
  private static let users = Mutex(0)

  /// Keeps the memory that is freed while `body` runs for the next allocation, in the whole process; gives it back to
  /// the system behind the last such call. Memory stays at its peak in between.
  package static func keeping<Result, Failure: Error>(
    during body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    enter(1)
    defer { enter(-1) }
    return try body()
  }

  private static func enter(_ change: Int) {
    users.withLock { count in
      let before = count
      count += change
      if (before > 0) != (count > 0) { tessera_keep_freed_memory(count > 0 ? 1 : 0) }
    }
  }
}
