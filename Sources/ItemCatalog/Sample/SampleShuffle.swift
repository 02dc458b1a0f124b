/// A seeded permutation of `0..<count` that costs no memory: a four-round Feistel network on the next even number of
/// bits, walked until it lands inside (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It picks
/// exact numbers of items, each in constant time.
package struct SampleShuffle: Sendable {
  package let count: Int
  private let halfBits: UInt64
  private let mask: UInt64
  private let key: UInt64

  package init(count: Int, key: UInt64) {
    self.count = count
    self.key = key
    var half: UInt64 = 1
    while 1 << (2 * half) < count { half += 1 }
    halfBits = half
    mask = 1 << half - 1
  }

  /// Where `index` goes.
  package func position(of index: Int) -> Int {
    var value = UInt64(index)
    repeat {
      var (left, right) = (value >> halfBits, value & mask)
      for round in 0..<4 as Range<UInt64> {
        (left, right) = (right, left ^ mixed(right &+ round << 40 ^ key) & mask)
      }
      value = left << halfBits | right
    } while value >= count
    return Int(value)
  }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit given.
func mixed(_ value: UInt64) -> UInt64 {
  var z = value &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}
