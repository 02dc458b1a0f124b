import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// `picture` of tools/fixtures/image_models.py, channels last.
private func picture(_ size: Int, _ number: Int) -> ContiguousArray<Float> {
  var values: ContiguousArray<Float> = []
  for row in 0..<size {
    for column in 0..<size {
      for color in 0..<3 {
        values.append(Float((7 * row + 13 * column + 29 * color + 31 * number * (row ^ column)) % 64) / 32 - 1)
      }
    }
  }
  return values
}

private func folder(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
}

private func modelFolder(_ name: String) -> String? {
  ProcessInfo.processInfo.environment["TESSERA_MODELS"].map { $0 + "/" + name }
}

private func expectedVectors(_ name: String) throws -> [[Float]] {
  struct Expected: Decodable { let vectors: [[Float]] }
  let data = try Data(contentsOf: URL(fileURLWithPath: folder(name) + "/expected.json"))
  return try JSONDecoder().decode(Expected.self, from: data).vectors
}

private func cosine(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
  let (dot, left, right) = zip(a, b).reduce((0.0, 0.0, 0.0)) { sums, pair in
    let (x, y) = (Double(pair.0), Double(pair.1))
    return (sums.0 + x * y, sums.1 + x * x, sums.2 + y * y)
  }
  return dot / (left * right).squareRoot()
}

/// What the generator's `efficientnet` builds.
private let tinyConfiguration = EfficientNetConfiguration(
  imageSize: 37, stemChannels: 8,
  stages: [
    .init(kernel: 3, stride: 1, expansion: 1, channels: 8, repeats: 1),
    .init(kernel: 3, stride: 2, expansion: 6, channels: 16, repeats: 2),
    .init(kernel: 5, stride: 2, expansion: 4, channels: 16, repeats: 2),
    .init(kernel: 5, stride: 1, expansion: 6, channels: 24, repeats: 1),
    .init(kernel: 3, stride: 2, expansion: 3, channels: 16, repeats: 1),
  ], featureDimensions: 320)

private func features(_ model: EfficientNet, _ images: [ContiguousArray<Float>]) -> ContiguousArray<Float> {
  var scratch = model.makeScratch()
  return features(model, images, &scratch)
}

private func features(
  _ model: EfficientNet, _ images: [ContiguousArray<Float>], _ scratch: inout EfficientNetScratch
) -> ContiguousArray<Float> {
  let all = ContiguousArray(images.joined())
  var output = ContiguousArray<Float>(repeating: .nan, count: images.count * model.dimensions)
  all.withUnsafeBufferPointer { all in
    output.withUnsafeMutableBufferPointer {
      model.features(of: all.baseAddress!, count: images.count, into: $0.baseAddress!, &scratch)
    }
  }
  return output
}

/// Against efficientnet_lite_pytorch, which computed the fixture.
@Suite struct EfficientNetTests {
  private func model(precision: WeightPrecision = .single) throws -> EfficientNet {
    try EfficientNet(
      tinyConfiguration, checkpoint: folder("efficientnet-tiny") + "/model.safetensors", precision: precision)
  }

  @Test func featuresEqualTheReferences() throws {
    let model = try model()
    let found = features(model, (0..<3).map { picture(37, $0) })
    let expected = try expectedVectors("efficientnet-tiny")
    expectClose(found, expected.flatMap { $0 }, tolerance: 2e-5)
    #expect(model.dimensions == 320 && model.imageCount == 37 * 37 * 3)
  }

  @Test func halfPrecisionKeepsTheDirection() throws {
    let found = features(try model(precision: .half), [picture(37, 1)])
    #expect(cosine(found, try expectedVectors("efficientnet-tiny")[1]) > 0.999)
  }

  @Test func anImageDoesNotDependOnItsNeighborsOrTheScratch() throws {
    let model = try model()
    let images = (0..<7).map { picture(37, $0 % 4) }
    var scratch = model.makeScratch()
    let together = features(model, images, &scratch)
    for (index, image) in images.enumerated() {
      let alone = features(model, [image], &scratch)
      #expect(alone == ContiguousArray(together[index * 320..<(index + 1) * 320]))
    }
  }

  /// TESSERA_MODELS names the folder with efficientnet-lite0, as tools/convert_efficientnet.py writes it.
  @Test(.enabled(if: modelFolder("efficientnet-lite0") != nil)) func realWeightsGiveThePeersFeatures() throws {
    let folder = try #require(modelFolder("efficientnet-lite0"))
    let config = try EfficientNetConfiguration(ModelConfigurationFile(contentsOf: folder + "/config.json"))
    let expected = try expectedVectors("efficientnet-lite0")[0]
    for (precision, bound) in [(WeightPrecision.single, 0.999999), (.half, 0.9995)] {
      let model = try EfficientNet(config, checkpoint: folder + "/model.safetensors", precision: precision)
      #expect(cosine(features(model, [picture(224, 1)]), expected) > bound)
    }
  }

  @Test func noImagesLeaveNothing() throws {
    #expect(features(try model(), []).isEmpty)
  }

  @Test(arguments: [
    ("lite0", 224, [16, 24, 40, 80, 112, 192, 320], [1, 2, 2, 3, 3, 4, 1]),
    ("lite1", 240, [16, 24, 40, 80, 112, 192, 320], [1, 3, 3, 4, 4, 5, 1]),
    ("lite2", 260, [16, 24, 48, 88, 120, 208, 352], [1, 3, 3, 4, 4, 5, 1]),
    ("lite3", 280, [24, 32, 48, 96, 136, 232, 384], [1, 3, 3, 5, 5, 6, 1]),
    ("lite4", 300, [24, 32, 56, 112, 160, 272, 448], [1, 4, 4, 6, 6, 8, 1]),
  ])
  func variantsHaveTheReferencesExtents(variant: String, size: Int, channels: [Int], repeats: [Int]) throws {
    let configuration = try #require(EfficientNetConfiguration(variant: variant))
    #expect(configuration.imageSize == size && configuration.stemChannels == 32)
    #expect(configuration.stages.map(\.channels) == channels)
    #expect(configuration.stages.map(\.repeats) == repeats)
    #expect(configuration.featureDimensions == 1280)
    #expect(EfficientNetConfiguration(variant: "lite9") == nil)
  }

  @Test func configurationsAreRead() throws {
    let text = #"{"model_type": "efficientnet-lite", "variant": "lite2", "batch_norm_eps": 0.002, "image_size": 128}"#
    let configuration = try EfficientNetConfiguration(ModelConfigurationFile(Data(text.utf8), path: "config.json"))
    #expect(configuration.imageSize == 128 && configuration.epsilon == 0.002)
    #expect(configuration.stages == EfficientNetConfiguration(variant: "lite2")?.stages)
  }

  @Test(arguments: [#"{}"#, #"{"variant": "b0"}"#, #"{"variant": "lite0", "batch_norm_eps": 0}"#])
  func badConfigurationsAreRefused(text: String) {
    let error = #expect(throws: NeuralNetworksError.self) {
      try EfficientNetConfiguration(ModelConfigurationFile(Data(text.utf8), path: "config.json"))
    }
    #expect(error?.code == .unsupportedModel)
  }

  @Test(arguments: ["missing", "shape", "extra", "nan", "variance"])
  func badWeightsAreRefusedByName(damage: String) throws {
    let file = try SafetensorsFile.read(folder("efficientnet-tiny") + "/model.safetensors")
    let name = damage == "variance" ? "_blocks.1._bn1.running_var" : "_blocks.3._project_conv.weight"
    let tensors = try file.tensors.flatMap { tensor -> [NamedTensor] in
      guard tensor.name == name else { return [tensor] }
      var floats = try tensor.floats()
      switch damage {
      case "missing": return []
      case "shape": return [NamedTensor(name: name, shape: [floats.count], floats: floats)]
      case "extra": return [tensor, NamedTensor(name: name + ".adapter", shape: [1], floats: [1])]
      case "nan": floats[3] = .nan
      default: floats[0] = -1
      }
      return [NamedTensor(name: name, shape: tensor.shape, floats: floats)]
    }
    let damaged = try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors))
    let error = #expect(throws: NeuralNetworksError.self) {
      try EfficientNet(tinyConfiguration, CheckpointReader(damaged, path: "x.safetensors"))
    }
    #expect(error?.message.contains(name) == true)
  }
}

/// Against transformers, which computed the fixtures.
@Suite struct VisionTransformerTests {
  private func configuration(_ name: String) throws -> VisionTransformerConfiguration {
    try VisionTransformerConfiguration(ModelConfigurationFile(contentsOf: folder(name) + "/config.json"))
  }

  private func model(_ name: String, precision: WeightPrecision = .single) throws -> VisionTransformer {
    try VisionTransformer(
      configuration(name), checkpoint: folder(name) + "/model.safetensors", precision: precision)
  }

  @Test(arguments: [("vit-tiny", 24), ("clip-vision-tiny", 20)])
  func vectorsEqualTransformers(name: String, dimensions: Int) throws {
    let model = try model(name), expected = try expectedVectors(name)
    #expect(model.dimensions == dimensions)
    var scratch = model.makeScratch()
    for (number, vector) in expected.enumerated() {
      expectClose(model.features(of: picture(32, number), &scratch), vector, tolerance: 3e-5)
    }
  }

  @Test(arguments: ["vit-tiny", "clip-vision-tiny"]) func halfPrecisionKeepsTheDirection(name: String) throws {
    let model = try model(name, precision: .half)
    var scratch = model.makeScratch()
    #expect(cosine(model.features(of: picture(32, 0), &scratch), try expectedVectors(name)[0]) > 0.999)
  }

  @Test func anImageDoesNotDependOnThoseBefore() throws {
    let model = try model("vit-tiny")
    var used = model.makeScratch()
    var fresh = model.makeScratch()
    _ = model.features(of: picture(32, 3), &used)
    let again = model.features(of: picture(32, 1), &used)
    #expect(again == model.features(of: picture(32, 1), &fresh))
  }

  @Test func meanPoolingAveragesThePatches() throws {
    var configuration = try configuration("vit-tiny")
    configuration.pooling = .mean
    let model = try VisionTransformer(configuration, checkpoint: folder("vit-tiny") + "/model.safetensors")
    var scratch = model.makeScratch()
    let pooled = model.features(of: picture(32, 0), &scratch)
    let expected = (0..<24).map { column in
      (1..<17).reduce(Float(0)) { $0 + scratch.state[$1 * 24 + column] } / 16
    }
    expectClose(pooled, expected, tolerance: 1e-5)
  }

  @Test func aWholeCLIPModelLendsItsVisionTower() throws {
    let plain = try SafetensorsFile.read(folder("clip-vision-tiny") + "/model.safetensors")
    let text = NamedTensor(name: "text_model.embeddings.token_embedding.weight", shape: [1], floats: [1])
    let scale = NamedTensor(name: "logit_scale", shape: [], floats: [2])
    let whole = try SafetensorsFile(bytes: SafetensorsWriter.bytes(plain.tensors + [text, scale]))
    let json = """
      {"model_type": "clip", "projection_dim": 20, "text_config": {"hidden_size": 5}, "vision_config":
      {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "image_size": 32,
      "patch_size": 8}}
      """
    let configuration = try VisionTransformerConfiguration(
      ModelConfigurationFile(Data(json.utf8), path: "config.json"))
    #expect(configuration == (try self.configuration("clip-vision-tiny")))
    let model = try VisionTransformer(configuration, CheckpointReader(whole, path: "whole"))
    var scratch = model.makeScratch()
    let expected = try expectedVectors("clip-vision-tiny")[0]
    expectClose(model.features(of: picture(32, 0), &scratch), expected, tolerance: 3e-5)
  }

  @Test(arguments: [
    #"{"model_type": "swin"}"#, #"{"model_type": "vit", "num_channels": 1}"#,
    #"{"model_type": "vit", "hidden_size": 24, "num_attention_heads": 5}"#,
    #"{"model_type": "vit", "image_size": 8, "patch_size": 16}"#, #"{"model_type": "vit", "hidden_act": "mish"}"#,
    #"{"model_type": "clip", "vision_config": 3}"#, #"{"model_type": "clip", "projection_dim": 0}"#,
  ])
  func badConfigurationsAreRefused(text: String) {
    let error = #expect(throws: NeuralNetworksError.self) {
      try VisionTransformerConfiguration(ModelConfigurationFile(Data(text.utf8), path: "config.json"))
    }
    #expect(error?.code == .unsupportedModel)
    #expect(error?.message.contains("config.json") == true)
  }

  @Test func weightsOfAnotherShapeAreRefusedByName() throws {
    var configuration = try configuration("vit-tiny")
    configuration.imageSize = 40
    let error = #expect(throws: NeuralNetworksError.self) {
      try VisionTransformer(configuration, checkpoint: folder("vit-tiny") + "/model.safetensors")
    }
    #expect(error?.message.contains("embeddings.position_embeddings") == true)
  }
}
