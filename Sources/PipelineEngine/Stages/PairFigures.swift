internal import BehaviorAlignment

/// The exact numbers of a mining run, as a stage's metrics.
struct PairFigures {
  private(set) var metrics: [String: Double] = [:]

  init(_ history: InteractionHistory.Summary, _ split: TrainingSplit.Summary) {
    metrics = [
      "interactions": Double(history.events), "users": Double(history.users), "items": Double(history.items),
      "interactionsOfUnknownItems": Double(history.unknownItemEvents),
      "repeatedInteractions": Double(history.repeatedEvents),
      "interactionsBeyondUserMaximum": Double(history.eventsBeyondMaximum),
      "usersBeyondMaximum": Double(history.usersBeyondMaximum),
      "trainingInteractions": Double(split.trainingEvents), "trainingUsers": Double(split.trainingUsers),
      "trainingItems": Double(split.trainingItems), "heldOutInteractions": Double(split.heldOutEvents),
      "heldOutUsers": Double(split.heldOutUsers), "usersTooShort": Double(split.usersTooShort),
      "heldOutInteractionsOfColdItems": Double(split.heldOutEventsOfColdItems), "pairs": 0,
    ]
    metrics["cut"] = split.cut
  }

  mutating func add(_ mined: MinedPairs, _ filtered: FilteredPairs, seconds: Double) {
    let source = mined.source.name
    metrics["\(source).candidates"] = Double(mined.candidates)
    metrics["\(source).itemsBeyondCap"] = Double(mined.itemsBeyondCap)
    metrics["\(source).usersBeyondCap"] = Double(mined.usersBeyondCap)
    for count in [mined.limit] + filtered.counts {
      metrics["\(source).\(count.filter.rawValue).kept"] = Double(count.kept)
      metrics["\(source).\(count.filter.rawValue).dropped"] = Double(count.dropped)
    }
    metrics["\(source).pairs"] = Double(filtered.table.count)
    metrics["\(source).seconds"] = seconds
    metrics["pairs"] = (metrics["pairs"] ?? 0) + Double(filtered.table.count)
  }

  mutating func add(_ trained: TwoTowerTraining.Result) {
    let source = PairSource.userToItem.name
    metrics["\(source).items"] = Double(trained.model.vocabulary.count)
    metrics["\(source).epochs"] = Double(trained.measurements.count)
    metrics["\(source).validation.recall@10"] = trained.measurements.max { $0.gain < $1.gain }?.recall
  }

  mutating func add(coverageOf heldOut: HeldOutPairs, by pairs: PairTable) {
    metrics["heldOutPairs"] = Double(heldOut.count)
    metrics["covered"] = Double(PairLookup(pairs).covered(heldOut))
    for source in pairs.presentSources {
      metrics["\(source.name).covered"] = Double(PairLookup(pairs, source: source).covered(heldOut))
    }
  }

  /// For the error of a run that keeps no pair.
  var whyNoPairs: String {
    let candidates = PairSource.allCases.compactMap { metrics["\($0.name).candidates"] }.reduce(0, +)
    let interactions = Int(metrics["trainingInteractions"] ?? 0)
    guard candidates > 0 else {
      return "no two items of the \(interactions) interactions in the training window share a user; "
        + "widen pairs.window, or remove 'pairs' where the log has one interaction per user"
    }
    return "the filters dropped all \(Int(candidates)) pairs of \(interactions) interactions; relax pairs.filters"
  }
}
