internal import ArgumentParser
internal import BehaviorAlignment
internal import PipelineEngine

struct BenchPairs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pairs", abstract: "Mines Swing pairs from a generated behavior log.")
  @Option(help: "Interactions.") var interactions = 10_000_000
  @Option(help: "Users.") var users = 1_000_000
  @Option(help: "Items.") var items = 100_000
  @Option(help: "Latest items of each user that count.") var itemsPerUser = 30
  @Option(help: "Users drawn of each item.") var usersPerItem = 150
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (2...1_000_000_000).contains(interactions), (2...100_000_000).contains(users),
      (2...100_000_000).contains(items)
    else {
      throw ValidationError("--interactions is from 2 to 1000000000, --users and --items are from 2 to 100000000")
    }
    guard (2...10_000).contains(itemsPerUser), (2...4096).contains(usersPerItem), (0...1024).contains(threads) else {
      throw ValidationError(
        "--items-per-user is from 2 to 10000, --users-per-item from 2 to 4096, --threads from 0 to 1024")
    }
  }

  func run() throws {
    RunThreads.set(threads)
    var parameters = SwingMiner.Parameters()
    parameters.itemsPerUser = itemsPerUser
    parameters.usersPerItem = usersPerItem
    var result = try PairBenchmark.run(
      interactions: interactions, users: users, items: items, parameters: parameters)
    result.product = "tessera \(Tessera.version)"
    try Output.jsonLine(result)
  }
}
