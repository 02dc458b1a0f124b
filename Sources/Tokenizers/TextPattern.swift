internal import Foundation

/// What Replace and Split look for.
enum TextPattern: Sendable {
  case literal(Bytes)
  case known(KnownPattern)
  case expression(NSRegularExpression)

  /// A pattern longer than this is refused.
  static let maximumLength = 4096

  /// `{"String": …}` or `{"Regex": …}`.
  init(_ field: JSONField) throws(TokenizerError) {
    if !field["String"].isNull {
      let text = try field["String"].string()
      guard !text.isEmpty else { throw field.failure("the pattern is empty") }
      self = .literal(Bytes(text.utf8))
      return
    }
    let text = try field["Regex"].string()
    guard !text.isEmpty, text.utf8.count <= Self.maximumLength else {
      throw field.failure("the pattern has \(text.utf8.count) bytes, expected 1 to \(Self.maximumLength)")
    }
    if let known = KnownPattern(expression: text) {
      self = .known(known)
    } else if let expression = try? NSRegularExpression(pattern: text) {
      self = .expression(expression)
    } else {
      throw field.failure("\"\(text)\" is not a regular expression")
    }
  }

  /// The matches between `start` and `end`, in order and without overlap.
  ///
  /// O(bytes) for literals and known patterns; an unknown expression costs what its engine needs.
  func matches(in text: Bytes, _ start: Int, _ end: Int) -> ContiguousArray<Range<Int>> {
    switch self {
    case .literal(let literal): Self.matches(of: literal, in: text, start, end)
    case .known(let pattern): Self.matches(of: pattern, in: text, start, end)
    case .expression(let expression): Self.matches(of: expression, in: text, start, end)
    }
  }

  private static func matches(
    of literal: Bytes, in text: Bytes, _ start: Int, _ end: Int
  ) -> ContiguousArray<Range<Int>> {
    var result = ContiguousArray<Range<Int>>()
    var index = start
    while index + literal.count <= end {
      if text[index] == literal[0], text.contains(literal, at: index, end: end) {
        result.append(index..<index + literal.count)
        index += literal.count
      } else {
        index += 1
      }
    }
    return result
  }

  private static func matches(
    of pattern: KnownPattern, in text: Bytes, _ start: Int, _ end: Int
  ) -> ContiguousArray<Range<Int>> {
    var result = ContiguousArray<Range<Int>>()
    var index = start
    while index < end {
      let matchEnd = pattern.matchEnd(text, index, end)
      if matchEnd > index {
        result.append(index..<matchEnd)
        index = matchEnd
      } else {
        index += text.scalar(at: index, end: end).length
      }
    }
    return result
  }

  private static func matches(
    of expression: NSRegularExpression, in text: Bytes, _ start: Int, _ end: Int
  ) -> ContiguousArray<Range<Int>> {
    let string = String(decoding: text[start..<end], as: UTF8.self)
    let length = string.utf16.count
    let found = expression.matches(in: string, range: NSRange(location: 0, length: length))
    // The engine counts UTF-16 units; walk both counts along together.
    var unit = 0
    var index = start
    func position(of target: Int) -> Int {
      while unit < target, index < end {
        let scalar = text.scalar(at: index, end: end)
        unit += scalar.length == 4 ? 2 : 1
        index += scalar.length
      }
      return index
    }
    var result = ContiguousArray<Range<Int>>()
    for match in found where match.range.location != NSNotFound {
      let lower = position(of: match.range.location)
      result.append(lower..<max(lower, position(of: match.range.location + match.range.length)))
    }
    return result
  }
}
