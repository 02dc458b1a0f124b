/// A small table from items to consecutive numbers, emptied in the time of what is in it: a miner's scratch memory
/// for one item's neighborhood. Its size follows the neighborhood, never the catalogue.
package struct ItemSlots {
  /// The items in the order in which they came; an item's place here is its number.
  package private(set) var items: ContiguousArray<UInt32> = []
  /// Open addressing: 0 is free, else number + 1.
  private var slots: ContiguousArray<UInt32> = ContiguousArray(repeating: 0, count: 256)

  package init() {}

  /// The number of an item, which is added when it is not there.
  package mutating func number(of item: UInt32) -> Int {
    if items.count &* 2 >= slots.count { grow() }
    var slot = Self.slot(item, slots.count)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) &- 1
      if items[number] == item { return number }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    items.append(item)
    slots[slot] = UInt32(items.count)
    return items.count &- 1
  }

  package mutating func removeAll() {
    // Emptying slot by slot would need their search order; clearing costs less until the table is much too large.
    if slots.count > 256, items.count &* 32 < slots.count {
      slots = ContiguousArray(repeating: 0, count: max(256, slots.count / 2))
    } else {
      for slot in slots.indices { slots[slot] = 0 }
    }
    items.removeAll(keepingCapacity: true)
  }

  private mutating func grow() {
    slots = ContiguousArray(repeating: 0, count: slots.count * 2)
    for (number, item) in items.enumerated() {
      var slot = Self.slot(item, slots.count)
      while slots[slot] != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
      slots[slot] = UInt32(number + 1)
    }
  }

  /// Fibonacci hashing (Knuth, volume 3, 6.4).
  private static func slot(_ item: UInt32, _ count: Int) -> Int {
    Int((UInt64(item) &* 0x9E37_79B9_7F4A_7C15) >> 40) & (count &- 1)
  }
}
