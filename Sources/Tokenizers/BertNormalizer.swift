/// BERT's normalization: cleaning, spaces around ideographs, accents off, lower case, in that order.
struct BertNormalizer: Sendable {
  private let cleansText: Bool
  private let separatesIdeographs: Bool
  private let stripsAccents: Bool
  private let lowercases: Bool
  /// What an ASCII byte becomes; 0xFF for nothing.
  private let ascii: ContiguousArray<UInt8>

  init(_ field: JSONField) throws(TokenizerError) {
    let lowercases = try field["lowercase"].bool(default: true)
    let cleansText = try field["clean_text"].bool(default: true)
    self.lowercases = lowercases
    self.cleansText = cleansText
    separatesIdeographs = try field["handle_chinese_chars"].bool(default: true)
    // Null means: whenever the text is lowercased.
    stripsAccents = try field["strip_accents"].bool(default: lowercases)
    ascii = ContiguousArray(
      (UInt8(0)..<128).map { byte -> UInt8 in
        switch byte {
        case 0x09, 0x0A, 0x0D: return cleansText ? 0x20 : byte
        case 0..<0x20, 0x7F: return cleansText ? 0xFF : byte
        case 0x41...0x5A: return lowercases ? byte | 0x20 : byte
        default: return byte
        }
      })
  }

  /// O(bytes): ASCII goes through a table, the rest in runs.
  func apply(to text: inout NormalizedText) {
    let bytes = text.bytes
    var result = Bytes()
    result.reserveCapacity(bytes.count + 16)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x80 {
        let mapped = ascii[Int(byte)]
        if mapped != 0xFF { result.append(mapped) }
        if index == 0, mapped == 0xFF { text.startsAtOrigin = false }
        index += 1
      } else {
        let end = endOfRun(bytes, index)
        appendRun(bytes, index, end, &result, &text.startsAtOrigin)
        index = end
      }
    }
    text.bytes = result
  }

  /// A run ends at an ASCII byte that stays: over one that goes, marks may still change places.
  private func endOfRun(_ bytes: Bytes, _ start: Int) -> Int {
    var end = start
    while end < bytes.count, bytes[end] >= 0x80 || ascii[Int(bytes[end])] == 0xFF { end += 1 }
    return end
  }

  private func appendRun(
    _ bytes: Bytes, _ start: Int, _ end: Int, _ result: inout Bytes, _ startsAtOrigin: inout Bool
  ) {
    var scalars = ContiguousArray<UInt32>()
    scalars.reserveCapacity(end - start)
    var index = start
    while index < end {
      let scalar = bytes.scalar(at: index, end: end)
      appendClean(scalar.value, &scalars)
      if index == 0, scalars.isEmpty { startsAtOrigin = false }
      index += scalar.length
    }
    if stripsAccents {
      scalars = UnicodeForms.shared.normalized(scalars, .nfd)
      if start == 0, let first = scalars.first, ScalarClass.of(first).contains(.nonspacingMark) {
        startsAtOrigin = false
      }
      scalars.removeAll { ScalarClass.of($0).contains(.nonspacingMark) }
    }
    for scalar in scalars {
      if lowercases { result.appendLowercase(scalar) } else { result.append(scalar: scalar) }
    }
  }

  private func appendClean(_ scalar: UInt32, _ scalars: inout ContiguousArray<UInt32>) {
    let classes = ScalarClass.of(scalar)
    if cleansText {
      // ASCII gets here only to be dropped.
      if scalar == 0xFFFD || scalar < 0x80 || classes.contains(.other) { return }
      if classes.contains(.whitespace) {
        scalars.append(0x20)
        return
      }
    }
    if separatesIdeographs, classes.contains(.ideograph) {
      scalars.append(0x20)
      scalars.append(scalar)
      scalars.append(0x20)
    } else {
      scalars.append(scalar)
    }
  }
}
