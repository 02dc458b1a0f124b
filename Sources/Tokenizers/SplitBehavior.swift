/// What becomes of the matches when text is split at them.
enum SplitBehavior: String, Sendable, CaseIterable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  init(_ field: JSONField) throws(TokenizerError) {
    let name = try field.string()
    guard let behavior = SplitBehavior(rawValue: name) else {
      let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw field.failure("unknown behavior \"\(name)\"; known are \(known)")
    }
    self = behavior
  }

  /// Splits `piece` at `matches`, which are in order and do not overlap; with `invert`, at what lies between them.
  func split(
    _ piece: Piece, at matches: ContiguousArray<Range<Int>>, invert: Bool, into result: inout ContiguousArray<Piece>
  ) {
    var stretches = ContiguousArray<Stretch>()
    stretches.reserveCapacity(matches.count * 2 + 1)
    var last = piece.start
    for match in matches {
      if match.lowerBound > last { stretches.append(Stretch(last, match.lowerBound, isMatch: invert)) }
      stretches.append(Stretch(match.lowerBound, match.upperBound, isMatch: !invert))
      last = match.upperBound
    }
    if last < piece.end { stretches.append(Stretch(last, piece.end, isMatch: invert)) }
    for stretch in merged(stretches) { result.append(stretch.start, stretch.end, of: piece) }
  }

  private struct Stretch {
    var start: Int
    var end: Int
    let isMatch: Bool

    init(_ start: Int, _ end: Int, isMatch: Bool) {
      self.start = start
      self.end = end
      self.isMatch = isMatch
    }
  }

  private func merged(_ stretches: ContiguousArray<Stretch>) -> ContiguousArray<Stretch> {
    switch self {
    case .isolated: return stretches
    case .removed: return stretches.filter { !$0.isMatch }
    case .contiguous: return Self.forward(stretches) { $0 == $1 }
    case .mergedWithPrevious: return Self.forward(stretches) { $0 && !$1 }
    case .mergedWithNext:
      var result = ContiguousArray<Stretch>()
      var previous = false
      for stretch in stretches.reversed() {
        if stretch.isMatch, !previous, !result.isEmpty {
          result[result.count - 1].start = stretch.start
        } else {
          result.append(stretch)
        }
        previous = stretch.isMatch
      }
      return ContiguousArray(result.reversed())
    }
  }

  /// Joins a stretch to the one before it where `joins(isMatch, previousIsMatch)`. The first counts as after no match.
  private static func forward(
    _ stretches: ContiguousArray<Stretch>, _ joins: (Bool, Bool) -> Bool
  ) -> ContiguousArray<Stretch> {
    var result = ContiguousArray<Stretch>()
    var previous = false
    for stretch in stretches {
      if joins(stretch.isMatch, previous), !result.isEmpty {
        result[result.count - 1].end = stretch.end
      } else {
        result.append(stretch)
      }
      previous = stretch.isMatch
    }
    return result
  }
}
