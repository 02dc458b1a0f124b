/// The regular expressions that published tokenizers split with, as hand-written scanners.
///
/// Each case reads the expression exactly as the reference library's engine does: the first alternative that matches
/// wins, repetition is greedy, matches do not overlap.
enum KnownPattern: Sendable, Equatable {
  /// GPT-2 and RoBERTa.
  case gpt2
  /// CLIP; with its two special tokens as alternatives or without.
  case clip(withSpecialTokens: Bool)
  /// GPT-4 and Llama 3 (runs of up to three digits), Qwen 2 (single digits).
  case cl100k(maximumDigits: Int)
  /// `\s+`
  case whitespaceRun
  /// ` {n,}`
  case spaceRun(minimum: Int)

  private static let clipTail = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
  private static let cl100kHead = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
  private static let cl100kTail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  private static let table: [String: KnownPattern] = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    clipTail: .clip(withSpecialTokens: false),
    #"<\|startoftext\|>|<\|endoftext\|>|"# + clipTail: .clip(withSpecialTokens: true),
    cl100kHead + "{1,3}" + cl100kTail: .cl100k(maximumDigits: 3),
    cl100kHead + cl100kTail: .cl100k(maximumDigits: 1),
    #"\s+"#: .whitespaceRun,
    " {2,}": .spaceRun(minimum: 2),
    " +": .spaceRun(minimum: 1),
  ]

  init?(expression: String) {
    guard let known = Self.table[expression] else { return nil }
    self = known
  }

  /// The end of the match that starts at `start`, or `start` when none does. `start` is below `end`.
  @inline(__always)
  func matchEnd(_ text: Bytes, _ start: Int, _ end: Int) -> Int {
    switch self {
    case .gpt2: Self.gpt2End(text, start, end)
    case .clip(let withSpecialTokens): Self.clipEnd(text, start, end, withSpecialTokens)
    case .cl100k(let maximumDigits): Self.cl100kEnd(text, start, end, maximumDigits)
    case .whitespaceRun: Self.runEnd(text, start, end, of: .whitespace)
    case .spaceRun(let minimum): Self.spaceRunEnd(text, start, end, minimum)
    }
  }

  private static let wordClasses: ScalarClass = [.letter, .number, .whitespace]

  /// The end of the run of scalars that have a class in common with `classes`.
  private static func runEnd(_ text: Bytes, _ start: Int, _ end: Int, of classes: ScalarClass) -> Int {
    var index = start
    while index < end {
      let scalar = text.scalar(at: index, end: end)
      guard !ScalarClass.of(scalar.value).isDisjoint(with: classes) else { break }
      index += scalar.length
    }
    return index
  }

  /// The end of the run of scalars that are neither letters nor numbers nor white space.
  private static func symbolsEnd(_ text: Bytes, _ start: Int, _ end: Int) -> Int {
    var index = start
    while index < end {
      let scalar = text.scalar(at: index, end: end)
      guard ScalarClass.of(scalar.value).isDisjoint(with: wordClasses) else { break }
      index += scalar.length
    }
    return index
  }

  /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`, or 0.
  private static func contraction(_ text: Bytes, _ start: Int, _ end: Int) -> Int {
    guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return 0 }
    let second = start + 2 < end ? text[start + 2] : 0
    switch (text[start + 1], second) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _): return 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return 3
    default: return 0
    }
  }

  /// The same in any case; the long s (U+017F) is an s in another case.
  private static func caselessContraction(_ text: Bytes, _ start: Int, _ end: Int) -> Int {
    guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return 0 }
    if start + 2 < end, text[start + 1] == 0xC5, text[start + 2] == 0xBF { return 3 }
    var folded: Bytes = [text[start], text[start + 1] | 0x20]
    if start + 2 < end { folded.append(text[start + 2] | 0x20) }
    let isLetter = { (byte: UInt8) in byte >= 0x41 }
    guard isLetter(text[start + 1]) else { return 0 }
    let length = contraction(folded, 0, folded.count)
    return length == 3 && !isLetter(text[start + 2]) ? 0 : length
  }

  private static func gpt2End(_ text: Bytes, _ start: Int, _ end: Int) -> Int {
    let contraction = contraction(text, start, end)
    if contraction > 0 { return start + contraction }
    let body = text[start] == 0x20 ? start + 1 : start
    if body < end {
      let classes = ScalarClass.of(text.scalar(at: body, end: end).value)
      if classes.contains(.letter) { return runEnd(text, body, end, of: .letter) }
      if classes.contains(.number) { return runEnd(text, body, end, of: .number) }
      if !classes.contains(.whitespace) { return symbolsEnd(text, body, end) }
    }
    return spacesEnd(text, start, runEnd(text, start, end, of: .whitespace), end)
  }

  /// `\s+(?!\S)|\s+` over the white space from `start` to `spacesEnd`: before a word, its last scalar stays.
  private static func spacesEnd(_ text: Bytes, _ start: Int, _ spacesEnd: Int, _ end: Int) -> Int {
    guard spacesEnd < end else { return spacesEnd }
    let last = spacesEnd - text.scalar(before: spacesEnd, start: start).length
    return last > start ? last : spacesEnd
  }

  private static let startOfText = Bytes("<|startoftext|>".utf8)
  private static let endOfText = Bytes("<|endoftext|>".utf8)

  private static func clipEnd(_ text: Bytes, _ start: Int, _ end: Int, _ withSpecialTokens: Bool) -> Int {
    if withSpecialTokens, text[start] == UInt8(ascii: "<") {
      if text.contains(startOfText, at: start, end: end) { return start + startOfText.count }
      if text.contains(endOfText, at: start, end: end) { return start + endOfText.count }
    }
    let contraction = contraction(text, start, end)
    if contraction > 0 { return start + contraction }
    let scalar = text.scalar(at: start, end: end)
    let classes = ScalarClass.of(scalar.value)
    if classes.contains(.letter) { return runEnd(text, start, end, of: .letter) }
    if classes.contains(.number) { return start + scalar.length }
    return classes.contains(.whitespace) ? start : symbolsEnd(text, start, end)
  }

  private static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  private static func cl100kEnd(_ text: Bytes, _ start: Int, _ end: Int, _ maximumDigits: Int) -> Int {
    let contraction = caselessContraction(text, start, end)
    if contraction > 0 { return start + contraction }
    let scalar = text.scalar(at: start, end: end)
    let classes = ScalarClass.of(scalar.value)
    if classes.contains(.letter) { return runEnd(text, start, end, of: .letter) }
    if classes.contains(.number) { return digitsEnd(text, start, end, maximumDigits) }
    let next = start + scalar.length
    if !isNewline(text[start]), next < end {
      let letters = runEnd(text, next, end, of: .letter)
      if letters > next { return letters }
    }
    let symbols = text[start] == 0x20 ? next : start
    var symbolsEnd = symbolsEnd(text, symbols, end)
    if symbolsEnd > symbols {
      while symbolsEnd < end, isNewline(text[symbolsEnd]) { symbolsEnd += 1 }
      return symbolsEnd
    }
    let spaces = runEnd(text, start, end, of: .whitespace)
    if let newline = text[start..<spaces].lastIndex(where: isNewline) { return newline + 1 }
    return spacesEnd(text, start, spaces, end)
  }

  private static func digitsEnd(_ text: Bytes, _ start: Int, _ end: Int, _ maximum: Int) -> Int {
    var index = start
    for _ in 0..<maximum where index < end {
      let scalar = text.scalar(at: index, end: end)
      guard ScalarClass.of(scalar.value).contains(.number) else { break }
      index += scalar.length
    }
    return index
  }

  private static func spaceRunEnd(_ text: Bytes, _ start: Int, _ end: Int, _ minimum: Int) -> Int {
    var index = start
    while index < end, text[index] == 0x20 { index += 1 }
    return index - start >= minimum ? index : start
  }
}
