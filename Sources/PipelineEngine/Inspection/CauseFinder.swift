internal import ItemCatalog
internal import SemanticIDStore
internal import TensorMath

/// Finds out why the items of a bucket share their codes.
struct CauseFinder {
  let snapshot: GenerationSnapshot
  let catalog: InspectionCatalog?
  let options: CollisionInspection.Options

  /// The causes that hashes tell, per member; nil where they tell none.
  func causesByHash(_ rows: [Int]) -> [CollisionCause?] {
    let contents = rows.map { snapshot.columns.contentHashes[$0] }
    let parts = rows.map { catalog?.hashes($0) }
    let contentTwins = twins(contents.map { $0 == 0 ? nil : $0 })
    let textTwins = twins(parts.map { $0?.text })
    let imageTwins = twins(parts.map { $0?.image })
    return rows.indices.map { member in
      if contentTwins[member] { return .equalContent }
      if textTwins[member] { return .equalText }
      return imageTwins[member] ? .equalImage : nil
    }
  }

  /// The cause of every member; members past `options.comparedMembers` that no hash explains count as coarse unless
  /// they resemble one of those before.
  func causes(_ rows: [Int]) -> [CollisionCause] {
    let byHash = causesByHash(rows)
    let compared = Array(rows.prefix(options.comparedMembers))
    let isNear = nearTwins(compared)
    return rows.indices.map { member in
      byHash[member] ?? (member < isNear.count && isNear[member] ? .nearDuplicate : .coarseCodebook)
    }
  }

  private func twins(_ hashes: [UInt64?]) -> [Bool] {
    var counts: [UInt64: Int] = [:]
    for case let hash? in hashes { counts[hash, default: 0] += 1 }
    return hashes.map { $0.map { counts[$0, default: 0] > 1 } ?? false }
  }

  private func nearTwins(_ rows: [Int]) -> [Bool] {
    let shingles = rows.map { row in catalog?.item(row).map { ShingleSet("\($0.title) \($0.text)") } }
    let vectors = options.representations?(rows)
    var isNear = [Bool](repeating: false, count: rows.count)
    for member in rows.indices {
      for other in 0..<member where !(isNear[member] && isNear[other]) {
        var near = false
        if let left = shingles[member], let right = shingles[other] {
          near = left.similarity(to: right) >= options.nearSimilarity
        }
        if !near, let vectors { near = squaredDistance(vectors, member, other) <= options.nearSquaredDistance }
        if near { (isNear[member], isNear[other]) = (true, true) }
      }
    }
    return isNear
  }

  private func squaredDistance(_ vectors: Matrix, _ row: Int, _ other: Int) -> Float {
    var sum: Float = 0
    for (left, right) in zip(vectors.row(row), vectors.row(other)) { sum += (left - right) * (left - right) }
    return sum
  }
}

/// The set of a text's overlapping pieces of five bytes, letters lowered and runs of other ASCII made one space, by
/// which near-equal texts are told (Broder, "On the resemblance and containment of documents", 1997).
struct ShingleSet {
  private static let length = 5
  private static let byteLimit = 8192
  private let hashes: [UInt64]

  init(_ text: String) {
    var bytes: [UInt8] = []
    for byte in text.utf8.prefix(Self.byteLimit) {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte | 0x20)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...: bytes.append(byte)
      default: if let last = bytes.last, last != 0x20 { bytes.append(0x20) }
      }
    }
    if bytes.last == 0x20 { bytes.removeLast() }
    var found: Set<UInt64> = []
    for start in 0..<max(0, bytes.count - Self.length + 1) {
      found.insert(bytes[start..<start + Self.length].reduce(0) { $0 << 8 | UInt64($1) })
    }
    hashes = found.sorted()
  }

  /// Jaccard similarity: shared pieces over all pieces; 0 where a text is too short for a piece.
  func similarity(to other: ShingleSet) -> Double {
    var shared = 0
    var left = 0
    var right = 0
    while left < hashes.count && right < other.hashes.count {
      if hashes[left] == other.hashes[right] { shared += 1 }
      let (a, b) = (hashes[left], other.hashes[right])
      if a <= b { left += 1 }
      if b <= a { right += 1 }
    }
    let union = hashes.count + other.hashes.count - shared
    return hashes.isEmpty || other.hashes.isEmpty ? 0 : Double(shared) / Double(union)
  }
}
