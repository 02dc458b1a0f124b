internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks
internal import Quantizers
internal import TensorMath

/// The weights that come before and after an `rq-vae`'s codebooks, each file under its fingerprint in the workspace's
/// models. The codebooks themselves are in the store.
enum QuantizerFile {
  /// In a generation's artifacts and the stage's values.
  static let role = "quantizer"

  static func write(_ quantizer: ResidualAutoencoder, _ context: RunContext) throws -> String {
    let bytes = try quantizer.fileBytes()
    var hasher = ContentHasher()
    hasher.updateField(role)
    hasher.update(bytes)
    let fingerprint = hasher.finalize().hex
    let path = context.workspace.model(fingerprint)
    if !FileSystem.exists(path) { try FileSystem.write(bytes, to: path) }
    return fingerprint
  }

  static func read(
    _ fingerprint: String, codebooks: ResidualCodebooks, _ context: RunContext
  ) throws -> ResidualAutoencoder {
    let path = context.workspace.model(fingerprint)
    do {
      return try ResidualAutoencoder(try SafetensorsFile.read(path, maximumBytes: 1 << 32), codebooks: codebooks)
    } catch {
      throw PipelineError(
        .invalidData,
        "'\(path)' cannot be used: \(error); restore the file, or train anew with --force quantize, which changes IDs")
    }
  }
}

extension Quantizer {
  /// Whether the codebooks code something else than the vectors themselves.
  var hasEncoder: Bool { (self as? ResidualAutoencoder).map { !$0.shape.isIdentity } ?? false }

  /// The products that decide codes, for manifests.
  var computePath: String {
    switch self {
    case let quantizer as ResidualQuantizer: quantizer.computePath
    case let quantizer as ResidualAutoencoder: quantizer.computePath
    default: "float32"
    }
  }
}

/// Trains an `rq-vae` within a run.
struct AutoencoderTraining {
  private let context: RunContext
  private let parameters: ResidualAutoencoder.Parameters

  init(_ context: RunContext, _ parameters: ResidualAutoencoder.Parameters) {
    self.context = context
    self.parameters = parameters
  }

  /// - Parameter old: what a refit starts from.
  func run(
    _ vectors: ColumnFileReader<Float>, startingFrom old: QuantizeStage.Trained?
  ) throws -> QuantizeStage.Trained {
    let sample = try TrainingSample.read(vectors, limit: parameters.sampleLimit, seed: parameters.seed)
    let start = try old.flatMap { old in
      try old.encoder.map { try QuantizerFile.read($0, codebooks: old.codebooks, context) }
    }
    let training = try ResidualAutoencoder.train(sample, parameters: parameters, startingFrom: start) { epoch, total in
      try Interruption.check()
      context.progress(.quantize, "training", epoch.epoch + 1, of: total, unit: "epochs")
    }
    var trained = QuantizeStage.Trained(codebooks: training.quantizer.codebooks, trainingError: 0)
    trained.encoder = try QuantizerFile.write(training.quantizer, context)
    trained.metrics["epochs"] = Double(training.epochs.count)
    trained.metrics["bestEpoch"] = Double(training.bestEpoch)
    trained.metrics["heldOutError"] = training.epochs[training.bestEpoch].heldOutError
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try FileSystem.write([UInt8](try encoder.encode(training.epochs)), to: QuantizeFiles(context).training)
    return trained
  }
}
