internal import Foundation
internal import NeuralNetworks

/// What a model folder's own files say about it, checked as far as can be done without running it.
struct ModelDescription: Sendable, Equatable {
  /// The first of `architectures`, or `model_type`.
  var architecture: String
  /// Floats of its vectors; nil where the configuration does not say so under a known name.
  var dimensions: Int?
  /// Numbers in its weights.
  var parameters: Int

  /// Reads `config.json` and the header of `model.safetensors`.
  init(folder: String) throws(PipelineError) {
    let path = folder + "/config.json"
    guard FileSystem.exists(path) else {
      throw PipelineError(
        .inputMissing, "'\(folder)' has no config.json; expected a model folder in the layout of the Hugging Face hub")
    }
    let bytes = try FileSystem.readSmallFile(path, limit: 1 << 20, what: "model's configuration")
    guard let value = try? JSONSerialization.jsonObject(with: Data(bytes)), let config = value as? [String: Any] else {
      throw PipelineError(.invalidData, "'\(path)' is no JSON object")
    }
    let named = (config["architectures"] as? [String])?.first ?? config["model_type"] as? String
    guard let named, !named.isEmpty, named.utf8.count <= 200 else {
      throw PipelineError(.invalidData, "'\(path)' names no architecture; expected \"architectures\" or \"model_type\"")
    }
    architecture = named
    dimensions = Self.dimensions(config)
    let weights = folder + "/model.safetensors"
    guard FileSystem.exists(weights) else {
      throw PipelineError(
        .inputMissing,
        "'\(folder)' has no model.safetensors; other formats of weights are not read: "
          + "convert them, or use an external worker")
    }
    do {
      parameters = try SafetensorsFile.inspect(weights).elements
    } catch {
      throw PipelineError(.invalidData, error.message)
    }
  }

  private static func dimensions(_ config: [String: Any]) -> Int? {
    let names = ["projection_dim", "feature_dimensions", "hidden_size", "d_model", "dim"]
    return names.lazy.compactMap { config[$0] as? Int }.first { (1...1_000_000).contains($0) }
  }
}
