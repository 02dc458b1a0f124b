import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// Against transformers, which computed the fixtures (tools/fixtures/text_models.py).
@Suite struct BERTModelTests {
  private struct Expected: Decodable {
    let sequences: [[Int32]]
    let states: [[[Float]]]
  }

  private func folder(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
  }

  private func model(_ name: String, precision: WeightPrecision = .single) throws -> BERTModel {
    let folder = try folder(name)
    return try BERTModel(
      BERTConfiguration(ModelConfigurationFile(contentsOf: folder + "/config.json")),
      checkpoint: folder + "/model.safetensors", precision: precision)
  }

  private func expected(_ name: String) throws -> Expected {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder(name) + "/expected.json"))
    return try JSONDecoder().decode(Expected.self, from: data)
  }

  @Test(arguments: ["bert-tiny", "xlm-roberta-tiny"], [WeightPrecision.single, .half])
  func statesEqualTransformers(name: String, precision: WeightPrecision) throws {
    let (model, expected) = try (model(name, precision: precision), expected(name))
    var scratch = model.makeScratch()
    let tokens = TextTokens(expected.sequences)
    model.encode(tokens, &scratch)
    let wanted = expected.states.flatMap { $0.flatMap { $0 } }
    let tolerance: Float = precision == .single ? 3e-5 : 3e-2
    for (found, wanted) in zip(scratch.state, wanted) { #expect(abs(found - wanted) < tolerance) }
    #expect(wanted.count == tokens.ids.count * model.configuration.width)
  }

  @Test func aSequenceDoesNotDependOnItsNeighbors() throws {
    let (model, expected) = try (model("bert-tiny"), expected("bert-tiny"))
    var scratch = model.makeScratch()
    let tokens = TextTokens(expected.sequences)
    model.encode(tokens, &scratch)
    let together = scratch.state
    for index in expected.sequences.indices {
      let range = tokens.range(index)
      var alone = model.makeScratch()
      model.encode(TextTokens([expected.sequences[index]]), &alone)
      let width = model.configuration.width
      #expect(alone.state == ContiguousArray(together[range.lowerBound * width..<range.upperBound * width]))
    }
  }

  @Test func anEmptyBatchAndAnEmptySequenceLeaveNothing() throws {
    let model = try model("bert-tiny")
    var scratch = model.makeScratch()
    model.encode(TextTokens(), &scratch)
    model.encode(TextTokens([[], [2, 3], []]), &scratch)
    let state = scratch.state
    #expect(state.count == 2 * model.configuration.width)
    #expect(state.contains { $0 != 0 })
  }

  @Test(arguments: [
    ("missing", "embeddings.LayerNorm.bias"), ("shape", "encoder.layer.1.output.dense.weight"),
    ("extra", "adapter.weight"),
    ("nan", "encoder.layer.0.attention.self.key.bias"),
  ])
  func aCheckpointOfAnotherModelIsRefusedByName(damage: String, tensor: String) throws {
    let source = try SafetensorsFile.read(folder("bert-tiny") + "/model.safetensors")
    var tensors = source.tensors
    switch damage {
    case "missing": tensors.removeAll { $0.name == tensor }
    case "extra": tensors.append(NamedTensor(name: tensor, shape: [1], floats: [1]))
    case "shape":
      try replace(tensor, in: &tensors) { NamedTensor(name: $0.name, shape: [$0.count], floats: try $0.floats()) }
    default:
      try replace(tensor, in: &tensors) {
        var floats = try $0.floats()
        floats[3] = .nan
        return NamedTensor(name: $0.name, shape: $0.shape, floats: floats)
      }
    }
    try withTemporaryDirectory { directory in
      let path = directory + "/model.safetensors"
      try SafetensorsWriter.write(tensors, to: path)
      let configuration = try BERTConfiguration(
        ModelConfigurationFile(contentsOf: folder("bert-tiny") + "/config.json"))
      let error = #expect(throws: NeuralNetworksError.self) {
        try BERTModel(configuration, checkpoint: path, precision: .single)
      }
      #expect(error?.message.contains(tensor) == true)
      #expect(error?.message.contains(path) == true)
    }
  }

  private func replace(
    _ name: String, in tensors: inout [NamedTensor], _ change: (NamedTensor) throws -> NamedTensor
  ) rethrows {
    for index in tensors.indices where tensors[index].name == name { tensors[index] = try change(tensors[index]) }
  }

  @Test(arguments: [
    ("model_type", "\"t5\""), ("hidden_size", "0"), ("hidden_size", "1e9"), ("num_attention_heads", "3"),
    ("hidden_act", "\"swish\""), ("layer_norm_eps", "\"small\""), ("position_embedding_type", "\"relative_key\""),
    ("vocab_size", "null"), ("max_position_embeddings", "2.5"),
  ])
  func aConfigurationThatNoModelHereFitsIsRefusedByKey(key: String, value: String) throws {
    let original = try String(contentsOfFile: folder("bert-tiny") + "/config.json", encoding: .utf8)
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(original.utf8)) as? [String: Any])
    object[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
    let data = try JSONSerialization.data(withJSONObject: object)
    let error = #expect(throws: NeuralNetworksError.self) {
      try BERTConfiguration(ModelConfigurationFile(data, path: "config.json"))
    }
    #expect(error?.message.contains("\"\(key)\"") == true)
    #expect(error?.code == .unsupportedModel)
  }

  @Test(arguments: ["", "[]", "{", "{\"a\": }", "\u{0}"])
  func whatIsNotAJSONObjectIsRefused(text: String) {
    #expect(throws: NeuralNetworksError.self) { try ModelConfigurationFile(Data(text.utf8), path: "config.json") }
  }
}
