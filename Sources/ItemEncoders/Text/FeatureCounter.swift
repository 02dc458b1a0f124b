/// The kinds of feature; each is normalized on its own, so that the many character n-grams do not drown the words.
package enum FeatureFamily: UInt64, CaseIterable {
  case word
  case wordPair
  case characters
}

/// Counts the hashed features of one item. Reused from item to item, so that counting allocates nothing.
///
/// A feature is a 64-bit hash with its family in the lowest two bits. Features keep the order in which they first
/// occurred, so that sums over them are the same on every run.
package struct FeatureCounter {
  /// Distinct features in the order of first occurrence.
  package private(set) var features: ContiguousArray<UInt64> = []
  /// Occurrences of each.
  package private(set) var counts: ContiguousArray<Int32> = []

  /// Open addressing: the position in `features` plus one, or zero. A power of two, at most half full.
  private var slots = ContiguousArray<Int32>(repeating: 0, count: 1024)

  package init() {}

  package mutating func removeAll() {
    if features.count * 8 < slots.count {
      for feature in features { clearRun(from: slot(of: feature)) }
    } else {
      for index in slots.indices { slots[index] = 0 }
    }
    features.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
  }

  package mutating func add(_ hash: UInt64, _ family: FeatureFamily, count: Int32) {
    let feature = hash & ~3 | family.rawValue
    var index = slot(of: feature)
    while slots[index] != 0 {
      let position = Int(slots[index]) - 1
      if features[position] == feature {
        counts[position] &+= count
        return
      }
      index = (index + 1) & (slots.count - 1)
    }
    features.append(feature)
    counts.append(count)
    slots[index] = Int32(features.count)
    if features.count * 2 > slots.count { grow() }
  }

  private func slot(of feature: UInt64) -> Int { Int(truncatingIfNeeded: feature >> 8) & (slots.count - 1) }

  private mutating func clearRun(from start: Int) {
    var index = start
    while slots[index] != 0 {
      slots[index] = 0
      index = (index + 1) & (slots.count - 1)
    }
  }

  private mutating func grow() {
    slots = ContiguousArray(repeating: 0, count: slots.count * 2)
    for (position, feature) in features.enumerated() {
      var index = slot(of: feature)
      while slots[index] != 0 { index = (index + 1) & (slots.count - 1) }
      slots[index] = Int32(position + 1)
    }
  }
}

/// Hashes scalars and words; FNV-1a over scalars, finished by the MurmurHash3 mixer.
package enum FeatureHash {
  package static let basis: UInt64 = 0xCBF2_9CE4_8422_2325

  package static func appending(_ scalar: UInt32, to hash: UInt64) -> UInt64 {
    (hash ^ UInt64(scalar)) &* 0x100_0000_01B3
  }

  package static func mixed(_ hash: UInt64) -> UInt64 {
    var mixed = hash
    mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
    return mixed ^ (mixed >> 33)
  }
}
