internal import BehaviorAlignment
internal import ItemCatalog
internal import Quantizers
internal import TensorMath

/// Gathers what a report shows of the pairs.
struct PairReport {
  /// Pairs of each source to show.
  private static let exampleCount = 4

  /// Held-out pairs whose codes are compared.
  private static let comparedPairs = 20_000

  private let context: RunContext
  private let metrics: [String: Double]
  private let snapshot: GenerationSnapshot
  private let item: (Int) -> ReportItem

  /// Nil where the pipeline mines none.
  init?(_ context: RunContext, snapshot: GenerationSnapshot, item: @escaping (Int) -> ReportItem) {
    guard let manifest = context.finished[.pairs] else { return nil }
    self.context = context
    metrics = manifest.metrics
    self.snapshot = snapshot
    self.item = item
  }

  func data() throws -> ReportPairs {
    let table = try context.table()
    let (mined, heldOut) = try PairFiles(context).load(table)
    var result = ReportPairs(pairs: count("pairs"), heldOut: count("heldOutPairs"), covered: count("covered"))
    result.log = Self.logCounts.map { ReportPairs.Count(name: $0.title, count: count($0.key)) }
    result.sharedCodes = try sharedCodes(heldOut.thinned(to: Self.comparedPairs), table)
    for source in PairSource.allCases where metrics["\(source.name).pairs"] != nil {
      result.sources.append(
        ReportPairs.Source(
          name: source.name, pairs: count("\(source.name).pairs"), covered: count("\(source.name).covered"),
          seconds: metrics["\(source.name).seconds"] ?? 0, filters: filters(source),
          examples: try examples(mined, source, table)))
    }
    return result
  }

  private func sharedCodes(_ pairs: HeldOutPairs, _ table: ItemTable) throws -> [ReportPairs.SharedCodes] {
    var rows: [UInt32: Int?] = [:]
    func row(_ item: UInt32) throws -> Int? {
      if let known = rows[item] { return known }
      let row = snapshot.row(of: try table.id(at: Int(item)))
      rows[item] = .some(row)
      return row
    }
    let present = try (0..<pairs.count).compactMap { index -> RowPair? in
      guard let first = try row(pairs.triggers[index]), let second = try row(pairs.targets[index]) else { return nil }
      return RowPair(first, second)
    }
    guard !present.isEmpty else { return [] }
    let agreement = NeighborAgreement(snapshot.codes, pairs: present)
    return zip(agreement.sharedPrefix, agreement.expectedByChance).map { .init(share: $0, byChance: $1) }
  }

  private static let logCounts: [(key: String, title: String)] = [
    ("interactions", "interactions"), ("interactionsOfUnknownItems", "of unknown items, dropped"),
    ("repeatedInteractions", "repeated, dropped"),
    ("interactionsBeyondUserMaximum", "beyond a user's maximum, dropped"),
    ("users", "users"), ("items", "items"), ("trainingInteractions", "in the training window"),
    ("heldOutInteractions", "held out"), ("heldOutInteractionsOfColdItems", "held out, on items new to the window"),
  ]

  private func count(_ key: String) -> Int { Int(metrics[key] ?? 0) }

  private func filters(_ source: PairSource) -> [ReportPairs.Filter] {
    PairFilter.allCases.compactMap { filter in
      let key = "\(source.name).\(filter.rawValue)"
      guard let kept = metrics[key + ".kept"], let dropped = metrics[key + ".dropped"] else { return nil }
      return ReportPairs.Filter(name: Self.title(of: filter), kept: Int(kept), dropped: Int(dropped))
    }
  }

  private static func title(of filter: PairFilter) -> String {
    switch filter {
    case .neighbors: "pairs per item"
    case .similarity: "minimum similarity"
    case .support: "minimum support"
    case .popularity: "popularity"
    case .category: "category"
    case .itemCap: "pairs per target"
    }
  }

  /// Some pairs whose items the generation has.
  private func examples(_ mined: PairTable, _ source: PairSource, _ table: ItemTable) throws -> [ReportPairs.Example] {
    let rows = mined.rows(of: source)
    guard !rows.isEmpty else { return [] }
    var random = RandomSource(seed: context.configuration.seed, stream: UInt64(source.rawValue))
    var chosen: Set<Int> = []
    var examples: [ReportPairs.Example] = []
    for _ in 0..<4 * Self.exampleCount where examples.count < Self.exampleCount {
      let row = Int.random(in: rows, using: &random)
      let pair = mined[row]
      guard chosen.insert(row).inserted,
        let trigger = snapshot.row(of: try table.id(at: Int(pair.trigger))),
        let target = snapshot.row(of: try table.id(at: Int(pair.target)))
      else { continue }
      examples.append(
        ReportPairs.Example(
          trigger: item(trigger), target: item(target), weight: Double(pair.weight), users: Int(pair.support)))
    }
    return examples
  }
}
