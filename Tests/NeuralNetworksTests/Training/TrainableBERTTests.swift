import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A BERT whose layers learn is the one that encodes, and learns as PyTorch's does (tools/fixtures/text_tuning.py).
@Suite struct TrainableBERTTests {
  private static func folder(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
  }

  private struct Model {
    let configuration: BERTConfiguration
    let checkpoint: SafetensorsFile
    let inference: BERTModel

    init(_ name: String) throws {
      let folder = try TrainableBERTTests.folder(name)
      configuration = try BERTConfiguration(ModelConfigurationFile(contentsOf: folder + "/config.json"))
      checkpoint = try SafetensorsFile.read(folder + "/model.safetensors")
      inference = try BERTModel(configuration, checkpoint: checkpoint, path: name, precision: .single)
    }

    func trainable(_ depth: TrainableDepth) throws -> TrainableBERT {
      try TrainableBERT(configuration, checkpoint: checkpoint, depth: depth)
    }

    /// The states that a part of the model which learns reads.
    func below(_ tokens: TextTokens, _ network: TrainableBERT, _ depth: TrainableDepth) -> Matrix? {
      guard depth != .all else { return nil }
      return states(tokens, inference, layers: network.frozenLayers)
    }

    func states(_ tokens: TextTokens, _ model: BERTModel, layers: Int? = nil) -> Matrix {
      var scratch = model.makeScratch()
      model.encode(tokens, &scratch, layers: layers)
      let (rows, width) = (tokens.ids.count, configuration.width)
      return Matrix(rows: rows, columns: width, elements: ContiguousArray(scratch.state.prefix(rows * width)))
    }
  }

  private static let tokens = TextTokens([
    [2, 5, 6, 7, 3], [2, 3], [], [2, 9, 39, 38, 37, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 3], [2],
  ])

  @Test(arguments: ["bert-tiny", "xlm-roberta-tiny"], [TrainableDepth.last(1), .last(2), .all])
  func untouchedWeightsGiveTheStatesOfTheEncoder(name: String, depth: TrainableDepth) throws {
    let model = try Model(name)
    let network = try model.trainable(depth)
    let pass = ModelPass(inferring: network.parameters)
    let found = network(Self.tokens, below: model.below(Self.tokens, network, depth), in: pass).value
    expectClose(found.elements, model.states(Self.tokens, model.inference).elements, tolerance: 1e-5)
    #expect(network.changes(network.parameters).isEmpty)
  }

  @Test(arguments: [SequencePooling.mean, .first, .last, .maximum])
  func poolingOnATapeIsThatOfTheEncoder(pooling: SequencePooling) throws {
    let model = try Model("bert-tiny")
    let states = model.states(Self.tokens, model.inference)
    let tape = Tape(isRecording: false)
    let pooled = pooling(tape.constant(states), offsets: Self.tokens.offsets).value
    for sequence in 0..<Self.tokens.count {
      let wanted = pooling(states.elements.span, Self.tokens.range(sequence), width: states.columns)
      expectClose(pooled.row(sequence), wanted, tolerance: 1e-6)
    }
    expectGradients(of: [LayerTests.input(6, 3)]) { pooling($0[0], offsets: [0, 2, 2, 5, 6]) }
  }

  @Test func aBlockHasItsGradients() throws {
    var configuration = try Model("bert-tiny").configuration
    configuration.width = 8
    configuration.feedForwardWidth = 12
    let shape = configuration
    let (block, parameters) = try makeLayer(deviation: 0.3) { try PostNormalizedBlock($0, shape) }
    let layout = AttentionLayout(selfAttentionOver: [0, 4, 6], isCausal: false)
    expectParameterGradients(parameters) { pass in
      block(pass.tape.constant(LayerTests.input(6, 8)), layout: layout, in: pass)
    }
    expectGradients(of: [LayerTests.input(6, 8)]) { inputs in
      block(inputs[0], layout: layout, in: ModelPass(parameters, on: inputs[0].tape, random: RandomSource(seed: 1)))
    }
  }

  // MARK: Against PyTorch

  private struct Lesson {
    let model: Model
    let network: TrainableBERT
    let depth: TrainableDepth
    let tokens: TextTokens
    let file: SafetensorsFile

    init(_ name: String, _ depth: TrainableDepth) throws {
      model = try Model("bert-tiny")
      network = try model.trainable(depth)
      self.depth = depth
      file = try SafetensorsFile.read(folder("training/bert-\(name).safetensors"))
      var rest = try file.tensor("ids").integers(as: Int32.self)[...]
      var sequences: [[Int32]] = []
      for count in try file.tensor("counts").integers(as: Int32.self) {
        sequences.append(Array(rest.prefix(Int(count))))
        rest = rest.dropFirst(Int(count))
      }
      tokens = TextTokens(sequences)
    }

    func vectors(_ pass: ModelPass) -> Variable {
      let states = network(tokens, below: model.below(tokens, network, depth), in: pass)
      return SequencePooling.mean(states, offsets: tokens.offsets).unitRows()
    }

    func loss(_ vectors: Variable) -> Variable {
      let half = Int32(vectors.rows / 2)
      return vectors.selectingRows(ContiguousArray(0..<half)).contrastiveLoss(
        with: vectors.selectingRows(ContiguousArray(half..<2 * half)), ContrastiveOptions(temperature: 0.1))
    }
  }

  private static let lessons: [(String, TrainableDepth)] = [("last", .last(1)), ("all", .all)]

  @Test(arguments: lessons)
  func vectorsLossAndGradientsAgree(name: String, depth: TrainableDepth) throws {
    let lesson = try Lesson(name, depth)
    var random = RandomSource(seed: 1)
    let pass = ModelPass(training: lesson.network.parameters, using: &random)
    let vectors = lesson.vectors(pass)
    let loss = lesson.loss(vectors)
    expectClose(vectors.value.elements, try lesson.file.tensor("vectors").floats(), tolerance: 3e-6)
    expectClose([loss.scalar], try lesson.file.tensor("losses").floats().prefix(1), tolerance: 1e-5)
    let gradients = pass.backward(from: loss)
    for entry in lesson.network.parameters.entries {
      let gradient = try gradients.named(entry.name, in: lesson.network.parameters)
      let wanted = try lesson.file.tensor("gradient/" + entry.name).floats()
      expectClose(gradient.elements, wanted, tolerance: 1e-5)
    }
    #expect(lesson.file.tensors.count { $0.name.hasPrefix("gradient/") } == lesson.network.parameters.entries.count)
    expectClose([Float(gradients.norm())], try lesson.file.tensor("norms").floats().prefix(1), tolerance: 3e-5)
  }

  @Test(arguments: lessons)
  func tenStepsOfAdamWAgree(name: String, depth: TrainableDepth) throws {
    let lesson = try Lesson(name, depth)
    var state = TrainingState(
      lesson.network.parameters, optimizer: AdamW(.init(epsilon: 1e-6, weightDecay: 0.1)),
      schedule: .warmupCosine(peak: 5e-3, warmupSteps: 3, steps: 20), maximumNorm: 0.5, random: RandomSource(seed: 1))
    var losses: [Float] = []
    for _ in 0..<10 {
      let pass = ModelPass(training: state.parameters, using: &state.random)
      let loss = lesson.loss(lesson.vectors(pass))
      losses.append(loss.scalar)
      try state.update(with: pass.backward(from: loss))
    }
    expectClose(losses, try lesson.file.tensor("losses").floats(), tolerance: 3e-5)
    for (entry, initial) in zip(state.parameters.entries, lesson.network.parameters.entries) {
      let change = zip(entry.value.elements, initial.value.elements).map { $0 - $1 }
      expectClose(change, try lesson.file.tensor("change/" + entry.name).floats(), tolerance: 3e-4)
    }
  }

  // MARK: What changed

  /// Written over the checkpoint, the changes make the encoder that training saw.
  @Test(arguments: ["bert-tiny", "xlm-roberta-tiny"], [TrainableDepth.last(1), .all])
  func changesGoBackToTheCheckpoint(name: String, depth: TrainableDepth) throws {
    let model = try Model(name)
    let network = try model.trainable(depth)
    var tuned = network.parameters
    let touched = tuned.entries.indices.filter { $0 % 2 == 0 }.map { tuned.entries[$0].name }
    for name in touched {
      let parameter = try #require(tuned.parameter(named: name))
      for index in tuned[parameter].elements.indices { tuned[parameter].elements[index] *= 1.1 }
      tuned[parameter].elements[0] += 0.1
    }
    let changes = network.changes(tuned)
    #expect(changes.count == touched.count)
    let file = try model.checkpoint.replacing(changes)
    let encoder = try BERTModel(model.configuration, checkpoint: file, path: name, precision: .single)
    let pass = ModelPass(inferring: tuned)
    let wanted = network(Self.tokens, below: model.below(Self.tokens, network, depth), in: pass).value
    expectClose(model.states(Self.tokens, encoder).elements, wanted.elements, tolerance: 1e-5)
    let before = model.states(Self.tokens, model.inference)
    #expect(zip(wanted.elements, before.elements).contains { abs($0 - $1) > 1e-2 })
  }

  @Test func tensorsOfAnotherModelReplaceNothing() throws {
    let checkpoint = try Model("bert-tiny").checkpoint
    for tensor in [
      NamedTensor(name: "adapter", shape: [1], floats: [1]),
      NamedTensor(name: "encoder.layer.1.output.dense.bias", shape: [3], floats: [1, 2, 3]),
    ] {
      let error = #expect(throws: NeuralNetworksError.self) { try checkpoint.replacing([tensor]) }
      #expect(error?.code == .unexpectedTensor)
      #expect(error?.message.contains(tensor.name) == true)
    }
  }

  @Test(arguments: [0, 3, -1])
  func moreLayersThanThereAreAreRefused(count: Int) throws {
    let model = try Model("bert-tiny")
    let error = #expect(throws: NeuralNetworksError.self) { try model.trainable(.last(count)) }
    #expect(error?.code == .unsupportedModel)
    #expect(error?.message.contains("the model has 2") == true)
  }
}
