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
    case .progress(let stage, let step, let completed, let total, let unit):
      progress(ProgressLine(stage: stage.rawValue, step: step, completed: completed, total: total, unit: unit))
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
        write("\r\u{1B}[K" + progress.bar(seconds: seconds))
        state.barIsShown = true
      } else {
        write(progress.plain(seconds: seconds) + "\n")
      }
    }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// One moment of a step, as text.
struct ProgressLine: Equatable {
  var stage: String
  var step: String
  var completed: Int
  var total: Int
  var unit: String

  var title: String { "\(stage): \(step)" }

  private var fraction: Double { total > 0 ? min(1, Double(completed) / Double(total)) : 0 }

  /// `encode: embedding  ███████▌      42 %  1,200 items/s  3 s left`
  func bar(seconds: Double) -> String {
    let width = 24
    let eighths = Int(fraction * Double(width * 8))
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let filled = String(repeating: "█", count: eighths / 8) + partial
    let rest = String(repeating: " ", count: max(0, width - filled.count))
    return "\(title)  \(filled)\(rest) \(percent)\(rateAndRest(seconds))"
  }

  func plain(seconds: Double) -> String {
    "\(title): \(completed) of \(total) \(unit), \(percent)\(rateAndRest(seconds))"
  }

  private var percent: String { "\(Int(fraction * 100)) %" }

  private func rateAndRest(_ seconds: Double) -> String {
    guard seconds > 0.2, completed > 0 else { return "" }
    let rate = Double(completed) / seconds
    let left = total > completed ? ", \(Self.duration(Double(total - completed) / rate)) left" : ""
    return ", \(rate >= 10 ? "\(Int(rate))" : String(format: "%.1f", rate)) \(unit)/s\(left)"
  }

  static func duration(_ seconds: Double) -> String {
    if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 60 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
