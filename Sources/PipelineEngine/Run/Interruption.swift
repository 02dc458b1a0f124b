internal import Glibc
internal import Synchronization

/// Whether somebody asked the run to stop. Stages ask between blocks of work, where stopping loses nothing.
///
/// A run asks the ``current`` one of its task. That is ``process``, which signals set, unless an embedding program (or a
/// test) gives the run its own by `Interruption.$current.withValue(_:)`.
public final class Interruption: Sendable {
  /// What signals set.
  public static let process = Interruption()

  @TaskLocal public static var current = Interruption.process

  private let signalNumber = Atomic<Int32>(0)

  public init() {}

  /// Turns SIGINT and SIGTERM into a request to stop at the next safe point; a second signal ends the process at once.
  public static func watchSignals() {
    // A handler must not be the one to make it.
    _ = process.isRequested
    // A parent that starts us from a worker thread may have left these blocked.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { unsafe sigaddset(&signals, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { received in
        Interruption.process.signalNumber.store(received, ordering: .relaxed)
        signal(received, SIG_DFL)
      }
    }
  }

  public var isRequested: Bool { signalNumber.load(ordering: .relaxed) != 0 }

  /// Asks as a signal would.
  public func request() { signalNumber.store(SIGINT, ordering: .relaxed) }

  /// Throws ``PipelineError/Code/interrupted`` where a stop was asked for.
  static func check() throws(PipelineError) {
    guard current.isRequested else { return }
    throw PipelineError(.interrupted, "stopped by a signal; run the same command again to go on where it stopped")
  }
}
