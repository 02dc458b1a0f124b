import Foundation
import NeuralNetworks
import TensorMath
import Testing

/// Against transformers, which computed the fixture (tools/fixtures/text_models.py).
@Suite struct CLIPTextModelTests {
  private struct Expected: Decodable {
    let sequences: [[Int32]]
    let vectors: [[Float]]
  }

  private func folder() throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/clip-text-tiny").path
  }

  private func configuration(_ changes: [String: Any] = [:]) throws -> CLIPTextConfiguration {
    let path = try folder() + "/config.json"
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    object.merge(changes) { $1 }
    return try CLIPTextConfiguration(
      ModelConfigurationFile(JSONSerialization.data(withJSONObject: object), path: path))
  }

  @Test(arguments: [WeightPrecision.single, .half])
  func projectedEndStatesEqualTransformers(precision: WeightPrecision) throws {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: folder() + "/expected.json")))
    let model = try CLIPTextModel(
      configuration(), checkpoint: folder() + "/model.safetensors", precision: precision)
    var scratch = model.makeScratch()
    let found = model.vectors(of: TextTokens(expected.sequences), &scratch)
    #expect(found.rows == expected.sequences.count && found.columns == model.dimensions)
    for (found, wanted) in zip(found.elements, expected.vectors.joined()) {
      #expect(abs(found - wanted) < (precision == .single ? 5e-5 : 5e-2))
    }
  }

  /// Old checkpoints say 2 where they mean the largest id, which is what argmax finds.
  @Test func theLargestIDStandsForTheEndInOldCheckpoints() throws {
    let checkpoint = try folder() + "/model.safetensors"
    let new = try CLIPTextModel(configuration(["eos_token_id": 39]), checkpoint: checkpoint, precision: .single)
    let old = try CLIPTextModel(configuration(["eos_token_id": 2]), checkpoint: checkpoint, precision: .single)
    var scratch = new.makeScratch()
    let tokens = TextTokens([[2, 7, 8, 39], [2, 39, 5, 39]])
    #expect(new.vectors(of: tokens, &scratch) == old.vectors(of: tokens, &scratch))
  }

  @Test func aLaterTokenDoesNotChangeAnEarlierEnd() throws {
    let model = try CLIPTextModel(
      configuration(), checkpoint: folder() + "/model.safetensors", precision: .single)
    var scratch = model.makeScratch()
    let short = model.vectors(of: TextTokens([[2, 9, 8, 3]]), &scratch)
    let long = model.vectors(of: TextTokens([[2, 9, 8, 3, 11, 12]]), &scratch)
    #expect(short == long)
  }

  @Test(arguments: ["num_attention_heads", "max_position_embeddings", "projection_dim", "vocab_size"])
  func anExtentOutOfRangeIsRefusedByKey(key: String) throws {
    let error = #expect(throws: NeuralNetworksError.self) { try configuration([key: 0]) }
    #expect(error?.message.contains("\"\(key)\"") == true)
  }
}
