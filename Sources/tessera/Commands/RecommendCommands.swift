internal import ArgumentParser
internal import Foundation
internal import PipelineEngine
internal import Recommenders

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measures the trained recommender beside baselines.",
    discussion: """
      All items are ranked for every user with a held-out item. Recall and NDCG count the item itself; the rows at ID \
      level count any item with the same semantic ID.
      """)

  @OptionGroup var file: PipelineArgument
  @Option(help: "Runs of the recommender: all but the first are trained now, each with a seed of its own.")
  var seeds = 1
  @Option(
    parsing: .upToNextOption,
    help: "Baselines: popularity, item-knn, sasrec. Default: those of the pipeline file.")
  var baselines: [String] = []
  @Flag(help: "Leave a user's earlier items out of answers.") var excludeHistory = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...100).contains(seeds) else { throw ValidationError("--seeds is \(seeds); give a number from 1 to 100") }
    for name in baselines where PipelineConfiguration.Train.Baseline(rawValue: name) == nil {
      throw ValidationError("--baselines has \"\(name)\"; give popularity, item-knn or sasrec")
    }
  }

  func run() throws {
    output.apply()
    Interruption.watchSignals()
    let observer = output.observer()
    let served = try ServedRecommender(try file.load())
    let named = baselines.compactMap(PipelineConfiguration.Train.Baseline.init(rawValue:))
    let interruption = Interruption.current
    let table = try served.evaluate(
      seeds: seeds, baselines: named.isEmpty ? nil : named, excludesHistory: excludeHistory ? true : nil,
      isCancelled: { interruption.isRequested },
      observe: { observer.observe(.progress(.train, step: $0, completed: $1, total: $2, unit: $3)) })
    if output.json { try Output.json(table) } else { Output.figures(table.plainText()) }
  }
}

struct RecommendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend", abstract: "Recommends items to a user, or after a history of items.")

  @OptionGroup var file: PipelineArgument
  @Option(help: "A user of the behavior log.") var user: String?
  @Option(help: "Ids of items, the earliest first, separated by commas; instead of --user.") var history: String?
  @Option(help: "How many items.") var k = 20
  @Option(
    help: "Write a session instead: so many items that follow one another. For an encoder-decoder with targetItems.")
  var session: Int?
  @Flag(help: "Recommend items of the history too.") var includeHistory = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...10_000).contains(k) else { throw ValidationError("--k is \(k); give a number from 1 to 10000") }
    guard (user == nil) != (history == nil) else {
      throw ValidationError("give either --user or --history")
    }
    guard (1...1000).contains(session ?? 1) else {
      throw ValidationError("--session is \(session ?? 0); give a number from 1 to 1000")
    }
  }

  func run() throws {
    output.apply()
    let served = try ServedRecommender(try file.load())
    let items = try answer(served)
    if output.json { return try Output.json(items) }
    let width = items.map(\.item.count).max() ?? 0
    Output.figures(
      items.enumerated().map { place, item in
        "\(String(place + 1).leftPadded(to: 3))  \(item.item.padding(toLength: width, withPad: " ", startingAt: 0))  "
          + "\(String(format: "%8.3f", item.score))  \(item.codes.map { "\($0)" }.joined(separator: "-"))"
      }.joined(separator: "\n"))
  }

  private func answer(_ served: ServedRecommender) throws -> [ServedRecommender.Recommendation] {
    let ids = (history ?? "").split(separator: ",").map(String.init)
    if let session {
      return try user.map { try served.session(user: $0, items: session, excludesHistory: !includeHistory) }
        ?? served.session(history: ids, items: session, excludesHistory: !includeHistory)
    }
    return try user.map { try served.recommend(user: $0, count: k, excludesHistory: !includeHistory) }
      ?? served.recommend(history: ids, count: k, excludesHistory: !includeHistory)
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
