/// The live prefixes of a catalogue's semantic IDs: those that some item has.
///
/// Prefixes of one length are numbered from 0 in the order of their codes. So the children of a prefix, which are one
/// code longer, have consecutive numbers, ascending by code, and so do the items below it in the order of IDs. The empty
/// prefix, of length 0, is number 0.
///
/// Memory: 4 bytes per item and level for the items' prefixes, and 10 per prefix.
package struct PrefixTrie: Sendable, Equatable {
  /// Codes of an ID.
  package let levels: Int
  /// By length below `levels`, and prefix: the number of its first child; one more at the end.
  private var childStarts: [ContiguousArray<Int32>]
  /// By length less 1, and prefix: its last code.
  private var lastCodes: [ContiguousArray<UInt16>]
  /// By length, and prefix: where its items begin in `items`; one more at the end.
  private var itemStarts: [ContiguousArray<Int32>]
  /// Items that have codes, by codes, then by item.
  private let items: ContiguousArray<UInt32>
  /// `items × levels`: the number of each item's prefix of length 1 and up; -1 for an item without codes.
  private var itemPrefixes: ContiguousArray<Int32>

  /// - Complexity: O(items · levels + codebook sizes): items are sorted by counting.
  package init(_ tokens: ItemTokens) {
    levels = tokens.levels
    items = Self.itemsByCodes(tokens)
    childStarts = []
    lastCodes = []
    itemStarts = [[0, Int32(items.count)]]
    itemPrefixes = ContiguousArray(repeating: -1, count: tokens.itemCount * tokens.levels)
    // The level at which each item's ID parts from the one before.
    var parting = ContiguousArray<Int>(repeating: 0, count: items.count)
    for place in items.indices.dropFirst() {
      let (former, own) = (tokens.codes(ofItem: items[place - 1]), tokens.codes(ofItem: items[place]))
      parting[place] = zip(former, own).enumerated().first { $1.0 != $1.1 }?.offset ?? levels
    }
    for length in 1...levels { addPrefixes(length, tokens, parting) }
  }

  private static func itemsByCodes(_ tokens: ItemTokens) -> ContiguousArray<UInt32> {
    var order = ContiguousArray((0..<UInt32(tokens.itemCount)).lazy.filter { tokens.isPresent[Int($0)] })
    var sorted = order
    // From the last code to the first; counting keeps the order of equals.
    for level in (0..<tokens.levels).reversed() {
      func code(_ item: UInt32) -> Int { Int(tokens.codes[Int(item) * tokens.levels + level]) }
      var starts = [Int](repeating: 0, count: tokens.sizes[level] + 1)
      for item in order { starts[code(item) + 1] += 1 }
      for index in 1..<starts.count { starts[index] += starts[index - 1] }
      for item in order {
        sorted[starts[code(item)]] = item
        starts[code(item)] += 1
      }
      swap(&order, &sorted)
    }
    return order
  }

  private mutating func addPrefixes(_ length: Int, _ tokens: ItemTokens, _ parting: ContiguousArray<Int>) {
    let parents = itemStarts[length - 1]
    var (starts, codes, firstChildren) = (ContiguousArray<Int32>(), ContiguousArray<UInt16>(), ContiguousArray<Int32>())
    for place in items.indices {
      let row = Int(items[place]) * levels
      if parting[place] < length || place == 0 {
        if parents[firstChildren.count] == place { firstChildren.append(Int32(starts.count)) }
        starts.append(Int32(place))
        codes.append(tokens.codes[row + length - 1])
      }
      itemPrefixes[row + length - 1] = Int32(starts.count - 1)
    }
    childStarts.append(firstChildren + [Int32(starts.count)])
    lastCodes.append(codes)
    itemStarts.append(starts + [Int32(items.count)])
  }

  /// How many live prefixes have that length, which is 0 to `levels`.
  package func prefixCount(length: Int) -> Int { itemStarts[length].count - 1 }

  /// The numbers of the prefixes that are one code longer; not empty.
  /// - Parameter length: of `prefix`, below `levels`.
  package func children(of prefix: Int, length: Int) -> Range<Int> {
    Int(childStarts[length][prefix])..<Int(childStarts[length][prefix + 1])
  }

  /// Whether a prefix has more than one child, so that there is a code to choose.
  package func branches(at prefix: Int, length: Int) -> Bool { children(of: prefix, length: length).count > 1 }

  /// The prefix that is one code shorter.
  /// - Parameter length: of `prefix`, at least 1.
  package func parent(of prefix: Int, length: Int) -> Int32 {
    self.prefix(ofItem: firstItem(of: prefix, length: length), length: length - 1)
  }

  /// The codes that lead to those children, ascending.
  package func childCodes(of prefix: Int, length: Int) -> ArraySlice<UInt16> {
    ArraySlice(lastCodes[length][children(of: prefix, length: length)])
  }

  /// The number of a prefix's child by its code; nil where no item has it.
  /// - Complexity: O(log children).
  package func child(of prefix: Int, length: Int, code: UInt16) -> Int? {
    let range = children(of: prefix, length: length)
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if lastCodes[length][middle] < code { low = middle + 1 } else { high = middle }
    }
    return low < range.upperBound && lastCodes[length][low] == code ? low : nil
  }

  /// The number of the prefix of these codes; nil where no item has it.
  package func prefix(ofCodes codes: some Collection<UInt16>) -> Int? {
    var prefix = 0
    for (length, code) in codes.enumerated() {
      guard let child = child(of: prefix, length: length, code: code) else { return nil }
      prefix = child
    }
    return prefix
  }

  /// The same, -1 where no item has it.
  package func number(ofCodes codes: some Collection<UInt16>) -> Int32 { Int32(prefix(ofCodes: codes) ?? -1) }

  /// The last code of a prefix.
  /// - Parameter length: of `prefix`, at least 1.
  package func lastCode(of prefix: Int, length: Int) -> UInt16 { lastCodes[length - 1][prefix] }

  /// The last code of each prefix of a length, which is at least 1.
  package func lastCodes(length: Int) -> ContiguousArray<UInt16> { lastCodes[length - 1] }

  /// The items whose IDs begin with a prefix; at full length those of one ID, its bucket. By codes, then by item.
  package func items(of prefix: Int, length: Int) -> ArraySlice<UInt32> {
    ArraySlice(items[Int(itemStarts[length][prefix])..<Int(itemStarts[length][prefix + 1])])
  }

  /// One of them, which has all codes of the prefix.
  package func firstItem(of prefix: Int, length: Int) -> UInt32 { items[Int(itemStarts[length][prefix])] }

  /// The number of an item's prefix; -1 for an item without codes, and 0 for length 0.
  package func prefix(ofItem item: UInt32, length: Int) -> Int32 {
    length == 0 ? 0 : itemPrefixes[Int(item) * levels + length - 1]
  }
}
