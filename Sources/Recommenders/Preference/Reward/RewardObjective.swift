/// What a ``RewardModel`` learns to foretell of an event: whether something is true of it.
public struct RewardObjective: Sendable, Equatable, Codable {
  /// Where the label of an event comes from.
  public enum Label: Sendable, Equatable, Codable {
    /// Whether the rating is that or more; an event without a rating has no label.
    case rating(atLeast: Float)
    /// Whether the event is of that name; an event without a name has no label.
    case event(named: String)
    /// Whether it happened at all, told from items that are drawn: for logs that hold nothing but what happened.
    case met
  }

  /// Each once in a model.
  public var name: String
  public var label: Label
  /// Of its loss and of its probability in the reward, next to those of the other objectives. The papers give none.
  public var weight: Float

  public init(_ name: String, _ label: Label, weight: Float = 1) {
    self.name = name
    self.label = label
    self.weight = weight
  }

  /// Four stars or more: MovieLens's stand-in for the papers' likes.
  public static let like = RewardObjective("like", .rating(atLeast: 4))
  /// Five stars.
  public static let love = RewardObjective("love", .rating(atLeast: 5))
  /// Real events against items that are drawn.
  public static let met = RewardObjective("met", .met)

  /// 1, 0, or NaN where the event says nothing.
  func value(of event: RewardEvent) -> Float {
    switch label {
    case .rating(let least): event.rating.map { $0 >= least ? 1 : 0 } ?? .nan
    case .event(let name): event.name.map { $0 == name ? 1 : 0 } ?? .nan
    case .met: 1
    }
  }

  static func validate(_ objectives: [RewardObjective]) throws(RecommenderError) {
    guard (1...64).contains(objectives.count), Set(objectives.map(\.name)).count == objectives.count else {
      throw RecommenderError(
        .invalidParameter, "reward: objectives \(objectives.map(\.name)), expected 1 to 64 of different names")
    }
    for objective in objectives {
      guard objective.weight >= 0, objective.weight.isFinite else {
        throw RecommenderError(
          .invalidParameter,
          "reward: the objective \"\(objective.name)\" has the weight \(objective.weight), expected at least 0")
      }
      if case .rating(let least) = objective.label, !least.isFinite {
        throw RecommenderError(
          .invalidParameter, "reward: the objective \"\(objective.name)\" is of ratings of \(least), expected a number")
      }
    }
    guard objectives.contains(where: { $0.weight > 0 }) else {
      throw RecommenderError(.invalidParameter, "reward: no objective has a weight above 0")
    }
  }
}

/// One event of a log, as a reward model learns from it.
public struct RewardEvent: Sendable, Equatable {
  public var user: Int32
  /// Row of the item table.
  public var item: UInt32
  public var time: Double
  public var rating: Float?
  /// What kind of event it is.
  public var name: String?

  public init(user: Int32, item: UInt32, time: Double, rating: Float? = nil, name: String? = nil) {
    self.user = user
    self.item = item
    self.time = time
    self.rating = rating
    self.name = name
  }
}

/// Some of a log's users, told by a hash of their ids: two models that are made of different parts have no user in
/// common, whatever order the log is in. The model that makes pairs must not be the one that judges what came of them.
public struct UserPart: Sendable, Equatable, Codable {
  /// From 0, below `count`.
  public var index: Int
  public var count: Int

  public init(_ index: Int, of count: Int) {
    self.index = index
    self.count = count
  }

  public static let all = UserPart(0, of: 1)
  /// Two halves: one for the model that makes pairs, and one for the judge.
  public static let firstHalf = UserPart(0, of: 2)
  public static let secondHalf = UserPart(1, of: 2)

  public func contains(_ userID: String) -> Bool {
    var checksum = Checksum()
    checksum.add(userID)
    return Int(checksum.value % UInt64(max(1, count))) == index
  }

  func validate() throws(RecommenderError) {
    guard count > 0, (0..<count).contains(index) else {
      throw RecommenderError(.invalidParameter, "reward: part \(index) of \(count) of the users, expected one of those")
    }
  }
}
