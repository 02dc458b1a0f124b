import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

extension Double {
  var exponential: Double { exp(self) }
  var logarithm: Double { log(self) }
}

@Suite struct GeneratorNetworkTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3]]
  static let next: ContiguousArray<Int32> = [1, 5, 9, 2, 40, 6, -1, 20, 30, 12, 3, 17]

  private func loss(_ fixture: NetworkFixture, _ histories: [[UInt32]], _ next: ContiguousArray<Int32>) -> Float? {
    let pass = ModelPass(inferring: fixture.parameters)
    return fixture.network.loss(SequenceBatch(histories), next: next, fixture.vocabulary, in: pass)?.scalar
  }

  /// What lies behind a row of the histories, and what comes next.
  private var examples: [(history: [UInt32], target: UInt32)] {
    var (examples, row): ([([UInt32], UInt32)], Int) = ([], 0)
    for history in Self.histories {
      for count in 0...history.count {
        if Self.next[row] >= 0 { examples.append((Array(history.prefix(count)), UInt32(Self.next[row]))) }
        row += 1
      }
    }
    return examples
  }

  @Test(arguments: [nil, [], [1, 3]] as [[Int]?])
  func theLossOfABatchIsThatOfItsPositionsOneByOne(_ tables: [Int]?) throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]), tables: tables)
    let expected =
      examples.reduce(0) { $0 - fixture.logProbabilities(of: $1.target, behind: $1.history).reduce(0, +) }
      / Float(examples.count)
    let found = try #require(loss(fixture, Self.histories, Self.next))
    #expect(abs(found - expected) < 1e-4)
  }

  @Test func whatIsNotToBeLearnedDoesNotCount() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    #expect(loss(fixture, [[3, 4]], [-1, -1, -1]) == nil)
    let alone = try #require(loss(fixture, [[3, 4]], [-1, 8, -1]))
    #expect(abs(alone + fixture.logProbabilities(of: 8, behind: [3]).reduce(0, +)) < 1e-4)
  }

  @Test func aLaterItemChangesNoEarlierPosition() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    for changed in 0..<4 {
      var other = Self.histories[0]
      other[changed] = 44
      for target in 0...changed {
        var next = ContiguousArray<Int32>(repeating: -1, count: 5)
        next[target] = 13
        #expect(loss(fixture, [Self.histories[0]], next) == loss(fixture, [other], next))
      }
      // And the one behind it does.
      var next = ContiguousArray<Int32>(repeating: -1, count: 5)
      next[changed + 1] = 13
      #expect(loss(fixture, [Self.histories[0]], next) != loss(fixture, [other], next))
    }
  }

  @Test func sequencesOfABatchDoNotSeeEachOther() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    let alone = try #require(loss(fixture, [[1, 2]], [-1, -1, 9]))
    let together = try #require(loss(fixture, [[8], [1, 2], [4]], [-1, -1, -1, -1, 9, -1, -1]))
    #expect(abs(alone - together) < 1e-5)
  }

  @Test func placesTellTheOrderOfItems() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    #expect(loss(fixture, [[1, 2, 3]], [-1, -1, -1, 9]) != loss(fixture, [[2, 1, 3]], [-1, -1, -1, 9]))
  }

  @Test func itemsOfOneIDAreReadAlike() throws {
    let tokens = try ItemTokens(
      sizes: [3, 3], codes: [2, 1, 0, 0, 2, 1, 1, 1], isPresent: [true, true, true, true])
    let fixture = try NetworkFixture(tokens)
    #expect(loss(fixture, [[0]], [-1, 1]) == loss(fixture, [[2]], [-1, 1]))
    #expect(loss(fixture, [[0]], [-1, 1]) != loss(fixture, [[3]], [-1, 1]))
  }

  @Test func gradientsAgreeWithDifferences() throws {
    let fixture = try NetworkFixture(randomTokens(items: 30, sizes: [4, 3, 3]), dropout: 0.2)
    let next = Self.next.map { $0 < 0 ? $0 : $0 % 30 }, histories = Self.histories.map { $0.map { $0 % 30 } }
    func pass(_ parameters: ParameterSet) throws -> (pass: ModelPass, loss: Variable) {
      var seed = RandomSource(seed: 5)
      let pass = ModelPass(training: parameters, using: &seed)
      let loss = fixture.network.loss(
        SequenceBatch(histories), next: ContiguousArray(next), fixture.vocabulary, in: pass)
      return (pass, try #require(loss))
    }
    let (first, loss) = try pass(fixture.parameters)
    let gradients = first.backward(from: loss)
    var random = RandomSource(seed: 6)
    for entry in fixture.parameters.entries {
      let parameter = try #require(fixture.parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      let direction = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
      let length = Float(direction.elements.count).squareRoot(), step: Float = 0.02
      let expected = zip(direction.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 } / length
      var (above, below) = (fixture.parameters, fixture.parameters)
      for index in direction.elements.indices {
        above[parameter].elements[index] += step * direction.elements[index] / length
        below[parameter].elements[index] -= step * direction.elements[index] / length
      }
      let found = try (pass(above).loss.scalar - pass(below).loss.scalar) / (2 * step)
      #expect(abs(found - expected) < 0.02 * max(abs(expected), 0.05), "\(entry.name): \(found), not \(expected)")
    }
  }

  @Test func configurationsOutOfRangeAreRefused() throws {
    let changes: [(inout GeneratorConfiguration) -> Void] = [
      { $0.width = 0 }, { $0.heads = 3 }, { $0.layers = 0 }, { $0.hidden = 0 }, { $0.dropout = 1 },
      { $0.maximumHistory = 0 }, { $0.prefixTables = [2, 2] }, { $0.prefixTables = [4] }, { $0.prefixTables = [0] },
    ]
    let tokens = try randomTokens(items: 10, sizes: [4, 4, 4])
    for change in changes {
      var configuration = GeneratorConfiguration()
      change(&configuration)
      let error = #expect(throws: RecommenderError.self) { try GeneratorVocabulary(tokens, configuration) }
      #expect(error?.code == .invalidParameter)
    }
  }
}
