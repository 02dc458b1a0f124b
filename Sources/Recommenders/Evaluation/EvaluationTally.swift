internal import BehaviorAlignment

/// Adds up answers, one by one.
struct EvaluationTally {
  private struct Places {
    let slice: EvaluationSlice
    var item: PlaceHistogram
    var semanticID: PlaceHistogram
  }

  private let cutoffs: [Int]
  private let popularity: ItemPopularity
  private let tokens: ItemTokens?
  private let filter: RecommendationFilter
  private var places: [Places]
  /// The smallest cutoff, as an index, within which each item was recommended; `cutoffs.count` for never.
  private var firstSeen: ContiguousArray<UInt8>
  /// Sums over answers' first `cutoffs[i]` items.
  private var recommended: [Int]
  private var percentileSums: [Double]
  private var targetPercentiles = 0.0
  private var queries = 0
  private var forbiddenTargets = 0

  /// - Parameter cutoffs: ascending.
  init(cutoffs: [Int], popularity: ItemPopularity, tokens: ItemTokens?, filter: RecommendationFilter) {
    precondition(cutoffs.count < 255, "cutoffs are numbered by a byte")
    self.cutoffs = cutoffs
    self.popularity = popularity
    self.tokens = tokens
    self.filter = filter
    let empty = PlaceHistogram(depth: cutoffs.last ?? 0)
    places = EvaluationSlice.allCases.map { Places(slice: $0, item: empty, semanticID: empty) }
    firstSeen = ContiguousArray(repeating: UInt8(cutoffs.count), count: popularity.itemCount)
    recommended = Array(repeating: 0, count: cutoffs.count)
    percentileSums = Array(repeating: 0, count: cutoffs.count)
  }

  mutating func add(_ query: NextItemQuery, _ answer: [ScoredItem]) {
    queries += 1
    targetPercentiles += Double(popularity.percentiles[Int(query.target)])
    let history = filter.excludesHistory ? Set(query.history) : []
    if !filter.permits(query.target, history: history) { forbiddenTargets += 1 }
    let place = answer.firstIndex { $0.item == query.target }.map { $0 + 1 }
    let placeOfID = answer.firstIndex { isSame($0.item, query.target) }.map { $0 + 1 }
    for index in places.indices where includes(places[index].slice, query.target) {
      places[index].item.add(place)
      places[index].semanticID.add(placeOfID)
    }
    expose(answer)
  }

  private func includes(_ slice: EvaluationSlice, _ target: UInt32) -> Bool {
    switch slice {
    case .all: true
    case .coldItems: popularity.isCold(target)
    case .longTailItems: popularity.isLongTail(target)
    }
  }

  private func isSame(_ item: UInt32, _ target: UInt32) -> Bool {
    guard item != target, let tokens, tokens.isPresent[Int(item)], tokens.isPresent[Int(target)] else {
      return item == target
    }
    return tokens.codes(ofItem: item) == tokens.codes(ofItem: target)
  }

  private mutating func expose(_ answer: [ScoredItem]) {
    var cutoff = 0, sum = 0.0, taken = 0
    func close(_ index: Int) {
      recommended[index] += taken
      percentileSums[index] += sum
    }
    for (place, scored) in answer.enumerated() {
      while cutoff < cutoffs.count, place >= cutoffs[cutoff] {
        close(cutoff)
        cutoff += 1
      }
      guard cutoff < cutoffs.count else { return }
      firstSeen[Int(scored.item)] = min(firstSeen[Int(scored.item)], UInt8(cutoff))
      sum += Double(popularity.percentiles[Int(scored.item)])
      taken += 1
    }
    for index in cutoff..<cutoffs.count { close(index) }
  }

  func result(_ name: String, usersPerSecond: Double) -> EvaluationResult {
    let accuracies = places.flatMap { places in
      let item = EvaluationResult.Accuracy(
        slice: places.slice, level: .item, metrics: RankingMetrics(places.item, cutoffs: cutoffs))
      guard tokens != nil else { return [item] }
      let metrics = RankingMetrics(places.semanticID, cutoffs: cutoffs)
      return [item, EvaluationResult.Accuracy(slice: places.slice, level: .semanticID, metrics: metrics)]
    }
    let exposures = cutoffs.indices.map { index in
      EvaluationResult.Exposure(
        cutoff: cutoffs[index],
        coverage: Double(firstSeen.count { $0 <= index }) / Double(max(1, popularity.itemCount)),
        popularity: percentileSums[index] / Double(max(1, recommended[index])))
    }
    return EvaluationResult(
      recommender: name, accuracies: accuracies, exposures: exposures,
      targetPopularity: targetPercentiles / Double(max(1, queries)), forbiddenTargets: forbiddenTargets,
      usersPerSecond: usersPerSecond)
  }
}
