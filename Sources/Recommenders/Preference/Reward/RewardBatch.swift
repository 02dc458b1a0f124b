internal import TensorMath

/// Sessions as a network reads them: items packed one behind the other, and each history once.
package struct RewardBatch {
  /// Of all sessions.
  package private(set) var items: ContiguousArray<Int32> = []
  /// Of each item, its session.
  package private(set) var owners: ContiguousArray<Int32> = []
  /// Where sessions begin, and behind the last the number of items.
  package private(set) var offsets = [0]
  /// Of each session.
  package private(set) var histories: ContiguousArray<Int32> = []
  /// Of histories, each behind a row of -1 that stands for its beginning.
  package private(set) var pastItems: ContiguousArray<Int32> = []
  /// Of those, counted back from the latest, which has 0; -1 for a beginning.
  package private(set) var places: ContiguousArray<Int32> = []
  /// Where histories begin, and behind the last the number of rows.
  package private(set) var pastOffsets = [0]
  /// By objective, of each session: the share of it of which the label is true; NaN for none.
  package private(set) var labels: [ContiguousArray<Float>] = []

  /// - Parameters:
  ///   - candidates: sessions behind each history; none is empty.
  ///   - maximumHistory: only that many of a history's latest items.
  package init(_ candidates: some Sequence<[[UInt32]]>, behind histories: [[UInt32]], maximumHistory: Int) {
    for (history, sessions) in zip(histories, candidates) {
      appendHistory(history.suffix(maximumHistory))
      for session in sessions { appendSession(session) }
    }
  }

  package init(
    _ sessions: RewardSessions, _ selection: some Sequence<Int>, maximumHistory: Int
  ) {
    labels = Array(repeating: [], count: sessions.objectives.count)
    for session in selection {
      appendHistory(sessions.history(of: session).suffix(maximumHistory))
      appendSession(sessions.items(of: session))
      for objective in labels.indices { labels[objective].append(sessions.label(of: session, objective) ?? .nan) }
    }
  }

  private mutating func appendHistory(_ items: some BidirectionalCollection<UInt32>) {
    pastItems.append(-1)
    places.append(-1)
    for (index, item) in items.enumerated() {
      pastItems.append(Int32(item))
      places.append(Int32(items.count - 1 - index))
    }
    pastOffsets.append(pastItems.count)
  }

  private mutating func appendSession(_ items: some Collection<UInt32>) {
    precondition(!items.isEmpty, "a session has an item")
    for item in items {
      self.items.append(Int32(item))
      owners.append(Int32(histories.count))
    }
    offsets.append(self.items.count)
    histories.append(Int32(pastOffsets.count - 2))
  }

  /// Sessions.
  package var count: Int { histories.count }

  /// Which of the sessions' items see which rows of histories.
  var memoryLayout: AttentionLayout {
    AttentionLayout(
      segments: histories.enumerated().map { session, history in
        AttentionLayout.Segment(
          queries: offsets[session]..<offsets[session + 1],
          keys: pastOffsets[Int(history)]..<pastOffsets[Int(history) + 1])
      })
  }

  /// Items of a session see one another.
  var sessionLayout: AttentionLayout { AttentionLayout(selfAttentionOver: offsets, isCausal: false) }
}
