import PipelineEngine
import Synchronization

/// Keeps the progress that a run tells of.
final class ProgressRecorder: RunObserver {
  private let kept = Mutex<[ProgressLine]>([])

  var lines: [ProgressLine] { kept.withLock { $0 } }

  func observe(_ event: RunEvent) {
    guard case .progress(let stage, let step, let completed, let total, let unit, let detail) = event else { return }
    kept.withLock {
      $0.append(
        ProgressLine(
          stage: stage.rawValue, step: step, completed: completed, total: total, unit: unit, detail: detail))
    }
  }
}
