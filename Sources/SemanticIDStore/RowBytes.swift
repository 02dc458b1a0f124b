internal import Glibc

/// The columns of a draft as the C calls want them.
@unsafe struct RowBytes {
  let bytes: UnsafeBufferPointer<UInt8>
  let ends: UnsafeBufferPointer<Int>
  let allCodes: UnsafeBufferPointer<UInt16>
  let levels: Int

  func id(_ row: Int) -> UnsafeRawBufferPointer {
    let start = unsafe row == 0 ? 0 : ends[row - 1]
    return unsafe UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start..<ends[row]]))
  }

  func codes(_ row: Int) -> UnsafeBufferPointer<UInt16> {
    unsafe UnsafeBufferPointer(rebasing: allCodes[row * levels..<(row + 1) * levels])
  }
}

extension ItemColumns {
  func withRowBytes<Result>(_ body: (RowBytes) throws -> Result) rethrows -> Result {
    try unsafe ids.bytes.withUnsafeBufferPointer { bytes in
      try unsafe ids.ends.withUnsafeBufferPointer { ends in
        try unsafe codes.withUnsafeBufferPointer { codes in
          try unsafe body(RowBytes(bytes: bytes, ends: ends, allCodes: codes, levels: levels))
        }
      }
    }
  }
}

/// Room for one key of `codes/`, reused from row to row.
@safe struct KeyScratch: ~Copyable {
  private let room: UnsafeMutableRawBufferPointer

  init(levels: Int) {
    unsafe room = .allocate(byteCount: Layout.codesKeySize(levels: levels), alignment: 8)
    unsafe room.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { unsafe room.deallocate() }

  /// The key of a row, valid until the next call.
  mutating func write(_ codes: UnsafeBufferPointer<UInt16>, _ suffix: UInt16) -> UnsafeRawBufferPointer {
    unsafe CodesKey.write(codes: codes, suffix: suffix, to: room)
    return unsafe UnsafeRawBufferPointer(room)
  }
}

/// Some hundred entries of `codes/` laid side by side before LMDB takes them one by one. The rows lie all over the
/// columns, and a loop that only copies lets the processor wait for many of them at once.
@safe struct CodesBlock: ~Copyable {
  static let capacity = 512

  private let keySize: Int
  /// Slot 0 is the key of the entry before the block.
  private let keys: UnsafeMutableRawBufferPointer
  private let ids: UnsafeMutableRawBufferPointer
  private let sizes: UnsafeMutableBufferPointer<UInt8>
  private var hasEntryBefore = false
  private var count = 0

  init(levels: Int) {
    keySize = Layout.codesKeySize(levels: levels)
    unsafe keys = .allocate(byteCount: (Self.capacity + 1) * keySize, alignment: 8)
    unsafe keys.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe ids = .allocate(byteCount: Self.capacity * 256, alignment: 8)
    unsafe sizes = .allocate(capacity: Self.capacity)
    unsafe sizes.initialize(repeating: 0)
  }

  deinit {
    unsafe keys.deallocate()
    unsafe ids.deallocate()
    unsafe sizes.deallocate()
  }

  /// Takes `row` for the entry before the block.
  mutating func remember(_ rows: RowBytes, _ row: Int, _ suffixes: [UInt16]) {
    unsafe CodesKey.write(codes: rows.codes(row), suffix: suffixes[row], to: slot(0))
    hasEntryBefore = true
  }

  /// Fills the block with the rows in `order`, at most `capacity`; the last entry so far becomes the one before.
  mutating func gather(_ rows: RowBytes, _ order: ArraySlice<UInt32>, _ suffixes: [UInt16]) {
    if count > 0 {
      unsafe slot(0).copyMemory(from: UnsafeRawBufferPointer(slot(count)))
      hasEntryBefore = true
    }
    count = 0
    for row in order {
      let id = unsafe rows.id(Int(row))
      unsafe UnsafeMutableRawBufferPointer(rebasing: ids[count * 256..<count * 256 + id.count]).copyMemory(from: id)
      unsafe sizes[count] = UInt8(id.count)
      count += 1
      unsafe CodesKey.write(codes: rows.codes(Int(row)), suffix: suffixes[Int(row)], to: slot(count))
    }
  }

  borrowing func id(_ position: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: ids[position * 256..<position * 256 + Int(sizes[position])])
  }

  borrowing func key(_ position: Int) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(slot(position + 1)) }

  borrowing func hasKeyOfEntryBefore(_ position: Int) -> Bool {
    guard position > 0 || hasEntryBefore, let left = unsafe slot(position).baseAddress,
      let right = unsafe slot(position + 1).baseAddress
    else { return false }
    return unsafe memcmp(left, right, keySize) == 0
  }

  private borrowing func slot(_ index: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: keys[index * keySize..<(index + 1) * keySize])
  }
}
