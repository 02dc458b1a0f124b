/// A batch of pairs: every item once, the pairs as rows of those, and what is no negative of a trigger.
package struct AlignerBatch {
  /// Rows of the item table, each once.
  package private(set) var items: [Int] = []
  /// Rows of `items`, one a pair.
  package private(set) var triggers: ContiguousArray<Int32> = []
  package private(set) var targets: ContiguousArray<Int32> = []
  /// For each pair, the places of targets that are its target or trigger again, or a known pair of the trigger, or whose
  /// own trigger is the same: none of them is known not to belong to it.
  package private(set) var hidden: [[Int32]] = []

  /// Rows of the item table, one a pair.
  package var targetItems: [Int] { targets.map { items[Int($0)] } }

  package init(_ table: PairTable, _ rows: [Int], known: PairLookup) {
    var places: [UInt32: Int32] = [:]
    func place(_ item: UInt32, _ items: inout [Int]) -> Int32 {
      if let place = places[item] { return place }
      places[item] = Int32(items.count)
      items.append(Int(item))
      return Int32(items.count - 1)
    }
    for row in rows {
      triggers.append(place(table.triggers[row], &items))
      targets.append(place(table.targets[row], &items))
    }
    hide(rows.map { table.triggers[$0] }, rows.map { table.targets[$0] }, known)
  }

  private mutating func hide(_ triggers: [UInt32], _ targets: [UInt32], _ known: PairLookup) {
    var placesOfTarget: [UInt32: [Int32]] = [:]
    for (place, target) in targets.enumerated() { placesOfTarget[target, default: []].append(Int32(place)) }
    var hiddenFromTrigger: [UInt32: [Int32]] = [:]
    for trigger in Set(triggers) {
      var places = placesOfTarget[trigger] ?? []
      for partner in known.partners(of: trigger) where partner != trigger { places += placesOfTarget[partner] ?? [] }
      hiddenFromTrigger[trigger] = places
    }
    hidden = triggers.indices.map { place in
      var all = hiddenFromTrigger[triggers[place]] ?? []
      // A pair's own target is known as its pair; where the table lacks it, its repetitions are hidden here.
      if !known.contains(triggers[place], targets[place]) { all += placesOfTarget[targets[place]] ?? [] }
      return all
    }
  }
}
