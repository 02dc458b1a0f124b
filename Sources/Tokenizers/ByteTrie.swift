/// A trie over bytes whose edges live in one open-addressing table.
///
/// A walk finds every vocabulary entry that starts at a place of a text in one pass, without making or hashing strings.
package struct ByteTrie: Sendable {
  package typealias Node = Int32

  package static let root: Node = 0
  package static let none: Node = -1
  /// A table key holds a node and a byte in 32 bits.
  static let maximumNodes = 1 << 24 - 1

  /// Key + 1 in the upper half, the child in the lower; 0 is a free slot.
  private var slots: ContiguousArray<UInt64>
  private var shift: UInt32
  private var edgeCount = 0
  /// Per node: the id of the entry that ends there, or -1.
  private var ids: ContiguousArray<Int32> = [-1]
  /// The root's children without a table look-up; -1 for none.
  private var first = ContiguousArray<Node>(repeating: -1, count: 256)

  package init() {
    slots = ContiguousArray(repeating: 0, count: 64)
    shift = 32 - 6
  }

  /// The child of `node` along `byte`, or ``none``. Expected O(1).
  @inline(__always)
  package func child(of node: Node, _ byte: UInt8) -> Node {
    if node == Self.root { return first[Int(byte)] }
    let key = UInt32(bitPattern: node) << 8 | UInt32(byte)
    let mask = slots.count - 1
    var slot = Int((key &* 0x9E37_79B1) >> shift)
    while true {
      let entry = slots[slot]
      if entry == 0 { return Self.none }
      if UInt32(truncatingIfNeeded: entry >> 32) == key &+ 1 { return Node(truncatingIfNeeded: entry) }
      slot = (slot + 1) & mask
    }
  }

  /// The id of the entry that ends at `node`, or -1.
  @inline(__always)
  package func id(at node: Node) -> Int32 { ids[Int(node)] }

  /// The node that `bytes` lead to from `node`, or ``none``. O(bytes).
  package func walk(_ bytes: some Sequence<UInt8>, from node: Node = root) -> Node {
    var node = node
    for byte in bytes {
      node = child(of: node, byte)
      if node == Self.none { return Self.none }
    }
    return node
  }

  /// The id of exactly `bytes`, or -1. O(bytes).
  package func id(of bytes: some Sequence<UInt8>) -> Int32 {
    let node = walk(bytes)
    return node == Self.none ? -1 : id(at: node)
  }

  /// Adds an entry, or gives an old one a new id. Returns false when the trie is full.
  package mutating func insert(_ bytes: some Sequence<UInt8>, id: Int32) -> Bool {
    var node = Self.root
    for byte in bytes {
      let next = child(of: node, byte)
      if next != Self.none {
        node = next
        continue
      }
      guard ids.count < Self.maximumNodes else { return false }
      let new = Node(ids.count)
      ids.append(-1)
      addEdge(from: node, byte, to: new)
      node = new
    }
    ids[Int(node)] = id
    return true
  }

  private mutating func addEdge(from node: Node, _ byte: UInt8, to child: Node) {
    if node == Self.root {
      first[Int(byte)] = child
      return
    }
    edgeCount += 1
    if edgeCount * 2 > slots.count { grow() }
    let key = UInt32(bitPattern: node) << 8 | UInt32(byte)
    place(UInt64(key + 1) << 32 | UInt64(UInt32(bitPattern: child)))
  }

  private mutating func place(_ entry: UInt64) {
    let key = UInt32(truncatingIfNeeded: entry >> 32) &- 1
    var slot = Int((key &* 0x9E37_79B1) >> shift)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = entry
  }

  private mutating func grow() {
    let old = slots
    slots = ContiguousArray(repeating: 0, count: old.count * 2)
    shift -= 1
    for entry in old where entry != 0 { place(entry) }
  }
}
