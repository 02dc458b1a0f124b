internal import Foundation
internal import PipelineEngine
internal import Synchronization

/// Shows a run on standard error: a progress bar on a terminal, plain lines elsewhere.
final class ConsoleObserver: RunObserver {
  private struct State: Sendable {
    var step = ""
    var stepStart = ContinuousClock.now
    var lastShown: ContinuousClock.Instant?
    var barIsShown = false
  }

  private let isVerbose: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  init(isVerbose: Bool) { self.isVerbose = isVerbose }

  func observe(_ event: RunEvent) {
    switch event {
    case .skipped(let stage):
      if isVerbose { line("\(stage.rawValue): up to date") }
    case .started(let stage, let reason): line("\(stage.rawValue): runs, because \(reason)")
    case .finished(let stage, let seconds, let summary):
      line("\(stage.rawValue): done in \(ProgressLine.duration(seconds))\(summary.isEmpty ? "" : ": \(summary)")")
    case .note(let text): line(text)
    case .warning(let text): line("warning: \(text)")
    case .progress(let stage, let step, let completed, let total, let unit, let detail):
      progress(
        ProgressLine(
          stage: stage.rawValue, step: step, completed: completed, total: total, unit: unit, detail: detail))
    }
  }

  private func line(_ text: String) {
    state.withLock { state in
      if state.barIsShown { write("\r\u{1B}[K") }
      state.barIsShown = false
      write(text + "\n")
    }
  }

  private func progress(_ progress: ProgressLine) {
    state.withLock { state in
      let now = ContinuousClock.now
      if state.step != progress.title {
        state.step = progress.title
        state.stepStart = now
        state.lastShown = isTerminal ? nil : now
      }
      let interval: Duration = isTerminal ? .milliseconds(100) : isVerbose ? .seconds(1) : .seconds(10)
      if let last = state.lastShown, now - last < interval { return }
      state.lastShown = now
      let elapsed = now - state.stepStart
      let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
      if isTerminal {
        write("\r\u{1B}[K" + progress.bar(seconds: seconds, columns: Self.columns))
        state.barIsShown = true
      } else {
        write(progress.plain(seconds: seconds) + "\n")
      }
    }
  }

  /// Of the terminal, as it is now; as many as are usual where it does not say.
  private static var columns: Int {
    var size = winsize()
    let isKnown = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0
    return isKnown && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
