import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// The encoder-decoder of tools/fixtures/training.py.
struct FixtureModel {
  let embedding: Embedding
  let encoder: [TransformerBlock]
  let decoder: [TransformerBlock]
  let norm: Normalization
  /// Nil where the embedding table serves.
  let head: Linear?

  init(_ scope: ParameterScope, width: Int, hidden: Int, layers: Int, isGated: Bool) throws {
    var configuration = TransformerBlock.Configuration(
      width: width, heads: 4, feedForward: isGated ? .gated(hidden: hidden) : .dense(hidden: hidden, activation: .gelu),
      normalization: isGated ? .rootMeanSquare : .layer, hasBias: !isGated)
    embedding = try Embedding(scope["embedding"], count: 20, width: width)
    encoder = try (0..<layers).map { try TransformerBlock(scope["encoder", $0], configuration) }
    configuration.attendsToMemory = true
    decoder = try (0..<layers).map { try TransformerBlock(scope["decoder", $0], configuration) }
    norm = try Normalization(configuration.normalization, scope["norm"], width: width)
    head = isGated ? try Linear(scope["head"], inputs: width, outputs: 20, hasBias: false) : nil
  }

  func logits(_ batch: FixtureBatch, in pass: ModelPass) -> Variable {
    let sources = AttentionLayout(selfAttentionOver: batch.sourceOffsets, isCausal: false)
    let targets = AttentionLayout(selfAttentionOver: batch.targetOffsets, isCausal: true)
    let across = AttentionLayout(
      segments: zip(targets.segments, sources.segments).map { .init(queries: $0.queries, keys: $1.keys) })
    var x = embedding(batch.sources, in: pass)
    for block in encoder { x = block(x, layout: sources, in: pass) }
    let memory = TransformerBlock.Memory(x, layout: across)
    var y = embedding(batch.targets, in: pass)
    for block in decoder { y = block(y, layout: targets, memory: memory, in: pass) }
    y = norm(y, in: pass)
    return head.map { $0(y, in: pass) } ?? embedding.logits(y, in: pass)
  }
}

struct FixtureBatch {
  let sources, targets, labels: ContiguousArray<Int32>
  let sourceOffsets, targetOffsets: [Int]

  init(_ file: SafetensorsFile) throws {
    sources = try file.tensor("sources").integers()
    targets = try file.tensor("targets").integers()
    labels = try file.tensor("labels").integers()
    func offsets(_ name: String) throws -> [Int] {
      try file.tensor(name).integers(as: Int32.self).reduce(into: [0]) { $0.append($0[$0.count - 1] + Int($1)) }
    }
    sourceOffsets = try offsets("sourceCounts")
    targetOffsets = try offsets("targetCounts")
  }
}

/// Logits, loss, gradients and ten steps of AdamW against what PyTorch computes in double precision. A bound is what our
/// single precision may differ by; the largest difference met is a third of it or less.
@Suite struct PyTorchTrainingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let width, hidden, layers: Int
    let isGated: Bool
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "dense", width: 32, hidden: 32, layers: 2, isGated: false),
    Case(name: "gated", width: 16, hidden: 24, layers: 1, isGated: true),
  ]

  static func file(_ test: Case, _ part: String) throws -> SafetensorsFile {
    let url = try #require(
      Bundle.module.url(
        forResource: "\(test.name)-\(part)", withExtension: "safetensors", subdirectory: "Fixtures/training"))
    return try SafetensorsFile.read(url.path)
  }

  static func load(_ test: Case) throws -> (model: FixtureModel, parameters: ParameterSet, file: SafetensorsFile) {
    let file = try file(test, "initial")
    let scope = ParameterScope(loading: file, prefix: "initial/")
    let model = try FixtureModel(
      scope, width: test.width, hidden: test.hidden, layers: test.layers, isGated: test.isGated)
    return (model, try scope.finish(), file)
  }

  @Test(arguments: cases)
  func logitsLossAndGradientsAgree(_ test: Case) throws {
    let (model, parameters, file) = try Self.load(test)
    let batch = try FixtureBatch(file)
    var random = RandomSource(seed: 1)
    let pass = ModelPass(training: parameters, using: &random)
    let logits = model.logits(batch, in: pass)
    let loss = logits.softmaxCrossEntropy(targets: batch.labels)
    expectClose(logits.value.elements, try file.tensor("logits").floats(), tolerance: 2e-5)
    expectClose([loss.scalar], try file.tensor("losses").floats().prefix(1), tolerance: 2e-6)

    let gradients = pass.backward(from: loss)
    let expected = try Self.file(test, "gradients")
    for entry in parameters.entries {
      let gradient = try gradients.named(entry.name, in: parameters)
      expectClose(gradient.elements, try expected.tensor("gradient/" + entry.name).floats(), tolerance: 2e-5)
    }
    expectClose([Float(gradients.norm())], try file.tensor("norms").floats().prefix(1), tolerance: 5e-5)
  }

  @Test(arguments: cases)
  func tenStepsOfAdamWWithClippingAndWarmUpAgree(_ test: Case) throws {
    let (model, parameters, file) = try Self.load(test)
    let batch = try FixtureBatch(file)
    var state = TrainingState(
      parameters, optimizer: AdamW(.init(epsilon: 1e-6, weightDecay: 0.1)),
      schedule: .warmupCosine(peak: 5e-3, warmupSteps: 3, steps: 20), maximumNorm: 0.5, random: RandomSource(seed: 1))
    var (losses, norms): ([Float], [Float]) = ([], [])
    for _ in 0..<10 {
      let pass = ModelPass(training: state.parameters, using: &state.random)
      let loss = model.logits(batch, in: pass).softmaxCrossEntropy(targets: batch.labels)
      losses.append(loss.scalar)
      norms.append(Float(try state.update(with: pass.backward(from: loss)).gradientNorm))
    }
    expectClose(losses, try file.tensor("losses").floats(), tolerance: 1e-4)
    expectClose(norms, try file.tensor("norms").floats(), tolerance: 2e-3)
    let expected = try Self.file(test, "change")
    for (entry, initial) in zip(state.parameters.entries, parameters.entries) {
      let change = zip(entry.value.elements, initial.value.elements).map { $0 - $1 }
      expectClose(change, try expected.tensor("change/" + entry.name).floats(), tolerance: 1e-4)
    }
  }
}
