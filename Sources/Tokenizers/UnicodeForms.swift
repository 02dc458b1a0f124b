internal import Foundation

/// A Unicode normal form (UAX #15).
package enum UnicodeForm: String, Sendable, CaseIterable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  var isComposed: Bool { self == .nfc || self == .nfkc }
  var isCompatible: Bool { self == .nfkc || self == .nfkd }
}

/// Decomposition and composition as Unicode 9 has them, which is what the reference library was built with.
///
/// The tables come from the platform once per process, for the scalars that Unicode 9 knew; younger scalars stay as
/// they are. Decompositions of assigned scalars never change between versions.
struct UnicodeForms: Sendable {
  private struct Entry {
    /// Where in `pool` the decomposition starts, at its length; 0 for none.
    var canonical: UInt16 = 0
    var compatible: UInt16 = 0
    var combiningClass: UInt8 = 0
  }

  static let shared = UnicodeForms()

  private static let pageBits: UInt32 = 7
  /// The page of scalars >> 7; page 0 has no entries.
  private var pageOfBlock = ContiguousArray<UInt16>(repeating: 0, count: 0x110000 >> 7)
  private var entries = ContiguousArray<Entry>(repeating: Entry(), count: 128)
  private var pool: ContiguousArray<UInt32> = [0]
  private var composites: [UInt64: UInt32] = [:]

  private init() {
    // Every scalar with a decomposition or a combining class lies in these ranges; Hangul is done by arithmetic.
    let ranges: [ClosedRange<UInt32>] = [
      0xA0...0x33FF, 0xA000...0xABFF, 0xF900...0xFFFF, 0x10000...0x11FFF, 0x16A00...0x16FFF, 0x1BC00...0x1F2FF,
      0x2F800...0x2FA1F,
    ]
    let scalars = ranges.joined().compactMap { Unicode.Scalar($0) }
    var source = String.UnicodeScalarView()
    for scalar in scalars {
      source.append(scalar)
      source.append("\n")
    }
    let text = String(source)
    let canonical = Self.lines(text.decomposedStringWithCanonicalMapping)
    let compatible = Self.lines(text.decomposedStringWithCompatibilityMapping)
    let composed = Self.lines(text.precomposedStringWithCanonicalMapping)
    var primary: [(scalar: UInt32, parts: [UInt32])] = []
    for (index, scalar) in scalars.enumerated() {
      let isChanged = compatible[index] != [scalar.value]
      let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
      guard isChanged || combiningClass != 0, Self.isInUnicode9(scalar) else { continue }
      var entry = Entry(combiningClass: combiningClass)
      if canonical[index] != [scalar.value] {
        entry.canonical = store(canonical[index])
        if composed[index] == [scalar.value] { primary.append((scalar.value, canonical[index])) }
      }
      if isChanged { entry.compatible = store(compatible[index]) }
      set(entry, for: scalar.value)
    }
    collectComposites(primary.sorted { $0.parts.count < $1.parts.count })
  }

  private static func isInUnicode9(_ scalar: Unicode.Scalar) -> Bool {
    guard let age = scalar.properties.age else { return false }
    return age.major <= 9
  }

  private static func lines(_ text: String) -> [[UInt32]] {
    text.unicodeScalars.map(\.value).split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
  }

  private mutating func store(_ parts: [UInt32]) -> UInt16 {
    let offset = UInt16(clamping: pool.count)
    pool.append(UInt32(parts.count))
    pool += parts
    return offset
  }

  private mutating func set(_ entry: Entry, for scalar: UInt32) {
    let block = Int(scalar >> Self.pageBits)
    if pageOfBlock[block] == 0 {
      pageOfBlock[block] = UInt16(entries.count >> Int(Self.pageBits))
      entries += repeatElement(Entry(), count: 1 << Int(Self.pageBits))
    }
    entries[Int(pageOfBlock[block]) << Int(Self.pageBits) | Int(scalar & 0x7F)] = entry
  }

  /// A composite pairs the composite of all parts but the last with the last, so shorter ones come first.
  private mutating func collectComposites(_ primary: [(scalar: UInt32, parts: [UInt32])]) {
    for (scalar, parts) in primary where parts.count >= 2 {
      var first: UInt32? = parts[0]
      for part in parts[1..<(parts.count - 1)] {
        first = first.flatMap { composites[Self.pair($0, part)] }
      }
      if let first { composites[Self.pair(first, parts[parts.count - 1])] = scalar }
    }
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

  @inline(__always)
  private func entry(_ scalar: UInt32) -> Entry {
    entries[Int(pageOfBlock[Int(scalar >> Self.pageBits)]) << Int(Self.pageBits) | Int(scalar & 0x7F)]
  }

  private func combiningClass(_ scalar: UInt32) -> UInt8 { scalar < 0x300 ? 0 : entry(scalar).combiningClass }

  /// `scalars` in a form. O(n log n) at worst, for a run of marks.
  func normalized(_ scalars: ContiguousArray<UInt32>, _ form: UnicodeForm) -> ContiguousArray<UInt32> {
    var result = ContiguousArray<UInt32>()
    result.reserveCapacity(scalars.count + scalars.count / 2)
    for scalar in scalars { decompose(scalar, compatible: form.isCompatible, into: &result) }
    sortMarks(&result)
    return form.isComposed ? composed(result) : result
  }

  private func decompose(_ scalar: UInt32, compatible: Bool, into result: inout ContiguousArray<UInt32>) {
    if scalar < 0xA0 {
      result.append(scalar)
      return
    }
    if (0xAC00...0xD7A3).contains(scalar) {
      let index = scalar - 0xAC00
      result.append(0x1100 + index / 588)
      result.append(0x1161 + index % 588 / 28)
      if index % 28 != 0 { result.append(0x11A7 + index % 28) }
      return
    }
    let entry = entry(scalar)
    let offset = Int(compatible ? entry.compatible : entry.canonical)
    if offset == 0 {
      result.append(scalar)
    } else {
      result += pool[(offset + 1)...(offset + Int(pool[offset]))]
    }
  }

  /// The canonical ordering: a stable sort of each run of marks by combining class.
  private func sortMarks(_ scalars: inout ContiguousArray<UInt32>) {
    var start = 0
    while start < scalars.count {
      guard combiningClass(scalars[start]) != 0 else {
        start += 1
        continue
      }
      var end = start + 1
      while end < scalars.count, combiningClass(scalars[end]) != 0 { end += 1 }
      if end - start > 1 {
        // The position in the key makes the sort stable.
        let keys = (start..<end).map { index in
          UInt64(combiningClass(scalars[index])) << 56 | UInt64(index) << 21 | UInt64(scalars[index])
        }
        for (offset, key) in keys.sorted().enumerated() { scalars[start + offset] = UInt32(key & 0x1F_FFFF) }
      }
      start = end
    }
  }

  private func composed(_ scalars: ContiguousArray<UInt32>) -> ContiguousArray<UInt32> {
    var result = ContiguousArray<UInt32>()
    result.reserveCapacity(scalars.count)
    var starter = -1
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let combiningClass = combiningClass(scalar)
      let isAdjacent = starter == result.count - 1
      if starter >= 0, isAdjacent || lastClass < combiningClass, isAdjacent || lastClass != 0,
        let composite = compose(result[starter], scalar)
      {
        result[starter] = composite
        continue
      }
      if combiningClass == 0 { starter = result.count }
      lastClass = combiningClass
      result.append(scalar)
    }
    return result
  }

  private func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (0x1100...0x1112).contains(first), (0x1161...0x1175).contains(second) {
      return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
    }
    if (0xAC00...0xD7A3).contains(first), (first - 0xAC00) % 28 == 0, (0x11A8...0x11C2).contains(second) {
      return first + second - 0x11A7
    }
    return second < 0x300 ? nil : composites[Self.pair(first, second)]
  }
}
