/// The printable stand-ins of GPT-2 for the 256 bytes, so that every byte string is text.
///
/// Printable Latin-1 stands for itself; the other bytes, in order, are U+0100 and the scalars after it.
package enum ByteAlphabet {
  /// The stand-in of each byte.
  package static let scalars: ContiguousArray<UInt32> = {
    var next: UInt32 = 0x100
    return ContiguousArray(
      (UInt32(0)..<256).map { byte in
        switch byte {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
        default:
          next += 1
          return next - 1
        }
      })
  }()

  static func append(_ byte: UInt8, to result: inout Bytes) { result.append(scalar: scalars[Int(byte)]) }

  static func encoded(_ bytes: Bytes, _ start: Int, _ end: Int) -> Bytes {
    var result = Bytes()
    result.reserveCapacity((end - start) * 2)
    for index in start..<end { append(bytes[index], to: &result) }
    return result
  }
}
