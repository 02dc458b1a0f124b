extension PairTable {
  /// Takes some pairs of items out of the table, in both directions and from all sources, to decide by them when to stop.
  /// - Parameters:
  ///   - share: of the pairs of items; a hash of the two rows and the seed decides for each, whatever the others.
  ///   - limit: pairs to measure on; more are taken out all the same.
  /// - Complexity: O(n).
  public func splittingValidation(
    share: Double, limit: Int = 20_000, seed: UInt64
  ) -> (training: PairTable, validation: HeldOutPairs) {
    var kept: [Int] = []
    var validation = HeldOutPairs()
    var seen: Set<UInt64> = []
    let bound = UInt64(max(0, min(1, share)) * 0x1p53)
    for row in 0..<count {
      let key = UInt64(min(triggers[row], targets[row])) << 32 | UInt64(max(triggers[row], targets[row]))
      guard Self.mixed(key ^ seed &* 0x9E37_79B9_7F4A_7C15) >> 11 < bound else {
        kept.append(row)
        continue
      }
      if validation.count < limit, seen.insert(key).inserted {
        validation.append(triggers[row], targets[row], place: 1)
      }
    }
    return (selecting(kept), validation)
  }

  /// SplitMix64's finalizer.
  private static func mixed(_ key: UInt64) -> UInt64 {
    var z = key &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension HeldOutPairs {
  /// Every so many-th pair, so that at most `limit` are left.
  public func thinned(to limit: Int) -> HeldOutPairs {
    guard count > limit, limit > 0 else { return self }
    var result = HeldOutPairs()
    for index in 0..<limit {
      let row = index * count / limit
      result.append(triggers[row], targets[row], place: Int(places[row]))
    }
    return result
  }
}
