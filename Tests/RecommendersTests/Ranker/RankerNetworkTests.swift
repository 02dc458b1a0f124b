import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import Testing

@Suite struct RankerNetworkTests {
  private static let plain = RankerVariant.allCases.map { (variant: $0, experts: 0) }

  private func configuration(_ variant: RankerVariant, experts: Int = 0) -> RankerConfiguration {
    var configuration = RankingWorld.configuration(variant)
    configuration.width = 3
    configuration.attentionHidden = 4
    configuration.hidden = [5]
    if experts > 0 {
      configuration.experts = RankerConfiguration.Experts()
      configuration.experts?.count = experts
    }
    return configuration
  }

  private func world() throws -> RankingWorld { try RankingWorld(users: 12, items: 24, cold: 6, meetings: 12) }

  private func parameters(
    _ configuration: RankerConfiguration, _ items: RankerItems, seed: UInt64 = 5
  ) throws -> (network: RankerNetwork, parameters: ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: seed))
    return (try RankerNetwork(scope, configuration, items), try scope.finish())
  }

  @Test(arguments: plain + [(variant: .allCodes, experts: 3), (variant: .ids, experts: 2)])
  func gradientsAgreeWithDifferences(variant: RankerVariant, experts: Int) throws {
    let world = try world(), configuration = configuration(variant, experts: experts)
    var (network, parameters) = try parameters(configuration, world.items)
    let batch = RankerBatch(world.split.training, 0..<40, configuration, world.items)
    // The same masks each time.
    func loss() -> (pass: ModelPass, value: Variable) {
      var random = RandomSource(seed: 3)
      let pass = ModelPass(training: parameters, using: &random)
      let output = network(batch, world.items, in: pass)
      let entropy = output.logits.binaryCrossEntropy(labels: batch.labels)
      return (pass, output.contrast.map { entropy + 0.3 * $0 } ?? entropy)
    }
    if experts > 0 {
      var random = RandomSource(seed: 3)
      #expect(network(batch, world.items, in: ModelPass(training: parameters, using: &random)).contrast != nil)
    }
    let (pass, value) = loss()
    let gradients = pass.backward(from: value)
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      let largest = gradient.elements.reduce(0.01) { max($0, abs($1)) }
      for element in stride(from: 0, to: gradient.elements.count, by: max(1, gradient.elements.count / 9)) {
        let before = parameters[parameter].elements[element]
        parameters[parameter].elements[element] = before + 0.01
        let above = loss().value.scalar
        parameters[parameter].elements[element] = before - 0.01
        let below = loss().value.scalar
        parameters[parameter].elements[element] = before
        let error = abs((above - below) / 0.02 - gradient.elements[element])
        #expect(error <= 0.02 * largest, "\(entry.name), element \(element), is off by \(error) of \(largest)")
      }
    }
  }

  @Test func parametersAreThoseOfTheVariant() throws {
    let world = try world()
    func names(_ variant: RankerVariant) throws -> Set<String> {
      Set(
        try parameters(configuration(variant), world.items).parameters.entries.map(\.name).filter {
          $0.hasPrefix("items")
        })
    }
    #expect(try names(.ids) == ["items.ids.weight"])
    #expect(
      try names(.frozenVectors) == ["items.ids.weight", "items.projection.weight", "items.projection.bias"])
    #expect(try names(.itemSetCodes) == ["items.ids.weight", "items.nearest.weight"])
    #expect(
      try names(.allCodes) == [
        "items.ids.weight", "items.nearest.weight", "items.levels.0.weight", "items.levels.1.weight",
      ])
  }

  @Test func examplesWithoutAHistoryHaveALogit() throws {
    let world = try world(), examples = world.split.training
    let empty = (0..<examples.count).filter { examples.history(of: $0).isEmpty }
    #expect(empty.count > 1)
    for experts in [0, 2] {
      let configuration = configuration(.allCodes, experts: experts)
      let (network, parameters) = try parameters(configuration, world.items)
      let batch = RankerBatch(examples, empty, configuration, world.items)
      var random = RandomSource(seed: 1)
      let output = network(batch, world.items, in: ModelPass(training: parameters, using: &random))
      #expect(output.logits.rows == empty.count && output.contrast == nil)
      let areNumbers = output.logits.value.elements.allSatisfy { $0.isFinite }
      #expect(areNumbers)
    }
  }

  @Test func hitsCountWhatAHistoryShares() throws {
    let world = try world(), examples = world.split.test
    let configuration = configuration(.allCodes)
    let tokens = try #require(world.items.tokens), nearest = try #require(world.items.nearest)
    let numbers = RankerBatch(examples, 0..<examples.count, configuration, world.items).numbers
    #expect(numbers.columns == 1 + 4 + 2)
    func rows(_ item: UInt32) -> [UInt32] {
      Array(nearest.rows[Int(item) * nearest.perItem..<(Int(item) + 1) * nearest.perItem])
    }
    for example in 0..<examples.count {
      let target = examples.items[example], history = Array(examples.history(of: example).suffix(20))
      let shared = history.map { item in rows(item).count { rows(target).contains($0) } }
      let prefixes = (1...2).map { length in
        history.count { tokens.codes(ofItem: $0).prefix(length) == tokens.codes(ofItem: target).prefix(length) }
      }
      let expected: [Float] = [
        log1p(examples.history(of: example).count), log1p(history.count { rows($0)[0] == rows(target)[0] }),
        log1p(shared.count { $0 > 0 }), Float(shared.reduce(0, +)) / Float(max(1, 2 * history.count)),
        Float(shared.max() ?? 0) / 2, log1p(prefixes[0]), log1p(prefixes[1]),
      ]
      for (column, value) in expected.enumerated() { #expect(abs(numbers[example, column] - value) < 1e-6) }
    }
  }

  private func log1p(_ count: Int) -> Float { Float(log(Double(count + 1))) }

  @Test func itemsWithoutCodesHitNothing() throws {
    let world = try world(), count = world.itemCount
    let absent = Array(repeating: false, count: count - 1) + [true]
    let items = try RankerItems(
      itemCount: count,
      nearest: .init(setSize: 3, perItem: 2, rows: ContiguousArray(repeating: 0, count: 2 * count), isPresent: absent),
      tokens: ItemTokens(sizes: [2], codes: ContiguousArray(repeating: 0, count: count), isPresent: absent))
    let examples = world.split.training
    let selection = (0..<examples.count).filter { Int(examples.items[$0]) != count - 1 }
    let numbers = RankerBatch(examples, selection, configuration(.allCodes), items).numbers
    for row in 0..<numbers.rows { #expect(numbers.row(row).dropFirst().allSatisfy { $0 == 0 }) }
  }

  @Test func aMaskLeavesTheLatestItemOfAHistory() throws {
    let world = try world(), configuration = configuration(.ids, experts: 2)
    let batch = RankerBatch(world.split.training, 0..<60, configuration, world.items)
    var random = RandomSource(seed: 4)
    let mask = HistoryMask(batch, rate: 0.95, using: &random)
    #expect(mask.kept.elements.contains(0))
    for pair in batch.owners.indices
    where pair + 1 == batch.owners.count || batch.owners[pair + 1] != batch.owners[pair] {
      #expect(mask.kept.elements[pair] == 1)
    }
    let lengths = (0..<batch.count).map { row in batch.owners.count { Int($0) == row } }
    #expect(mask.anchors.map { Int($0) } == lengths.indices.filter { lengths[$0] > 1 })
    for (place, hidden) in mask.sameUser.enumerated() {
      let user = batch.users[Int(mask.anchors[place])]
      let same = mask.anchors.indices.filter { $0 != place && batch.users[Int(mask.anchors[$0])] == user }
      #expect(hidden.map { Int($0) } == same)
    }
  }
}
