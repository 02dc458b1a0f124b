import BehaviorAlignment
import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Loss, gradients and scores against tools/fixtures/generator.py, which computes them in double precision, a position
/// and a code at a time. A bound is about three times the largest difference met.
@Suite struct PyTorchGeneratorTests {
  private let file: SafetensorsFile
  private let fixture: NetworkFixture
  private let histories: [[UInt32]]

  init() throws {
    let url = try #require(
      Bundle.module.url(forResource: "generator", withExtension: "safetensors", subdirectory: "Fixtures"))
    file = try SafetensorsFile.read(url.path)
    var configuration = GeneratorConfiguration()
    configuration.width = 16
    configuration.hidden = 24
    configuration.dropout = 0
    configuration.maximumHistory = 6
    let tokens = try ItemTokens(
      sizes: [5, 4, 6], codes: ContiguousArray(try file.tensor("codes").integers(as: Int32.self).map { UInt16($0) }),
      isPresent: (0..<40).map { ![8, 21].contains($0) })
    let vocabulary = try GeneratorVocabulary(tokens, configuration)
    let scope = ParameterScope(loading: file, prefix: "network.")
    let network = try OnePositionNetwork(scope, configuration, vocabulary)
    fixture = NetworkFixture(configuration, vocabulary, network, try scope.finish())
    var items = try file.tensor("histories").integers(as: Int32.self).map { UInt32($0) }[...]
    histories = try file.tensor("lengths").integers(as: Int32.self).map { length in
      defer { items = items.dropFirst(Int(length)) }
      return Array(items.prefix(Int(length)))
    }
  }

  @Test func lossAndGradientsAgree() throws {
    var random = RandomSource(seed: 1)
    let pass = ModelPass(training: fixture.parameters, using: &random)
    let loss = try #require(
      fixture.network.loss(
        SequenceBatch(histories), next: file.tensor("next").integers(), fixture.vocabulary, in: pass))
    expectClose([loss.scalar], try file.tensor("loss").floats(), tolerance: 3e-6)
    let gradients = pass.backward(from: loss)
    for entry in fixture.parameters.entries {
      let parameter = try #require(fixture.parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      expectClose(gradient.elements, try file.tensor("gradient/" + entry.name).floats(), tolerance: 3e-6)
    }
  }

  @Test func scoresOfAllItemsAgree() throws {
    var generator = fixture.generator()
    generator.beamWidth = 40
    let expected = try file.tensor("logProbabilities").matrix(rows: histories.count, columns: 40)
    let answers = try generator.recommend(histories.map { query($0) }[...], count: 40, filter: .init())
    let tokens = fixture.vocabulary.tokens
    for (row, answer) in answers.enumerated() {
      #expect(answer.count == 38)
      for scored in answer {
        // Items of one ID share its probability evenly here: none has an event.
        let bucket = (0..<UInt32(40)).count {
          tokens.isPresent[Int($0)] && tokens.codes(ofItem: $0) == tokens.codes(ofItem: scored.item)
        }
        let score = Double(expected[row, Int(scored.item)]) - Double(bucket).logarithm
        #expect(abs(Double(scored.score) - score) < 2e-5, "history \(row), item \(scored.item)")
      }
    }
  }
}
