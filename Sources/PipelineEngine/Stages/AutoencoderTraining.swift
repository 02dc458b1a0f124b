internal import BehaviorAlignment
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
    let rows = TrainingSample.rows(of: vectors.rows, limit: parameters.sampleLimit, seed: parameters.seed)
    let sample = try TrainingSample.read(vectors, rows)
    let pairs = parameters.pairWeight > 0 ? try self.pairs(of: rows) : []
    let start = try old.flatMap { old in
      try old.encoder.map { try QuantizerFile.read($0, codebooks: old.codebooks, context) }
    }
    let training = try ResidualAutoencoder.train(
      sample, parameters: parameters, pairs: pairs, startingFrom: start
    ) { epoch, total in
      try Interruption.check()
      context.progress(.quantize, "training", epoch.epoch + 1, of: total, unit: "epochs")
    }
    var trained = QuantizeStage.Trained(codebooks: training.quantizer.codebooks, trainingError: 0)
    trained.encoder = try QuantizerFile.write(training.quantizer, context)
    trained.metrics["epochs"] = Double(training.epochs.count)
    trained.metrics["bestEpoch"] = Double(training.bestEpoch)
    trained.metrics["heldOutError"] = training.epochs[training.bestEpoch].heldOutError
    trained.metrics["pairDistance"] = training.epochs.last { !$0.isSettling }?.pairDistance
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try FileSystem.write([UInt8](try encoder.encode(training.epochs)), to: QuantizeFiles(context).training)
    return trained
  }

  /// Pairs for the pair term, as places among the sampled rows: those that the pairs stage mined, from the training window
  /// alone.
  private func pairs(of sampled: [Int]) throws -> [RowPair] {
    let table = try context.table()
    let tableRows = try ColumnFileReader<UInt32>(
      path: EncodeFiles.rows(context.workspace.stage(.encode)), columns: 1)
    let numbers = try tableRows.readAll()
    var places = [Int32](repeating: -1, count: table.count)
    for (place, row) in sampled.enumerated() { places[Int(numbers[row])] = Int32(place) }
    let mined = try PairFiles(context).load(table).pairs.mapping(places, itemCount: sampled.count)
    guard !mined.isEmpty else {
      throw PipelineError(
        .invalidData,
        "none of the mined pairs has both items among the \(sampled.count) that codebooks are trained on; raise "
          + "quantize.sampleLimit, or remove quantize.autoencoder.pairWeight")
    }
    return try mined.drawnRowPairs(seed: parameters.seed)
  }
}

extension PairTable {
  /// Pairs per item that are drawn: a training with a pair term looks at about as many.
  private static let drawnPerItem = 8

  /// Pairs for training, with replacement, as the aligner draws them: a source by its share, a pair by its weight.
  func drawnRowPairs(seed: UInt64) throws(AlignmentError) -> [RowPair] {
    let sampler = try PairSampler(self, shares: AlignerTraining.Parameters().shares)
    var random = RandomSource(seed: seed, stream: 0x5041_4952)
    return sampler.draw(Self.drawnPerItem * itemCount, using: &random).map {
      RowPair(Int(triggers[$0]), Int(targets[$0]))
    }
  }
}
