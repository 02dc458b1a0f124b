/// The merges of a byte-pair model: which pairs of ids become which id, and in which order of preference.
struct MergeTable: Sendable {
  private struct Merge {
    /// The pair's ids in the upper and lower half, plus one; 0 in a free slot.
    var key: UInt64 = 0
    var rank: Int32 = 0
    var id: Int32 = 0
  }

  private var slots: ContiguousArray<Merge>
  private let shift: UInt64
  /// The id that the merge of each rank makes.
  private var results: ContiguousArray<Int32> = []

  /// Reads `["a b", …]` or `[["a", "b"], …]`. Both parts and their union, without the prefix of the second, must be
  /// tokens. Of a repeated pair the last counts.
  init(_ field: JSONField, _ vocabulary: Vocabulary, prefixLength: Int) throws(TokenizerError) {
    let entries = try field.elements()
    var bits: UInt64 = 4
    while 1 << bits < entries.count * 2 + 2 { bits += 1 }
    shift = 64 - bits
    slots = ContiguousArray(repeating: Merge(), count: 1 << Int(bits))
    results.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated() {
      if case .string(let line) = entry, line.utf8.starts(with: "#version".utf8) { continue }
      guard let (first, second) = Self.pair(entry) else {
        throw field.failure("merge \(position) is not a pair of tokens")
      }
      let left = vocabulary.id(of: first)
      let right = vocabulary.id(of: second)
      let merged = vocabulary.trie.id(of: Array(first.utf8) + second.utf8.dropFirst(prefixLength))
      guard left >= 0, right >= 0, merged >= 0, second.utf8.count >= prefixLength else {
        throw field.failure("merge \(position), \"\(first)\" and \"\(second)\", does not join known tokens")
      }
      insert(left, right, Merge(rank: Int32(results.count), id: merged))
      results.append(merged)
    }
  }

  private static func pair(_ entry: JSONValue) -> (String, String)? {
    switch entry {
    case .string(let line):
      let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      return (String(Substring(parts[0])), String(Substring(parts[1])))
    case .array(let parts):
      guard parts.count == 2, case .string(let first) = parts[0], case .string(let second) = parts[1] else {
        return nil
      }
      return (first, second)
    default: return nil
    }
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) + 1
  }

  private mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
    var merge = merge
    merge.key = Self.key(left, right)
    var slot = Int((merge.key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[slot].key != 0, slots[slot].key != merge.key { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = merge
  }

  /// The merge of a pair, or one with key 0.
  @inline(__always)
  private func merge(of left: Int32, _ right: Int32) -> Merge {
    let key = Self.key(left, right)
    var slot = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while true {
      let merge = slots[slot]
      if merge.key == key || merge.key == 0 { return merge }
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// Words of up to this many symbols are searched through for the best merge; longer ones keep a heap.
  private static let shortWord = 32

  /// Merges the symbols of a word, lowest rank first, leftmost first among equals, and appends what remains.
  func merge(_ symbols: ContiguousArray<Int32>, into ids: inout ContiguousArray<Int32>) {
    if symbols.count <= Self.shortWord {
      mergeShort(symbols, into: &ids)
    } else {
      mergeLong(symbols, into: &ids)
    }
  }

  private func rank(of left: Int32, _ right: Int32) -> Int32 {
    let merge = merge(of: left, right)
    return merge.key == 0 ? .max : merge.rank
  }

  /// O(n²), without allocation but the ranks.
  private func mergeShort(_ symbols: ContiguousArray<Int32>, into ids: inout ContiguousArray<Int32>) {
    var symbols = symbols
    var ranks = ContiguousArray<Int32>()
    ranks.reserveCapacity(symbols.count)
    for index in symbols.indices.dropLast() { ranks.append(rank(of: symbols[index], symbols[index + 1])) }
    while true {
      var best = 0
      var bestRank = Int32.max
      for index in ranks.indices where ranks[index] < bestRank {
        bestRank = ranks[index]
        best = index
      }
      guard bestRank < .max else { break }
      symbols[best] = results[Int(bestRank)]
      symbols.remove(at: best + 1)
      ranks.remove(at: best)
      if best > 0 { ranks[best - 1] = rank(of: symbols[best - 1], symbols[best]) }
      if best < ranks.count { ranks[best] = rank(of: symbols[best], symbols[best + 1]) }
    }
    ids += symbols
  }

  private struct Symbol {
    var id: Int32
    var previous: Int32
    /// -1 at the end.
    var next: Int32
    var isMerged = false
  }

  /// O(n log n): a heap of candidate merges, those that no longer hold passed over.
  private func mergeLong(_ symbols: ContiguousArray<Int32>, into ids: inout ContiguousArray<Int32>) {
    var list = ContiguousArray(
      symbols.enumerated().map { index, id in
        Symbol(id: id, previous: Int32(index) - 1, next: index + 1 < symbols.count ? Int32(index) + 1 : -1)
      })
    var heap = MergeHeap()
    for index in list.indices.dropLast() { offer(index, list, to: &heap) }
    while let top = heap.pop() {
      let position = Int(top & 0xFFFF_FFFF)
      guard !list[position].isMerged, list[position].next >= 0 else { continue }
      let next = Int(list[position].next)
      let current = merge(of: list[position].id, list[next].id)
      guard current.key != 0, current.id == results[Int(top >> 32)] else { continue }
      list[position].id = current.id
      list[position].next = list[next].next
      list[next].isMerged = true
      if list[position].next >= 0 {
        list[Int(list[position].next)].previous = Int32(position)
        offer(position, list, to: &heap)
      }
      if list[position].previous >= 0 { offer(Int(list[position].previous), list, to: &heap) }
    }
    for symbol in list where !symbol.isMerged { ids.append(symbol.id) }
  }

  private func offer(_ position: Int, _ list: ContiguousArray<Symbol>, to heap: inout MergeHeap) {
    let rank = rank(of: list[position].id, list[Int(list[position].next)].id)
    if rank < .max { heap.push(UInt64(rank) << 32 | UInt64(position)) }
  }
}

/// A binary min-heap.
struct MergeHeap {
  private var keys: ContiguousArray<UInt64> = []

  mutating func push(_ key: UInt64) {
    keys.append(key)
    var index = keys.count - 1
    while index > 0, keys[(index - 1) / 2] > keys[index] {
      keys.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func pop() -> UInt64? {
    guard let top = keys.first, let last = keys.popLast() else { return nil }
    guard !keys.isEmpty else { return top }
    keys[0] = last
    var index = 0
    while true {
      var child = index * 2 + 1
      guard child < keys.count else { return top }
      if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
      guard keys[child] < keys[index] else { return top }
      keys.swapAt(index, child)
      index = child
    }
  }
}
