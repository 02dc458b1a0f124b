extension JSONScanner {
  /// Reads the string at hand.
  mutating func string(_ bytes: [UInt8]) throws(RecordProblem) -> FieldSlice {
    position &+= 1
    let start = position
    var index = start
    while true {
      index = ByteScanning.firstSpecial(in: bytes, from: index, to: end)
      guard index < end else { throw unterminated(bytes, start) }
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        position = index &+ 1
        return FieldSlice(start: start, end: index, isScratch: false)
      }
      if byte == UInt8(ascii: "\\") {
        position = index
        return try escapedString(bytes, from: start)
      }
      index = try validSequenceEnd(bytes, at: index)
    }
  }

  /// Continues a string at its first escape, copying it to the scratch space.
  private mutating func escapedString(_ bytes: [UInt8], from start: Int) throws(RecordProblem) -> FieldSlice {
    let scratchStart = scratch.count
    scratch.append(contentsOf: bytes[start..<position])
    while true {
      let run = position
      var index = run
      while true {
        index = ByteScanning.firstSpecial(in: bytes, from: index, to: end)
        guard index < end else { throw unterminated(bytes, start) }
        if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\") { break }
        index = try validSequenceEnd(bytes, at: index)
      }
      if index > run { scratch.append(contentsOf: bytes[run..<index]) }
      position = index &+ 1
      if bytes[index] == UInt8(ascii: "\"") {
        return FieldSlice(start: scratchStart, end: scratch.count, isScratch: true)
      }
      try escape(bytes)
    }
  }

  /// The index after the character at `index`, which is a control character or outside ASCII.
  @inline(__always)
  private func validSequenceEnd(_ bytes: [UInt8], at index: Int) throws(RecordProblem) -> Int {
    guard bytes[index] >= 0x80 else {
      throw RecordProblem(
        "", .invalidJSON,
        found: "a bare control character (code \(bytes[index])) in a string at byte \(offset(index))",
        expected: "an escape such as \\n")
    }
    let length = UTF8Validation.sequenceLength(bytes, at: index, end: end)
    guard length > 0 else {
      throw RecordProblem(
        "", .invalidUTF8, found: "the value 0x\(String(bytes[index], radix: 16)) at byte \(offset(index))",
        expected: "UTF-8")
    }
    return index &+ length
  }

  /// Undoes the escape whose backslash has been read.
  private mutating func escape(_ bytes: [UInt8]) throws(RecordProblem) {
    guard position < end else { throw unterminated(bytes, position) }
    let byte = bytes[position]
    position &+= 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
    case UInt8(ascii: "n"): scratch.append(0x0A)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "r"): scratch.append(0x0D)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0C)
    case UInt8(ascii: "u"): try unicodeEscape(bytes)
    default:
      position &-= 2
      throw unexpected(bytes, "one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
    }
  }

  private mutating func unicodeEscape(_ bytes: [UInt8]) throws(RecordProblem) {
    let first = try fourDigits(bytes)
    var value = UInt32(first)
    if first & 0xFC00 == 0xD800 {
      guard position &+ 1 < end, bytes[position] == UInt8(ascii: "\\"), bytes[position &+ 1] == UInt8(ascii: "u")
      else { throw unexpected(bytes, "the second half of a surrogate pair") }
      position &+= 2
      let second = try fourDigits(bytes)
      guard second & 0xFC00 == 0xDC00 else {
        position &-= 6
        throw unexpected(bytes, "the second half of a surrogate pair")
      }
      value = 0x10000 &+ (UInt32(first) & 0x3FF) << 10 &+ UInt32(second) & 0x3FF
    }
    guard let scalar = Unicode.Scalar(value) else {
      position &-= 6
      throw unexpected(bytes, "the first half of a surrogate pair before the second")
    }
    scratch.append(contentsOf: String(scalar).utf8)
  }

  private mutating func fourDigits(_ bytes: [UInt8]) throws(RecordProblem) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < end, let digit = hexadecimalDigit(bytes[position]) else {
        throw unexpected(bytes, "four hexadecimal digits")
      }
      value = value << 4 | UInt16(digit)
      position &+= 1
    }
    return value
  }

  private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x41 &+ 10
    case 0x61...0x66: byte &- 0x61 &+ 10
    default: nil
    }
  }
}
