package import BehaviorAlignment
internal import TensorMath

/// Users' training items cut into windows, and the windows into batches without padding: windows that teach at every
/// position, or, for an encoder-decoder, some cuts a user that each teach what follows a history: the next items, or
/// those of the next session.
///
/// What is kept is the log's own size; windows and batches are made as an epoch goes on, those of some users at a time.
package struct TrainingSequences: Sendable {
  /// Some consecutive items of a user. The latest window ends with the user's last item, each one before it with the
  /// first item of the window behind it: every item is predicted once per epoch, behind as many others as possible of
  /// its window.
  struct Window: Sendable {
    let range: Range<Int>
    /// Whether it begins where the user began: only then its first item is to be predicted from nothing.
    let isFirst: Bool
    /// Of a cut: how many of its last events are to be written; 0 for a window that teaches at every position.
    var targets = 0
    /// Where the user began.
    let userStart: Int

    /// Of the items read, with one for the beginning.
    var rows: Int { targets > 0 ? range.count - targets + 1 : range.count }
  }

  /// How examples for an encoder-decoder are drawn.
  package struct Cuts: Sendable, Equatable {
    /// A user and epoch; all where a sequence has no more items, or sessions.
    package let perSequence: Int
    /// Items to write behind each, fewer at a sequence's or a session's end.
    package let targetItems: Int
    /// What is written are sessions; nil for the next items, as in a log without times.
    package let sessions: SessionRules?

    package init(perSequence: Int, targetItems: Int, sessions: SessionRules? = nil) {
      (self.perSequence, self.targetItems, self.sessions) = (perSequence, targetItems, sessions)
    }

    init(_ training: GeneratorTraining.Parameters, _ configuration: GeneratorConfiguration) {
      self.init(
        perSequence: training.cutsPerSequence, targetItems: configuration.targetItems, sessions: training.sessions)
    }
  }

  private let cuts: Cuts?
  private let maximumHistory: Int
  private let reader: ContextReader
  /// Users whose windows are shuffled together: a bound on what an epoch holds at a time.
  private let shuffledUsers: Int
  /// Of each user that has items.
  private var users: [Range<Int>] = []
  private var items: ContiguousArray<UInt32> = []
  /// Of each item, where pathways read them; otherwise empty, as where the log has none.
  private var times: ContiguousArray<Double> = []
  private var positives: ContiguousArray<Bool> = []
  /// What is to be written of each session that is kept, in order; nil where cuts may lie anywhere.
  private var sessions: [Range<Int>]?
  /// Of each user: which of the sessions are theirs.
  private var sessionsOfUsers: [Range<Int>] = []
  /// What became of sessions; nil where none were asked for.
  package private(set) var summary: SessionSummary?
  /// Events by item.
  package private(set) var popularity: ContiguousArray<UInt32>

  /// Items without codes are left out.
  /// - Parameters:
  ///   - cuts: nil for windows that teach at every position.
  ///   - pathways: what an encoder-decoder reads beside the latest items.
  ///   - shuffledUsers: whose windows are in random order among each other; of more users, groups of as many are drawn.
  package init(
    _ split: TrainingSplit, _ vocabulary: GeneratorVocabulary, maximumHistory: Int, cuts: Cuts? = nil,
    pathways: UserPathways? = nil, shuffledUsers: Int = 1 << 17
  ) {
    reader = ContextReader(maximumHistory: maximumHistory, pathways: pathways)
    (self.cuts, self.maximumHistory, self.shuffledUsers) = (cuts, maximumHistory, max(1, shuffledUsers))
    let rules = split.history.hasTimes ? cuts?.sessions : nil
    if rules != nil { sessions = [] }
    if cuts?.sessions != nil { summary = SessionSummary() }
    summary?.isTimed = rules != nil
    popularity = ContiguousArray(repeating: 0, count: vocabulary.tokens.itemCount)
    for user in 0..<split.history.userCount {
      let events = split.trainingEvents(ofUser: user)
      let known = events.items.indices.filter { vocabulary.knows(events.items[$0]) }
      guard !known.isEmpty else { continue }
      if let rules, let cuts { addSessions(of: events, known, rules, cuts) }
      users.append(items.count..<items.count + known.count)
      for place in known {
        items.append(events.items[place])
        popularity[Int(events.items[place])] += 1
      }
      if pathways != nil, !events.times.isEmpty { times += known.lazy.map { events.times[$0] } }
      if pathways != nil, !events.positives.isEmpty { positives += known.lazy.map { events.positives[$0] } }
    }
  }

  /// Of a user whose items are added next. A pause is one between events, whether their items have codes or not.
  private mutating func addSessions(of events: UserEvents, _ known: [Int], _ rules: SessionRules, _ cuts: Cuts) {
    guard sessions != nil, var counted = summary else { return }
    let (firstSession, firstItem) = (sessions?.count ?? 0, items.count)
    var next = 0
    for session in rules.sessions(at: events.times) {
      let start = next
      while next < known.count, known[next] < session.upperBound { next += 1 }
      var (different, written): (Set<UInt32>, Int) = ([], 0)
      for place in known[start..<next] {
        different.insert(events.items[place])
        if different.count <= cuts.targetItems { written += 1 }
      }
      let positives =
        events.positives.isEmpty ? next - start : known[start..<next].count { events.positives[$0] }
      let traits = SessionRules.Traits(
        items: different.count, positives: positives,
        duration: events.times[session.upperBound - 1] - events.times[session.lowerBound])
      guard rules.keeps(traits, &counted) else { continue }
      if different.count > cuts.targetItems { counted.shortened += 1 }
      counted.items += min(different.count, cuts.targetItems)
      sessions?.append(firstItem + start..<firstItem + start + written)
    }
    let last = sessions?.count ?? 0
    if last == firstSession { counted.usersWithout += 1 }
    sessionsOfUsers.append(firstSession..<last)
    summary = counted
  }

  private func windows(of user: Range<Int>) -> [Window] {
    var (windows, end): ([Window], Int) = ([], user.upperBound)
    while end > user.lowerBound {
      let first = max(user.lowerBound, end - maximumHistory - 1)
      windows.append(Window(range: first..<end, isFirst: first == user.lowerBound, userStart: user.lowerBound))
      end = first == user.lowerBound ? first : first + 1
    }
    return windows
  }

  /// At places of a user's items, or at the beginnings of their sessions.
  private func drawCuts(ofUser number: Int, _ cuts: Cuts, using random: inout RandomSource) -> [Window] {
    let user = users[number], options = sessions == nil ? user : sessionsOfUsers[number]
    var places = Array(options)
    if places.count > cuts.perSequence {
      var drawn: Set<Int> = []
      while drawn.count < cuts.perSequence { drawn.insert(Int.random(in: options, using: &random)) }
      places = drawn.sorted()
    }
    return places.map { place in
      let written = sessions?[place] ?? place..<min(user.upperBound, place + cuts.targetItems)
      let first = max(user.lowerBound, written.lowerBound - maximumHistory)
      return Window(
        range: first..<written.upperBound, isFirst: first == user.lowerBound, targets: written.count,
        userStart: user.lowerBound)
    }
  }

  /// - Throws: ``RecommenderError/Code/nothingToLearn`` where there is no window.
  func requireSomething() throws(RecommenderError) {
    guard !users.isEmpty else {
      throw RecommenderError(
        .nothingToLearn, "no training event is on an item that has codes; widen the training window, or publish codes")
    }
    guard let sessions, sessions.isEmpty else { return }
    throw RecommenderError(
      .nothingToLearn,
      "no session is good enough to learn from (\(summary?.text ?? "")); loosen the rules of 'sessions', or lengthen its gap"
    )
  }

  /// The windows of some users, in random order.
  fileprivate func windows(ofUsers numbers: some Sequence<Int>, using random: inout RandomSource) -> [Window] {
    var windows: [Window] = []
    for number in numbers {
      if let cuts {
        windows += drawCuts(ofUser: number, cuts, using: &random)
      } else {
        windows += self.windows(of: users[number])
      }
    }
    windows.shuffle(using: &random)
    return windows
  }

  /// One step's windows.
  package struct Batch: Sendable {
    let windows: [Window]
    /// Items that are read, and one for the beginning of each sequence.
    package let positions: Int
  }

  /// The batches of an epoch, which depend on the seed and the epoch alone: windows in random order, as many to a batch as
  /// fit into its positions, and at least one. Cuts are drawn anew for every epoch.
  package func batches(epoch: Int, seed: UInt64, positions: Int) -> EpochBatches {
    EpochBatches(
      sequences: self, random: RandomSource(seed: seed, stream: UInt64(epoch)), positions: positions,
      shuffledUsers: shuffledUsers, users: users.count)
  }

  /// A batch of cuts: what is read, and what is to be written behind it. A session is written without repeats.
  package func examples(_ batch: Batch) -> (users: [UserContext], targets: [[UInt32]]) {
    (
      batch.windows.map { window in
        let before = window.userStart..<window.range.upperBound - window.targets
        return reader.context(
          items[before], times: times.isEmpty ? [] : times[before],
          positives: positives.isEmpty ? [] : positives[before])
      },
      batch.windows.map { window in
        let written = Array(items[window.range].suffix(window.targets))
        guard sessions != nil else { return written }
        var seen: Set<UInt32> = []
        return written.filter { seen.insert($0).inserted }
      }
    )
  }

  /// A batch's sequences, and for each of their rows the item behind it; -1 for none to learn.
  package func sequences(_ batch: Batch) -> (batch: SequenceBatch, next: ContiguousArray<Int32>) {
    var (result, next): (SequenceBatch, ContiguousArray<Int32>) = (SequenceBatch(), [])
    for window in batch.windows {
      result.append(items[window.range].dropLast())
      for (place, item) in items[window.range].enumerated() {
        next.append(place > 0 || window.isFirst ? Int32(item) : -1)
      }
    }
    return (result, next)
  }
}

/// The batches of an epoch, made one after another.
package struct EpochBatches: Sequence {
  fileprivate let sequences: TrainingSequences
  fileprivate let random: RandomSource
  fileprivate let positions: Int
  fileprivate let shuffledUsers: Int
  fileprivate let users: Int

  /// - Complexity: that of making them all.
  package var count: Int { reduce(0) { count, _ in count + 1 } }

  package func makeIterator() -> Iterator { Iterator(self) }

  package struct Iterator: IteratorProtocol {
    private let epoch: EpochBatches
    private var random: RandomSource
    /// Users in random order; nil for few enough to shuffle all of their windows.
    private var order: [Int32]?
    private var nextUser = 0
    private var windows: [TrainingSequences.Window] = []
    private var place = 0

    fileprivate init(_ epoch: EpochBatches) {
      (self.epoch, random) = (epoch, epoch.random)
      if epoch.users > epoch.shuffledUsers { order = (0..<Int32(epoch.users)).shuffled(using: &random) }
    }

    /// The next window, without taking it.
    private mutating func peek() -> TrainingSequences.Window? {
      while place == windows.count {
        guard nextUser < epoch.users else { return nil }
        let group = nextUser..<Swift.min(nextUser + epoch.shuffledUsers, epoch.users)
        nextUser = group.upperBound
        windows = epoch.sequences.windows(
          ofUsers: order.map { order in group.map { Int(order[$0]) } } ?? Array(group), using: &random)
        place = 0
      }
      return windows[place]
    }

    package mutating func next() -> TrainingSequences.Batch? {
      var (taken, rows): ([TrainingSequences.Window], Int) = ([], 0)
      while let window = peek(), taken.isEmpty || rows + window.rows <= epoch.positions {
        taken.append(window)
        rows += window.rows
        place += 1
      }
      return taken.isEmpty ? nil : TrainingSequences.Batch(windows: taken, positions: rows)
    }
  }
}
