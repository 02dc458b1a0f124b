internal import Foundation

/// Cuts text into folded words. Reused from item to item, so that scanning allocates nothing.
package struct WordScanner {
  /// The scalars of all words, one after another.
  package private(set) var scalars: ContiguousArray<UInt32> = []
  /// Where each word ends in `scalars`; it begins where the last one ended.
  package private(set) var ends: ContiguousArray<Int> = []

  /// Longer words are cut: they are not language.
  package static let maximumWordLength = 48

  private let maximumWords: Int
  private var wordStart = 0

  package init(maximumWords: Int) { self.maximumWords = maximumWords }

  /// The scalars of word `index`, as a range of ``scalars``.
  package func range(ofWord index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  /// Replaces the words by those of `text`, up to the limit.
  package mutating func scan(_ text: String) {
    reset()
    if !scan(utf8Of: text, isNormalized: false) {
      reset()
      _ = scan(
        utf8Of: text.precomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping, isNormalized: true
      )
    }
    endWord()
  }

  private mutating func reset() {
    scalars.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    wordStart = 0
  }

  /// Returns false where the text has combining characters and must be normalized first.
  private mutating func scan(utf8Of text: String, isNormalized: Bool) -> Bool {
    let utf8 = text.utf8Span
    let bytes = utf8.span
    var position = 0
    while position < bytes.count, ends.count < maximumWords {
      let byte = bytes[position]
      if byte < 0x80 {
        position += 1
        let folded = foldedASCII[Int(byte)]
        if folded == 0 { endWord() } else { append(UInt32(folded)) }
      } else {
        let (scalar, length) = decode(bytes, at: position)
        position += length
        var composes = false
        CharacterFolding.forEachFolded(scalar) { folded in
          if folded.characterClass == .composing, !isNormalized { composes = true }
          append(folded)
        }
        if composes { return false }
      }
    }
    return true
  }

  private mutating func append(_ folded: FoldedScalar) {
    switch folded.characterClass {
    case .separator: endWord()
    case .word, .composing: append(folded.scalar)
    case .standalone:
      endWord()
      append(folded.scalar)
      endWord()
    case .dropped: break
    }
  }

  private mutating func append(_ scalar: UInt32) {
    if scalars.count - wordStart < Self.maximumWordLength { scalars.append(scalar) }
  }

  private mutating func endWord() {
    guard scalars.count > wordStart, ends.count < maximumWords else { return }
    ends.append(scalars.count)
    wordStart = scalars.count
  }
}

/// Lower-case letters and digits as they are, capitals in lower case, everything else 0.
private let foldedASCII: [UInt8] = (0..<128).map { (byte: UInt8) in
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
  default: 0
  }
}

/// The scalar that begins at `position` of valid UTF-8 that is not ASCII there, and its length in bytes.
private func decode(_ bytes: Span<UInt8>, at position: Int) -> (scalar: UInt32, length: Int) {
  let first = UInt32(bytes[position])
  let second = UInt32(bytes[position + 1] & 0x3F)
  if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
  let third = UInt32(bytes[position + 2] & 0x3F)
  if first < 0xF0 { return ((first & 0xF) << 12 | second << 6 | third, 3) }
  return ((first & 0x7) << 18 | second << 12 | third << 6 | UInt32(bytes[position + 3] & 0x3F), 4)
}
