internal import Foundation

/// SentencePiece's precompiled character map: a Darts double-array trie whose values point into a list of replacements.
///
/// Layout of the decoded bytes, little-endian: the trie's size in bytes (UInt32), the trie's units (UInt32 each), then
/// the replacements, UTF-8 and ended by NUL. A unit holds, from bit 0: the label (8 bits), whether a leaf follows, a
/// bit that scales the offset, the offset (22 bits); bit 31 marks a leaf, whose lower 31 bits are the value.
struct PrecompiledCharacterMap: Sendable {
  private let units: ContiguousArray<UInt32>
  private let replacements: Bytes

  init(_ field: JSONField) throws(TokenizerError) {
    guard let data = Data(base64Encoded: try field.string()) else { throw field.failure("the map is not base64") }
    let bytes = ContiguousArray(data)
    guard bytes.count >= 4 else { throw field.failure("the map has \(bytes.count) bytes, expected 4 or more") }
    let trieBytes = Int(Self.word(bytes, at: 0))
    guard trieBytes % 4 == 0, trieBytes >= 4, trieBytes <= bytes.count - 4 else {
      throw field.failure("the map states a trie of \(trieBytes) bytes, but \(bytes.count - 4) bytes follow")
    }
    units = ContiguousArray((0..<trieBytes / 4).map { Self.word(bytes, at: 4 + $0 * 4) })
    replacements = Bytes(bytes[(4 + trieBytes)...])
    guard String(validating: replacements, as: UTF8.self) != nil else {
      throw field.failure("the map's replacements are not UTF-8")
    }
  }

  private static func word(_ bytes: Bytes, at index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32($1 * 8) }
  }

  private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }

  /// The replacement of the shortest entry that `text` starts with between `start` and `end`, as a range of
  /// `replacements`; nil when there is none. Offsets that leave the tables mean no entry.
  private func replacement(of text: Bytes, _ start: Int, _ end: Int) -> Range<Int>? {
    var node = Self.offset(units[0])
    for index in start..<end {
      let byte = text[index]
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      let unit = units[node]
      node ^= Self.offset(unit)
      guard node < units.count else { return nil }
      if unit >> 8 & 1 == 1 { return replacement(at: Int(units[node] & 0x7FFF_FFFF)) }
    }
    return nil
  }

  private func replacement(at start: Int) -> Range<Int>? {
    guard start < replacements.count, replacements[start] & 0xC0 != 0x80 else { return nil }
    return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
  }

  /// `text` with every grapheme cluster replaced, or, where the map has none for it, each of its scalars.
  ///
  /// Clusters of six bytes and more are looked up by scalar only. That is the reference library's rule. O(bytes).
  func normalized(_ text: Bytes) -> Bytes {
    var result = Bytes()
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let end = endOfIndependent(text, index)
      if end > index {
        appendCluster(text, index, end, &result)
        index = end
      } else {
        let runEnd = endOfRun(text, index)
        for character in String(decoding: text[index..<runEnd], as: UTF8.self) where index < runEnd {
          appendCluster(text, index, min(index + character.utf8.count, runEnd), &result)
          index += character.utf8.count
        }
        index = runEnd
      }
    }
    return result
  }

  /// The end of a cluster that can be told without the cluster rules: a scalar below U+0300 before another (or CR LF).
  private func endOfIndependent(_ text: Bytes, _ index: Int) -> Int {
    let scalar = text.scalar(at: index, end: text.count)
    guard scalar.value < 0x300 else { return index }
    let next = index + scalar.length
    guard next < text.count else { return next }
    if scalar.value == 0x0D, text[next] == 0x0A { return next + 1 }
    return text[next] < 0xCC ? next : index
  }

  /// The end of a run that holds no place where ``endOfIndependent`` could tell a boundary.
  private func endOfRun(_ text: Bytes, _ start: Int) -> Int {
    var index = start
    while index < text.count {
      if index > start, endOfIndependent(text, index) > index,
        text.scalar(before: index, start: start).value < 0x300, !(text[index] == 0x0A && text[index - 1] == 0x0D)
      {
        return index
      }
      index += text.scalar(at: index, end: text.count).length
    }
    return index
  }

  private func appendCluster(_ text: Bytes, _ start: Int, _ end: Int, _ result: inout Bytes) {
    if end - start < 6, let range = replacement(of: text, start, end) {
      result += replacements[range]
      return
    }
    var index = start
    while index < end {
      let next = min(end, index + text.scalar(at: index, end: end).length)
      if let range = replacement(of: text, index, next) {
        result += replacements[range]
      } else {
        result += text[index..<next]
      }
      index = next
    }
  }
}
