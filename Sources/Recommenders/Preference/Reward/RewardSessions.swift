/// What a ``RewardModel`` learns from: some items that a user met one behind another, what came before them, and what was
/// true of them.
///
/// Memory: about 24 bytes a session, 4 an item and label, and 4 for each event of the users' histories.
public struct RewardSessions: Sendable, Equatable {
  /// Rows of the catalogue's item table.
  public let itemCount: Int
  public let objectives: [RewardObjective]
  /// As the log numbers them.
  public private(set) var users: ContiguousArray<Int32> = []
  private var items: ContiguousArray<UInt32> = []
  private var ends: ContiguousArray<Int> = []
  private var labels: ContiguousArray<Float> = []
  private var histories: ContiguousArray<Range<Int>> = []
  /// What users met, one behind the other, each the earliest first.
  private let past: ContiguousArray<UInt32>

  init(itemCount: Int, objectives: [RewardObjective], past: ContiguousArray<UInt32>) {
    self.itemCount = itemCount
    self.objectives = objectives
    self.past = past
  }

  /// - Parameter labels: one an objective; NaN for none.
  mutating func append(user: Int32, items: some Sequence<UInt32>, labels: [Float], history: Range<Int>) {
    users.append(user)
    self.items.append(contentsOf: items)
    ends.append(self.items.count)
    self.labels += labels
    histories.append(history)
  }

  public var count: Int { users.count }

  /// One or more, in order.
  public func items(of session: Int) -> ArraySlice<UInt32> {
    ArraySlice(items[(session == 0 ? 0 : ends[session - 1])..<ends[session]])
  }

  /// What the user met strictly before the session, the earliest first; may be empty.
  public func history(of session: Int) -> ArraySlice<UInt32> { ArraySlice(past[histories[session]]) }

  /// The share of the session's items of which an objective's label is true, among those that have one; nil where none
  /// has. 1 or 0 for a session of one item.
  public func label(of session: Int, _ objective: Int) -> Float? {
    let label = labels[session * objectives.count + objective]
    return label.isNaN ? nil : label
  }

  /// Every so many sessions, at most `maximum` of them in order; all where they are no more.
  func thinned(to maximum: Int) -> RewardSessions {
    guard count > maximum else { return self }
    var result = RewardSessions(itemCount: itemCount, objectives: objectives, past: past)
    for place in 0..<maximum {
      let session = place * count / maximum
      let labels = labels[session * objectives.count..<(session + 1) * objectives.count]
      result.append(
        user: users[session], items: items(of: session), labels: Array(labels), history: histories[session])
    }
    return result
  }
}
