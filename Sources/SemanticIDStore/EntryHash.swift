internal import Glibc

/// A sum over entries that does not depend on their order, so that a generation can be compared in row order, in key
/// order and in the order of codes.
///
/// Each entry contributes MurmurHash3 x64 128 (Appleby 2011, seed 0) of `u16 key length, little-endian | key | value`;
/// the two halves are added separately, modulo 2⁶⁴. It finds damage, not forgery.
struct EntryHash: Equatable, Sendable {
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0

  /// 32 hex digits, the first half of the hash first.
  var hexadecimal: String { Layout.hexadecimal(low) + Layout.hexadecimal(high) }

  /// Adds a sum over other entries.
  mutating func add(_ other: EntryHash) {
    low &+= other.low
    high &+= other.high
  }

  /// Adds an entry whose bytes `EntryScratch` has laid out.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let hash = unsafe murmurHash3(bytes)
    low &+= hash.low
    high &+= hash.high
  }
}

/// Room in which an entry's bytes are laid out to be hashed; reused from entry to entry.
@safe struct EntryScratch: ~Copyable {
  private var room: UnsafeMutableRawBufferPointer

  init() { unsafe room = .allocate(byteCount: 2048, alignment: 16) }

  deinit { unsafe room.deallocate() }

  /// `u16 key length | key | value`, valid until the next call.
  mutating func layOut(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let size = 2 + key.count + value.count
    if unsafe size > room.count {
      unsafe room.deallocate()
      unsafe room = .allocate(byteCount: size + size / 2, alignment: 16)
    }
    guard let base = unsafe room.baseAddress else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    unsafe base.storeBytes(of: UInt16(truncatingIfNeeded: key.count).littleEndian, as: UInt16.self)
    if let source = key.baseAddress { unsafe memcpy(base + 2, source, key.count) }
    if let source = value.baseAddress { unsafe memcpy(base + 2 + key.count, source, value.count) }
    return unsafe UnsafeRawBufferPointer(start: base, count: size)
  }
}

/// MurmurHash3 x64 128 with seed 0.
func murmurHash3(_ bytes: UnsafeRawBufferPointer) -> (low: UInt64, high: UInt64) {
  let c1: UInt64 = 0x87c3_7b91_1142_53d5
  let c2: UInt64 = 0x4cf5_ad43_2745_937f
  var h1: UInt64 = 0
  var h2: UInt64 = 0
  let blocks = bytes.count / 16
  for block in 0..<blocks {
    let k1 = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: block * 16, as: UInt64.self))
    let k2 = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: block * 16 + 8, as: UInt64.self))
    h1 ^= rotated(k1 &* c1, by: 31) &* c2
    h1 = (rotated(h1, by: 27) &+ h2) &* 5 &+ 0x52dc_e729
    h2 ^= rotated(k2 &* c2, by: 33) &* c1
    h2 = (rotated(h2, by: 31) &+ h1) &* 5 &+ 0x3849_5ab5
  }
  let tail = blocks * 16
  let rest = bytes.count - tail
  var k1: UInt64 = 0
  var k2: UInt64 = 0
  for index in 0..<min(rest, 8) { unsafe k1 |= UInt64(bytes[tail + index]) << UInt64(8 * index) }
  if rest > 8 {
    for index in 8..<rest { unsafe k2 |= UInt64(bytes[tail + index]) << UInt64(8 * (index - 8)) }
    h2 ^= rotated(k2 &* c2, by: 33) &* c1
  }
  if rest > 0 { h1 ^= rotated(k1 &* c1, by: 31) &* c2 }
  h1 ^= UInt64(bytes.count)
  h2 ^= UInt64(bytes.count)
  h1 &+= h2
  h2 &+= h1
  h1 = finalized(h1)
  h2 = finalized(h2)
  h1 &+= h2
  h2 &+= h1
  return (h1, h2)
}

private func rotated(_ value: UInt64, by bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

private func finalized(_ value: UInt64) -> UInt64 {
  var k = value
  k ^= k >> 33
  k = k &* 0xff51_afd7_ed55_8ccd
  k ^= k >> 33
  k = k &* 0xc4ce_b9fe_1a85_ec53
  return k ^ (k >> 33)
}
