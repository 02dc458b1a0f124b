/// Pairs to measure on: a held-out event's item as target, and the item of the same user's event just before as
/// trigger, whichever window that one lies in. With the last event of each user held out, those are the pairs (last
/// training item, held-out item) of leave-one-out.
public struct HeldOutPairs: Sendable, Equatable {
  /// Rows of the item table; likewise the targets.
  public internal(set) var triggers: ContiguousArray<UInt32> = []
  public internal(set) var targets: ContiguousArray<UInt32> = []
  /// The target's place among its user's held-out events, from 1; 65,535 stands for all places from there on. Of
  /// `leaveLast: 2`, place 1 is the validation pair and place 2 the test pair.
  public internal(set) var places: ContiguousArray<UInt16> = []

  public init() {}

  /// Pairs of rows, all at place 1.
  public init(_ pairs: some Sequence<(UInt32, UInt32)>) {
    for (trigger, target) in pairs { append(trigger, target, place: 1) }
  }

  public var count: Int { triggers.count }

  /// The pairs with their target at one place.
  public func at(place: Int) -> HeldOutPairs {
    var result = HeldOutPairs()
    for index in 0..<count where Int(places[index]) == place {
      result.append(triggers[index], targets[index], place: place)
    }
    return result
  }

  mutating func append(_ trigger: UInt32, _ target: UInt32, place: Int) {
    triggers.append(trigger)
    targets.append(target)
    places.append(UInt16(min(place, Int(UInt16.max))))
  }
}

extension TrainingSplit {
  /// The pairs to measure on, by user and then in order. The first event of a user is no one's target.
  /// - Complexity: O(events held out).
  public func heldOutPairs() -> HeldOutPairs {
    var result = HeldOutPairs()
    for user in 0..<history.userCount {
      let range = heldOutRange(ofUser: user)
      for position in range where position > history.offsets[user] {
        result.append(
          history.items[position - 1], history.items[position], place: position - range.lowerBound + 1)
      }
    }
    return result
  }
}
