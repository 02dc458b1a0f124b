import PipelineEngine
import Synchronization

/// Keeps the progress and the warnings that a run tells of.
final class ProgressRecorder: RunObserver {
  private let kept = Mutex<[ProgressLine]>([])

  var lines: [ProgressLine] { kept.withLock { $0 } }

  private let heard = Mutex<[String]>([])

  var warnings: [String] { heard.withLock { $0 } }

  func observe(_ event: RunEvent) {
    if case .warning(let text) = event { heard.withLock { $0.append(text) } }
    guard case .progress(let stage, let step, let completed, let total, let unit, let detail) = event else { return }
    kept.withLock {
      $0.append(
        ProgressLine(
          stage: stage.rawValue, step: step, completed: completed, total: total, unit: unit, detail: detail))
    }
  }
}
