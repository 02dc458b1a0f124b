internal import Glibc
internal import Synchronization

/// Whether somebody asked the run to stop. Stages ask between blocks of work, where stopping loses nothing.
public enum Interruption {
  private static let signalNumber = Atomic<Int32>(0)

  /// Turns SIGINT and SIGTERM into a request to stop at the next safe point; a second signal ends the process at once.
  public static func watchSignals() {
    _ = signalNumber.load(ordering: .relaxed)
    // A parent that starts us from a worker thread may have left these blocked.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { unsafe sigaddset(&signals, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { received in
        Interruption.signalNumber.store(received, ordering: .relaxed)
        signal(received, SIG_DFL)
      }
    }
  }

  public static var isRequested: Bool { signalNumber.load(ordering: .relaxed) != 0 }

  /// Asks as a signal would; for programs that embed the engine, and tests.
  public static func request() { signalNumber.store(SIGINT, ordering: .relaxed) }

  /// Forgets an earlier request.
  public static func clear() { signalNumber.store(0, ordering: .relaxed) }

  /// Throws ``PipelineError/Code/interrupted`` where a stop was asked for.
  static func check() throws(PipelineError) {
    guard isRequested else { return }
    throw PipelineError(.interrupted, "stopped by a signal; run the same command again to go on where it stopped")
  }
}
