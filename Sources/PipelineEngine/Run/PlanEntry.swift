/// What a run would do about one stage, and why.
public struct PlanEntry: Sendable, Equatable, Codable {
  public enum Action: String, Sendable, Codable {
    case run
    /// Up to date.
    case skip
    /// Depends on what the stages before it make.
    case mayRun = "may run"
    /// The pipeline has no such section.
    case absent
  }

  public let stage: StageName
  public let action: Action
  public let reason: String

  public init(stage: StageName, action: Action, reason: String) {
    self.stage = stage
    self.action = action
    self.reason = reason
  }
}
