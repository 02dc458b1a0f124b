/// What a run has to say while it works.
public enum RunEvent: Sendable {
  case skipped(StageName)
  case started(StageName, reason: String)
  /// `completed` of `total` units of one step of a stage; `total` is 0 where nobody knows it. `detail` is what else is
  /// worth watching, such as a loss; empty for nothing.
  case progress(StageName, step: String, completed: Int, total: Int, unit: String, detail: String = "")
  case finished(StageName, seconds: Double, summary: String)
  /// Worth a line in a log.
  case note(String)
  /// Something a person should look at; the run goes on.
  case warning(String)
}

/// Hears what a run does. Called on the run's thread, or on worker threads for progress.
public protocol RunObserver: Sendable {
  func observe(_ event: RunEvent)
}

/// Hears nothing.
public struct SilentObserver: RunObserver {
  public init() {}
  public func observe(_ event: RunEvent) {}
}
