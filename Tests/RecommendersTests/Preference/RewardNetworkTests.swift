import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct RewardNetworkTests {
  static let histories: [[UInt32]] = [[3, 17, 5, 7], [], [12, 1, 9, 9, 2, 18]]
  static let sessions: [[[UInt32]]] = [[[4], [6, 7], [0, 1, 2]], [[10, 11]], [[19], [5]]]
  static let labels: [ContiguousArray<Float>] = [[1, 0.5, .nan, 0, 1, 0], [0, 1, 1, 0, .nan, 1]]
  static let objectives = [RewardObjective.like, RewardObjective("love", .rating(atLeast: 5), weight: 0.5)]

  static func configuration(fused: Bool = true) -> RewardConfiguration {
    var configuration = RewardConfiguration()
    configuration.width = 12
    configuration.hidden = 10
    configuration.dropout = 0
    configuration.maximumHistory = 6
    configuration.hasFusedHead = fused
    return configuration
  }

  private func network(
    fused: Bool, tokens: ItemTokens?
  ) throws -> (network: RewardNetwork, parameters: ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: 4))
    let network = try RewardNetwork(
      scope, Self.configuration(fused: fused), itemCount: 20, objectiveCount: 2, tokens)
    return (network, try scope.finish())
  }

  @Test(arguments: [true, false], [true, false])
  func gradientsAgreeWithDifferences(fused: Bool, readsCodes: Bool) throws {
    let tokens = readsCodes ? try randomTokens(items: 20, sizes: [5, 4], without: [7]) : nil
    let (network, parameters) = try network(fused: fused, tokens: tokens)
    let batch = RewardBatch(Self.sessions, behind: Self.histories, maximumHistory: 6)
    try expectParameterGradients(parameters) { pass in
      network(batch, tokens, in: pass).loss(Self.labels, Self.objectives)
    }
  }

  @Test func sessionsOfABatchDoNotSeeEachOther() throws {
    let (network, parameters) = try network(fused: true, tokens: nil)
    func logits(_ sessions: [[[UInt32]]], _ histories: [[UInt32]]) -> [Matrix] {
      let batch = RewardBatch(sessions, behind: histories, maximumHistory: 6)
      let output = network(batch, nil, in: ModelPass(inferring: parameters))
      return output.objectives.map(\.value) + [output.fused!.value]
    }
    let together = logits(Self.sessions, Self.histories)
    var row = 0
    for (history, sessions) in zip(Self.histories, Self.sessions) {
      for session in sessions {
        for (all, own) in zip(together, logits([[session]], [history])) {
          #expect(abs(all.elements[row] - own.elements[0]) < 1e-5)
        }
        row += 1
      }
    }
  }

  @Test func onlyTheLatestOfAHistoryIsRead() throws {
    let long = RewardBatch([[[1]]], behind: [[9, 9, 1, 2, 3]], maximumHistory: 3)
    let short = RewardBatch([[[1]]], behind: [[1, 2, 3]], maximumHistory: 3)
    #expect(long.pastItems == short.pastItems && long.places == short.places)
    #expect(short.places == [-1, 2, 1, 0])
  }

  @Test func labelsThatLackDoNotCount() throws {
    let (network, parameters) = try network(fused: true, tokens: nil)
    let batch = RewardBatch([[[1], [2]]], behind: [[3]], maximumHistory: 6)
    let output = network(batch, nil, in: ModelPass(inferring: parameters))
    #expect(output.loss([[.nan, .nan], [.nan, .nan]], Self.objectives) == nil)
    let first = try #require(output.loss([[1, .nan], [.nan, .nan]], Self.objectives)).scalar
    // The tower's, plus the fused head's share of 1 / 1.5.
    let expected = softplus(-output.objectives[0].value[0, 0]) + softplus(-output.fused!.value[0, 0]) / 1.5
    #expect(abs(first - expected) < 1e-5)
  }

  private func softplus(_ x: Float) -> Float { Float((1 + Double(x).exponential).logarithm) }
}
