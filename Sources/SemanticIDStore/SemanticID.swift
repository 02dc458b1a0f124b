/// An item's token sequence: one code per level, and a suffix that tells items of one bucket apart where the collision
/// policy is `suffix`. Written `12-7-255`, or `12-7-255+3` where the suffix is not zero.
public struct SemanticID: Sendable, Hashable {
  /// The centroid's index at each level, first level first.
  public var codes: [UInt16]
  /// 0 unless the collision policy gave this item a suffix.
  public var suffix: UInt16

  public init(codes: [UInt16], suffix: UInt16 = 0) {
    self.codes = codes
    self.suffix = suffix
  }
}

extension SemanticID: CustomStringConvertible, LosslessStringConvertible {
  public var description: String {
    let text = codes.map { String($0) }.joined(separator: "-")
    return suffix == 0 ? text : "\(text)+\(suffix)"
  }

  /// Reads `12-7-255` or `12-7-255+3`; nil where a part is empty, signed, not decimal or above 65,535, or where there
  /// are more levels than a stored item can have.
  public init?(_ description: String) {
    let parts = description.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    var suffix: UInt16 = 0
    if parts.count == 2 {
      guard let value = parseDecimal(parts[1]) else { return nil }
      suffix = value
    }
    var codes: [UInt16] = []
    for part in parts[0].split(separator: "-", omittingEmptySubsequences: false) {
      guard let value = parseDecimal(part), codes.count < StoreLimits.levels else { return nil }
      codes.append(value)
    }
    self.init(codes: codes, suffix: suffix)
  }
}

extension SemanticID: Comparable {
  /// The order of the `codes/` database: level by level, then by suffix.
  public static func < (left: SemanticID, right: SemanticID) -> Bool {
    if left.codes != right.codes { return left.codes.lexicographicallyPrecedes(right.codes) }
    return left.suffix < right.suffix
  }
}

/// Decimal digits alone: `UInt16.init` would take a plus sign, which separates the suffix here.
private func parseDecimal(_ text: Substring) -> UInt16? {
  guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
  return UInt16(text)
}

/// Limits of the layout; everything below them is checked before a byte is written.
public enum StoreLimits {
  /// An item id's length in bytes of UTF-8 (LMDB takes keys of up to 511 bytes).
  public static let identifierBytes = 255
  /// Levels of a semantic ID: the key of `codes/` is 2 × levels + 2 bytes and has to fit LMDB's 511.
  public static let levels = 254
  /// Centroids of one codebook, so that a code fits 16 bits.
  public static let codebookSize = 65_536
}
