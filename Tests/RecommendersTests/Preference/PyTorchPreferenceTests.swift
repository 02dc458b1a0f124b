import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Against tools/fixtures/preference.py, which computes in double precision through autograd, a session at a time. A
/// bound is about three times the largest difference met.
@Suite struct PyTorchPreferenceTests {
  private let file: SafetensorsFile

  init() throws {
    let url = try #require(
      Bundle.module.url(forResource: "preference", withExtension: "safetensors", subdirectory: "Fixtures"))
    file = try SafetensorsFile.read(url.path)
  }

  @Test func theRewardModelAgrees() throws {
    let tokens = try ItemTokens(
      sizes: [5, 4], codes: ContiguousArray(try file.tensor("codes").integers(as: Int32.self).map { UInt16($0) }),
      isPresent: (0..<20).map { $0 != 7 })
    let scope = ParameterScope(loading: file, prefix: "network.")
    let network = try RewardNetwork(
      scope, RewardNetworkTests.configuration(), itemCount: 20, objectiveCount: 2, tokens)
    let parameters = try scope.finish()
    let batch = RewardBatch(
      RewardNetworkTests.sessions, behind: RewardNetworkTests.histories, maximumHistory: 6)
    let pass = ModelPass(parameters, on: Tape(), random: RandomSource(seed: 1), isTraining: false)
    let output = network(batch, tokens, in: pass)
    let logits = try file.tensor("logits").matrix(rows: 6, columns: 3)
    for (column, found) in (output.objectives + [try #require(output.fused)]).enumerated() {
      expectClose(found.value.elements, (0..<6).map { logits[$0, column] }, tolerance: 5e-6)
    }
    let loss = try #require(output.loss(RewardNetworkTests.labels, RewardNetworkTests.objectives))
    expectClose([loss.scalar], try file.tensor("rewardLoss").floats(), tolerance: 3e-6)
    let gradients = pass.backward(from: loss)
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      expectClose(gradient.elements, try file.tensor("gradient/" + entry.name).floats(), tolerance: 5e-6)
    }
  }

  private func column(_ name: String) throws -> Matrix {
    let values = try file.tensor(name).floats()
    return Matrix(rows: values.count, columns: 1, elements: ContiguousArray(values))
  }

  @Test func directPreferenceAgrees() throws {
    let tape = Tape()
    let chosen = tape.parameter(try column("dpo/chosen")), rejected = tape.parameter(try column("dpo/rejected"))
    let margin = zip(try file.tensor("dpo/oldChosen").floats(), try file.tensor("dpo/oldRejected").floats()).map {
      $0 - $1
    }
    let loss = PreferenceLoss.direct(
      chosen: chosen, rejected: rejected, margin: ContiguousArray(margin), beta: 0.3)
    expectClose([loss.scalar], try file.tensor("dpo/loss").floats(), tolerance: 1e-6)
    let gradients = tape.backward(from: loss)
    expectClose(
      try #require(gradients[chosen]).elements, try file.tensor("dpo/chosenGradient").floats(), tolerance: 1e-7)
    expectClose(
      try #require(gradients[rejected]).elements, try file.tensor("dpo/rejectedGradient").floats(), tolerance: 1e-7)
  }

  @Test func earlyClippingAgrees() throws {
    let tape = Tape(), logs = tape.parameter(try column("ecpo/logs"))
    let old = ContiguousArray(try file.tensor("ecpo/old").floats())
    let loss = PreferenceLoss.earlyClipped(
      logs, old: old, advantages: ContiguousArray(try file.tensor("ecpo/advantages").floats()),
      weights: ContiguousArray(repeating: 1, count: old.count), clip: 0.2, earlyClip: 0.1)
    expectClose([loss.scalar], try file.tensor("ecpo/loss").floats(), tolerance: 1e-6)
    expectClose(
      try #require(tape.backward(from: loss)[logs]).elements, try file.tensor("ecpo/gradient").floats(),
      tolerance: 1e-6)
  }
}
