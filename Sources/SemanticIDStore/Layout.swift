/// Names, keys and values as `Schemas/store.md` lays them down.
enum Layout {
  static let format: UInt32 = 1
  static let metaDatabase = "meta"
  static let formatKey = Array("format".utf8)
  static let currentKey = Array("current".utf8)
  static let manifestPrefix = Array("generation/".utf8)

  /// The databases of one generation.
  enum Kind: String, CaseIterable, Sendable {
    case items, codes, neighbors, itemset, codebooks

    /// Only `codes/` holds several values under a key.
    var hasDuplicates: Bool { self == .codes }

    func name(_ generation: UInt64) -> String { "\(rawValue)/\(hexadecimal(generation))" }
  }

  static func manifestKey(_ generation: UInt64) -> [UInt8] { manifestPrefix + Array(hexadecimal(generation).utf8) }

  /// The generation that a database's name belongs to; nil for names that are not of this layout.
  static func generation(ofDatabase name: String) -> UInt64? {
    guard let slash = name.firstIndex(of: "/"), Kind(rawValue: String(name[..<slash])) != nil else { return nil }
    return generation(fromHexadecimal: name[name.index(after: slash)...])
  }

  static func generation(fromHexadecimal digits: Substring) -> UInt64? {
    guard digits.utf8.count == 16, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    return UInt64(digits, radix: 16)
  }

  /// 16 lowercase hex digits.
  static func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  // MARK: Keys and values

  /// Bytes of an item's value before its codes.
  static let itemHeader = 16

  static func itemValueSize(levels: Int) -> Int { itemHeader + 2 * levels }
  static func codesKeySize(levels: Int) -> Int { 2 * levels + 2 }

  /// The second key of a level's codebook holds the prices: the level, big-endian, and a `p`.
  static func codebookKey(level: Int) -> [UInt8] { [UInt8(level >> 8), UInt8(level & 0xFF)] }
  static func pricesKey(level: Int) -> [UInt8] { codebookKey(level: level) + [0x70] }

  static func itemSetKey(row: UInt32) -> [UInt8] {
    [
      UInt8(truncatingIfNeeded: row >> 24), UInt8(truncatingIfNeeded: row >> 16), UInt8(truncatingIfNeeded: row >> 8),
      UInt8(truncatingIfNeeded: row),
    ]
  }

  static func littleEndianBytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    (0..<Integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Nil where `bytes` has another size than the integer.
  static func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, littleEndian bytes: [UInt8]) -> Integer? {
    guard bytes.count == Integer.bitWidth / 8 else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
  }
}

/// Reads the value of an item; every length is checked, so damaged bytes are an error and never a trap.
@unsafe struct ItemValue {
  let bytes: UnsafeRawBufferPointer
  let levels: Int

  /// Nil where the bytes are not a value of `levels` levels.
  init?(_ bytes: UnsafeRawBufferPointer, levels: Int) {
    guard bytes.count == Layout.itemValueSize(levels: levels), unsafe bytes[0] == UInt8(levels) else { return nil }
    unsafe self.bytes = bytes
    unsafe self.levels = levels
  }

  var fields: ItemFields {
    unsafe ItemFields(
      suffix: UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)),
      flags: ItemFlags(rawValue: bytes[1]),
      distance: Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))),
      contentHash: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }

  func code(_ level: Int) -> UInt16 {
    unsafe UInt16(
      littleEndian: bytes.loadUnaligned(fromByteOffset: Layout.itemHeader + 2 * level, as: UInt16.self))
  }

  /// Writes an item's value to `room`, which has `itemValueSize(levels:)` bytes.
  static func write(
    _ fields: ItemFields, codes: UnsafeBufferPointer<UInt16>, to room: UnsafeMutableRawPointer
  ) {
    unsafe room.storeBytes(of: UInt8(codes.count), toByteOffset: 0, as: UInt8.self)
    unsafe room.storeBytes(of: fields.flags.rawValue, toByteOffset: 1, as: UInt8.self)
    unsafe room.storeBytes(of: fields.suffix.littleEndian, toByteOffset: 2, as: UInt16.self)
    unsafe room.storeBytes(of: fields.distance.bitPattern.littleEndian, toByteOffset: 4, as: UInt32.self)
    unsafe room.storeBytes(of: fields.contentHash.littleEndian, toByteOffset: 8, as: UInt64.self)
    for level in 0..<codes.count {
      unsafe room.storeBytes(
        of: codes[level].littleEndian, toByteOffset: Layout.itemHeader + 2 * level, as: UInt16.self)
    }
  }
}

/// Reads and writes the keys of `codes/`.
enum CodesKey {
  static func write(
    codes: UnsafeBufferPointer<UInt16>, suffix: UInt16, to room: UnsafeMutableRawBufferPointer
  ) {
    for level in 0..<codes.count {
      unsafe room.storeBytes(of: codes[level].bigEndian, toByteOffset: 2 * level, as: UInt16.self)
    }
    unsafe room.storeBytes(of: suffix.bigEndian, toByteOffset: 2 * codes.count, as: UInt16.self)
  }

  /// The semantic ID of a key; nil where the key is not of `levels` levels.
  static func semanticID(_ key: UnsafeRawBufferPointer, levels: Int) -> SemanticID? {
    guard key.count == Layout.codesKeySize(levels: levels) else { return nil }
    let codes = (0..<levels).map { level in unsafe number(key, level) }
    return unsafe SemanticID(codes: codes, suffix: number(key, levels))
  }

  static func number(_ key: UnsafeRawBufferPointer, _ position: Int) -> UInt16 {
    unsafe UInt16(bigEndian: key.loadUnaligned(fromByteOffset: 2 * position, as: UInt16.self))
  }
}
