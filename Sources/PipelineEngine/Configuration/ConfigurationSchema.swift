/// What a value of a pipeline file may be. The parser checks against this description and the JSON Schema is written
/// from it, so the two cannot disagree.
public indirect enum ConfigurationShape: Sendable {
  /// Text of at least one character.
  case text
  /// Letters, digits, dots, dashes and underscores, at most 64, not starting with a dot: safe as a file name.
  case identifier
  /// One of a few words.
  case choice([String])
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case boolean
  /// A number of the behavior log's unit of time, or one with a unit behind it, which is as many seconds.
  case duration
  case list(of: ConfigurationShape, count: ClosedRange<Int>)
  /// A mapping with known keys and no others.
  case section([ConfigurationKey])
  /// Any of several shapes that differ in their YAML kind: scalar, list or mapping.
  case either([ConfigurationShape])
}

/// One key of a section.
public struct ConfigurationKey: Sendable {
  public let name: String
  public let shape: ConfigurationShape
  public let isRequired: Bool
  /// What the key does and what holds where it is absent, for a newcomer.
  public let summary: String

  public init(_ name: String, _ shape: ConfigurationShape, required: Bool = false, _ summary: String) {
    self.name = name
    self.shape = shape
    self.isRequired = required
    self.summary = summary
  }
}

extension ConfigurationShape {
  /// What a person should write, for error messages.
  var expectation: String {
    switch self {
    case .text: "text"
    case .identifier: "a name of letters, digits, '.', '-' and '_', at most 64 characters"
    case .choice(let words): words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))"
    case .integer(let range): "a whole number \(describe(range))"
    case .number(let range): "a number \(describe(range))"
    case .boolean: "true or false"
    case .duration: "a length of time such as 30m, 12h, 2d, or a number in the log's unit"
    case .list(let element, let count):
      count.lowerBound == count.upperBound
        ? "a list of \(count.lowerBound) (\(element.expectation))"
        : "a list of \(count.lowerBound) to \(count.upperBound) (\(element.expectation))"
    case .section(let keys): "a section with \(keys.map(\.name).joined(separator: ", "))"
    case .either(let shapes): shapes.map(\.expectation).joined(separator: ", or ")
    }
  }
}

private func describe(_ range: ClosedRange<Int>) -> String {
  range.upperBound == .max ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
}

private func describe(_ range: ClosedRange<Double>) -> String {
  range.upperBound == .greatestFiniteMagnitude
    ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
}

/// The candidate with the fewest insertions, deletions, replacements and swaps of neighbors, where that is few
/// enough to be a slip of the finger.
package func nearest(to word: String, among candidates: [String]) -> String? {
  let scored = candidates.map { (candidate: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
  guard let best = scored.min(by: { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }) else { return nil }
  return best.distance <= max(1, min(word.count, best.candidate.count) / 2) ? best.candidate : nil
}

/// Optimal string alignment distance (Damerau–Levenshtein without repeated edits of one substring).
package func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first.unicodeScalars.prefix(64))
  let b = Array(second.unicodeScalars.prefix(64))
  var beforePrevious = [Int]()
  var previous = Array(0...b.count)
  for row in 0..<a.count {
    var current = [row + 1]
    for column in 0..<b.count {
      let replacement = previous[column] + (a[row] == b[column] ? 0 : 1)
      var best = min(replacement, previous[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, a[row] == b[column - 1], a[row - 1] == b[column] {
        best = min(best, beforePrevious[column - 1] + 1)
      }
      current.append(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.count]
}
