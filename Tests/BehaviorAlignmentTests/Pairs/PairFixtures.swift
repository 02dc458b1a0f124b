import BehaviorAlignment
import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// One row per user: the items met, in order.
func history(_ rows: [[Int]], itemCount: Int, maximum: Int? = nil) throws -> InteractionHistory {
  var users: [Int32] = [], items: [Int32] = []
  for (user, row) in rows.enumerated() {
    for item in row {
      users.append(Int32(user))
      items.append(Int32(item))
    }
  }
  var parameters = InteractionHistory.Parameters()
  if let maximum { parameters.maximumEventsPerUser = maximum }
  return try InteractionHistory(
    users: users, items: items, userCount: rows.count, itemCount: itemCount, parameters: parameters)
}

/// All of a log as its training window.
func everything(_ rows: [[Int]], itemCount: Int) throws -> TrainingSplit {
  try TrainingSplit(try history(rows, itemCount: itemCount), window: .everything)
}

/// Users with 0 to `longest` events each, some items far more popular than others.
func randomRows(
  users: Int, items: Int, longest: Int = 12, using random: inout RandomSource
) -> [[Int]] {
  (0..<users).map { _ in
    (0..<Int.random(in: 0...longest, using: &random)).map { _ in
      min(Int.random(in: 0..<items, using: &random), Int.random(in: 0..<items, using: &random))
    }
  }
}

/// A log of a CSV file, and a catalogue of the items that it is checked against.
func history(
  csv: String, items: [String], parameters: InteractionHistory.Parameters = .init()
) throws -> InteractionHistory {
  try withTemporaryDirectory { folder in
    let path = folder + "/log.csv"
    try csv.write(toFile: path, atomically: true, encoding: .utf8)
    var catalog = IdentifierTable()
    for item in items { _ = catalog.insert(item) }
    return try InteractionHistory(try InteractionReader().read([path]), catalog: catalog, parameters: parameters)
  }
}

/// Expects an error of that code whose message has the words.
func expectAlignmentError(
  _ code: AlignmentError.Code, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("no error where \(code) was expected", sourceLocation: sourceLocation)
  } catch let error as AlignmentError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    for word in words { #expect(error.message.contains(word), "\(error)", sourceLocation: sourceLocation) }
  } catch {
    Issue.record("\(error) where \(code) was expected", sourceLocation: sourceLocation)
  }
}

func pair(
  _ trigger: UInt32, _ target: UInt32, _ source: PairSource = .swing, weight: Float = 1, support: UInt32 = 2
) -> PairTable.Pair {
  PairTable.Pair(trigger: trigger, target: target, source: source, weight: weight, support: support)
}

/// A table of random pairs of all sources.
func randomTable(_ count: Int, items: Int, using random: inout RandomSource) -> PairTable {
  var keys: Set<[Int]> = []
  while keys.count < count {
    let trigger = Int.random(in: 0..<items, using: &random), target = Int.random(in: 0..<items, using: &random)
    if trigger != target { keys.insert([Int.random(in: 0..<3, using: &random), trigger, target]) }
  }
  return PairTable(
    itemCount: items,
    keys.sorted { $0.lexicographicallyPrecedes($1) }.map { key in
      pair(
        UInt32(key[1]), UInt32(key[2]), PairSource(rawValue: UInt8(key[0]))!, weight: random.nextUniform() + 0.01,
        support: UInt32.random(in: 1...9, using: &random))
    })
}
