import Foundation
import ItemCatalog
import ItemEncoders
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A ViT of one layer for 16 × 16 pixels with random weights, as a model folder.
private func writeModel(
  _ folder: String, seed: UInt64 = 1, config changes: [String: Any] = [:],
  tensors change: ([NamedTensor]) -> [NamedTensor] = { $0 }
) throws {
  var random = RandomSource(seed: seed)
  func tensor(_ name: String, _ shape: [Int]) -> NamedTensor {
    let count = shape.reduce(1, *)
    return NamedTensor(name: name, shape: shape, floats: (0..<count).map { _ in 0.3 * random.nextNormal() })
  }
  var tensors = [
    tensor("embeddings.cls_token", [1, 1, 16]), tensor("embeddings.position_embeddings", [1, 5, 16]),
    tensor("embeddings.patch_embeddings.projection.weight", [16, 3, 8, 8]),
    tensor("embeddings.patch_embeddings.projection.bias", [16]), tensor("layernorm.weight", [16]),
    tensor("layernorm.bias", [16]), tensor("pooler.dense.bias", [16]),
  ]
  for (name, outputs, inputs) in [
    ("attention.attention.query", 16, 16), ("attention.attention.key", 16, 16), ("attention.attention.value", 16, 16),
    ("attention.output.dense", 16, 16), ("intermediate.dense", 20, 16), ("output.dense", 16, 20),
  ] {
    tensors += [
      tensor("encoder.layer.0.\(name).weight", [outputs, inputs]), tensor("encoder.layer.0.\(name).bias", [outputs]),
    ]
  }
  for name in ["layernorm_before", "layernorm_after"] {
    tensors += [tensor("encoder.layer.0.\(name).weight", [16]), tensor("encoder.layer.0.\(name).bias", [16])]
  }
  var config: [String: Any] = [
    "model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 20,
    "image_size": 16, "patch_size": 8,
  ]
  config.merge(changes) { $1 }
  let preprocessor = """
    {"size": {"height": 16, "width": 16}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    """
  try SafetensorsWriter.write(change(tensors), to: folder + "/model.safetensors")
  try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: folder + "/config.json"))
  try Data(preprocessor.utf8).write(to: URL(fileURLWithPath: folder + "/preprocessor_config.json"))
}

private func picture(_ seed: Int, width: Int = 40, height: Int = 30) -> RGBImage {
  let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* $0 / 97 &+ $0 &* (seed &+ 3)) }
  return RGBImage(width: width, height: height, pixels: pixels)
}

private func writePicture(_ image: RGBImage, _ path: String) throws {
  try Data(ImageEncoder.png(image)).write(to: URL(fileURLWithPath: path))
}

@Suite struct PretrainedImageEncoderTests {
  @Test func vectorsAreTheModelsAtUnitLength() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try writePicture(picture(1), folder + "/a.png")
      let encoder = try PretrainedImageEncoder(folder: folder)
      #expect(encoder.modality == .image && encoder.dimensions == 16)
      let batch = encoder.encode([Item(id: "a", image: "a.png", imagePath: folder + "/a.png")])
      let config = try ModelConfigurationFile(contentsOf: folder + "/config.json")
      let model = try VisionTransformer(
        VisionTransformerConfiguration(config), checkpoint: folder + "/model.safetensors")
      var scratch = model.makeScratch()
      let direct = model.features(of: encoder.preprocessing.apply(to: picture(1)), &scratch)
      let norm = direct.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(batch.isPresent == [true] && batch.failures.isEmpty)
      expectClose(batch.vectors.row(0), direct.map { $0 / norm }, tolerance: 1e-6)
    }
  }

  @Test(arguments: [WeightPrecision.half, .brain])
  func roundedProductsGiveNearlyTheSameVectors(precision: WeightPrecision) throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try writePicture(picture(1), folder + "/a.png")
      let items = [Item(id: "a", image: "a.png", imagePath: folder + "/a.png")]
      let exact = try PretrainedImageEncoder(folder: folder)
      let rounded = try PretrainedImageEncoder(folder: folder, precision: precision)
      let vectors = [exact, rounded].map { $0.encode(items).vectors.row(0) }
      #expect(zip(vectors[0], vectors[1]).reduce(0) { $0 + $1.0 * $1.1 } > 0.999)
      #expect((exact.fingerprint == rounded.fingerprint) == (PackedMatrix.effective(precision) == .single))
    }
  }

  @Test func missingAndBrokenImagesAreReportedAndTheRestEncoded() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try writePicture(picture(1), folder + "/good.png")
      try writePicture(RGBImage(width: 1, height: 1, pixels: [9, 8, 7]), folder + "/dot.png")
      try Data(ImageEncoder.jpeg(picture(2)).prefix(200)).write(to: URL(fileURLWithPath: folder + "/broken.jpg"))
      let names: [String?] = ["good.png", "broken.jpg", nil, "gone.png", "dot.png"]
      var items = names.enumerated().map { index, name in
        Item(id: "\(index)", image: name, imagePath: name.map { folder + "/" + $0 })
      }
      items.append(Item(id: "5", image: "unusable.png"))
      let batch = try PretrainedImageEncoder(folder: folder).encode(items)
      #expect(batch.isPresent == [true, false, false, false, true, false])
      #expect(batch.failures.map(\.index) == [1, 3, 5])
      #expect(batch.failures[0].reason.hasPrefix("broken.jpg: "))
      for row in [1, 2, 3, 5] { #expect(batch.vectors.row(row).allSatisfy { $0 == 0 }) }
      for row in [0, 4] { #expect(abs(batch.vectors.row(row).reduce(0) { $0 + $1 * $1 } - 1) < 1e-5) }
    }
  }

  @Test func imagesBeyondTheLimitsAreReported() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try writePicture(picture(1, width: 300, height: 2), folder + "/wide.png")
      var limits = ImageLimits()
      limits.side = 299
      let encoder = try PretrainedImageEncoder(folder: folder, limits: limits)
      let batch = encoder.encode([Item(id: "a", image: "wide.png", imagePath: folder + "/wide.png")])
      #expect(batch.isPresent == [false] && batch.failures[0].reason.contains("300"))
    }
  }

  @Test func batchesAndThreadsMakeNoDifference() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      let items = try (0..<21).map { index in
        let path = folder + "/\(index).png"
        try writePicture(picture(index, width: 20 + index, height: 50 - index), path)
        return Item(id: "\(index)", image: path, imagePath: path)
      }
      let encoder = try PretrainedImageEncoder(folder: folder)
      let before = Parallelism.threadCount
      defer { Parallelism.threadCount = before }
      Parallelism.threadCount = 1
      let one = encoder.encode(items)
      Parallelism.threadCount = 3
      #expect(encoder.encode(items) == one)
      #expect(encoder.encode(Array(items[5..<8])).vectors == one.vectors.rows(5..<8))
      #expect(encoder.encode([]).vectors.rows == 0)
    }
  }

  @Test func fingerprintsTellWeightsAndPreprocessingApart() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      let first = try PretrainedImageEncoder(folder: folder)
      #expect(first.fingerprint.count == 64)
      #expect(try PretrainedImageEncoder(folder: folder).fingerprint == first.fingerprint)
      let reduced = try PretrainedImageEncoder(folder: folder, precision: .single, allowsReducedDecoding: true)
      let text = try String(contentsOfFile: folder + "/preprocessor_config.json", encoding: .utf8)
      try text.replacingOccurrences(of: "[0.5, 0.5, 0.5]}", with: "[0.5, 0.5, 0.4]}").write(
        toFile: folder + "/preprocessor_config.json", atomically: true, encoding: .utf8)
      let prepared = try PretrainedImageEncoder(folder: folder)
      try writeModel(folder, seed: 2)
      let weighted = try PretrainedImageEncoder(folder: folder)
      #expect(Set([first, reduced, prepared, weighted].map(\.fingerprint)).count == 4)
    }
  }

  @Test(arguments: ["bert", "swin", ""]) func anotherArchitectureIsRefusedByName(type: String) throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder, config: ["model_type": type])
      let error = #expect(throws: EncoderError.self) { try PretrainedImageEncoder(folder: folder) }
      #expect(error?.code == .unreadableEncoder)
      #expect(error?.message.contains("\"\(type)\"") == true)
    }
  }

  @Test(arguments: ["missing", "extra", "shape", "nan"]) func badWeightsAreRefusedByName(damage: String) throws {
    try withTemporaryDirectory { folder in
      let name = "encoder.layer.0.output.dense.bias"
      try writeModel(folder) { tensors in
        tensors.flatMap { tensor -> [NamedTensor] in
          guard tensor.name == name else { return [tensor] }
          switch damage {
          case "missing": return []
          case "extra": return [tensor, NamedTensor(name: name + "2", shape: [1], floats: [1])]
          case "shape": return [NamedTensor(name: name, shape: [4], floats: [1, 2, 3, 4])]
          default: return [NamedTensor(name: name, shape: [16], floats: Array(repeating: .nan, count: 16))]
          }
        }
      }
      let error = #expect(throws: EncoderError.self) { try PretrainedImageEncoder(folder: folder) }
      #expect(error?.message.contains(name) == true)
    }
  }

  @Test(arguments: ["config.json", "model.safetensors", "preprocessor_config.json"])
  func aMissingFileIsNamed(name: String) throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try FileManager.default.removeItem(atPath: folder + "/" + name)
      let error = #expect(throws: EncoderError.self) { try PretrainedImageEncoder(folder: folder) }
      #expect(error?.message.contains(name) == true)
    }
  }

  @Test func preprocessingOfAnotherSizeIsRefused() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder)
      try #"{"size": 224, "do_normalize": false}"#.write(
        toFile: folder + "/preprocessor_config.json", atomically: true, encoding: .utf8)
      let error = #expect(throws: EncoderError.self) { try PretrainedImageEncoder(folder: folder) }
      #expect(error?.message.contains("224") == true)
    }
  }

  @Test func aModelThatGivesNoDirectionIsReported() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder) { tensors in
        tensors.map { tensor in
          guard tensor.name.hasPrefix("layernorm.") else { return tensor }
          return NamedTensor(name: tensor.name, shape: [16], floats: Array(repeating: 0, count: 16))
        }
      }
      try writePicture(picture(1), folder + "/a.png")
      let batch = try PretrainedImageEncoder(folder: folder).encode(
        [Item(id: "a", image: "a.png", imagePath: folder + "/a.png")])
      #expect(batch.isPresent == [false] && batch.failures[0].reason.contains("length 0"))
    }
  }
}
