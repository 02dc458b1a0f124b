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
  func withRowBytes<Result>(_ body: (RowBytes) throws -> Result) throws -> Result {
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

  borrowing func hasSameBytes(as other: borrowing KeyScratch) -> Bool {
    guard let left = unsafe room.baseAddress, let right = unsafe other.room.baseAddress else { return false }
    return unsafe memcmp(left, right, room.count) == 0
  }
}
