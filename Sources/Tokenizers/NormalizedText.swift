/// A stretch of text between added tokens, on its way through the normalizers.
struct NormalizedText: Sendable {
  var bytes: Bytes
  /// Whether the first byte still stems from the first byte of the whole text; Metaspace's scheme "first" asks.
  var startsAtOrigin: Bool

  init(_ bytes: Bytes, startsAtOrigin: Bool = true) {
    self.bytes = bytes
    self.startsAtOrigin = startsAtOrigin
  }

  var scalars: ContiguousArray<UInt32> {
    var result = ContiguousArray<UInt32>()
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let scalar = bytes.scalar(at: index, end: bytes.count)
      result.append(scalar.value)
      index += scalar.length
    }
    return result
  }

  /// Replaces every scalar by what `transform` appends for it, nothing removing it.
  mutating func mapScalars(_ transform: (UInt32, inout Bytes) -> Void) {
    var result = Bytes()
    result.reserveCapacity(bytes.count + bytes.count / 8)
    var index = 0
    while index < bytes.count {
      let scalar = bytes.scalar(at: index, end: bytes.count)
      transform(scalar.value, &result)
      if index == 0, result.isEmpty { startsAtOrigin = false }
      index += scalar.length
    }
    bytes = result
  }

  mutating func normalize(_ form: UnicodeForm) {
    guard !bytes.isASCII else { return }
    var result = Bytes()
    result.reserveCapacity(bytes.count + bytes.count / 4)
    for scalar in UnicodeForms.shared.normalized(scalars, form) { result.append(scalar: scalar) }
    bytes = result
  }

  /// Scalar by scalar and without context, as the reference library does it.
  mutating func lowercase() {
    if bytes.isASCII {
      for index in bytes.indices where (0x41...0x5A).contains(bytes[index]) { bytes[index] |= 0x20 }
      return
    }
    mapScalars { scalar, result in result.appendLowercase(scalar) }
  }

  /// Removes white space at the ends.
  mutating func strip(left: Bool, right: Bool) {
    var start = 0
    var end = bytes.count
    while left, start < end {
      let scalar = bytes.scalar(at: start, end: end)
      guard ScalarClass.of(scalar.value).contains(.whitespace) else { break }
      start += scalar.length
    }
    while right, end > start {
      let scalar = bytes.scalar(before: end, start: start)
      guard ScalarClass.of(scalar.value).contains(.whitespace) else { break }
      end -= scalar.length
    }
    guard start > 0 || end < bytes.count else { return }
    if start > 0 { startsAtOrigin = false }
    bytes = Bytes(bytes[start..<end])
  }

  mutating func replace(_ pattern: TextPattern, with content: Bytes) {
    let matches = pattern.matches(in: bytes, 0, bytes.count)
    guard let first = matches.first else { return }
    if first.lowerBound == 0, content.isEmpty, !first.isEmpty { startsAtOrigin = false }
    var result = Bytes()
    result.reserveCapacity(bytes.count)
    var last = 0
    for match in matches {
      result += bytes[last..<match.lowerBound]
      result += content
      last = match.upperBound
    }
    result += bytes[last...]
    bytes = result
  }
}

extension ContiguousArray where Element == UInt8 {
  /// Appends the lower case of a scalar.
  mutating func appendLowercase(_ value: UInt32) {
    if value < 0x80 {
      append((0x41...0x5A).contains(value) ? UInt8(value) | 0x20 : UInt8(value))
    } else if let scalar = Unicode.Scalar(value), value < 0x2E80 || value >= 0xA000 {
      self += scalar.properties.lowercaseMapping.utf8
    } else {
      append(scalar: value)
    }
  }
}
