internal import Dispatch
internal import Synchronization

/// A value that another thread computes while this one waits for the disk. Not a parallel loop: the value is the same
/// whichever thread computes it, and there is one other thread at most.
final class BackgroundValue<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  /// Computes `body` on `queue`.
  init(on queue: DispatchQueue, _ body: @escaping @Sendable () -> Value) {
    queue.async { [self] in
      let result = body()
      value.withLock { $0 = result }
      isDone.signal()
    }
  }

  /// The value, once it is there. To be called once.
  func take() -> Value {
    isDone.wait()
    guard let result = value.withLock({ $0.take() }) else { preconditionFailure("a value is taken once") }
    return result
  }
}
