internal import Foundation
internal import NeuralNetworks
internal import Quantizers
internal import TensorMath

/// What a schedule has finished, in a folder, so that a run that was stopped goes on there.
///
/// A training of the recommender has the file that ``GeneratorTraining`` goes on from; where the training is over, the
/// same file says what it came to. A tuning has a file once it is over. What is of other inputs or damaged is removed
/// and made again.
struct TuningCheckpoints {
  /// Nil for none: nothing is kept.
  let folder: String?

  init(_ folder: String?) throws(RecommenderError) {
    self.folder = folder
    guard let folder else { return }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw RecommenderError(.unwritableModel, "cannot make the folder \(folder): \(error)")
    }
  }

  /// Trains, with a file to go on from.
  /// - Parameters:
  ///   - cycle: 0 before the first.
  ///   - discarded: told why a file is of no use.
  func training<Result>(
    _ cycle: Int, discarded: (String) -> Void, _ train: (_ checkpoint: String?) throws -> Result
  ) throws -> Result {
    guard let folder else { return try train(nil) }
    let path = folder + "/training-\(cycle).safetensors"
    do {
      return try train(path)
    } catch let error as RecommenderError where [.unreadableModel, .otherGeneration].contains(error.code) {
      discard(path, error.message, discarded)
      return try train(path)
    }
  }

  /// Tunes, unless a file says what that came to.
  /// - Parameter discarded: told why a file is of no use.
  func tuning(
    _ cycle: Int, of inputs: TunedCodesFile.Inputs, discarded: (String) -> Void, _ tune: () throws -> TunedCodesFile
  ) throws -> TunedCodesFile {
    guard let folder else { return try tune() }
    let path = folder + "/tuning-\(cycle).safetensors"
    if FileManager.default.fileExists(atPath: path) {
      do { return try TunedCodesFile(path, inputs) } catch { discard(path, error.message, discarded) }
    }
    let made = try tune()
    try made.write(to: path, inputs)
    return made
  }

  private func discard(_ path: String, _ reason: String, _ discarded: (String) -> Void) {
    discarded("what was kept of a run that was stopped is made again: \(reason)")
    for path in [path, path + ".best"] { try? FileManager.default.removeItem(atPath: path) }
  }
}

/// What a tuning of codes came to, as a file: one of safetensors, with the centroids of each level as
/// `levels.<number>.centroids`, parameters of representations behind `representation.`, and the steps and all else as
/// JSON in the bytes of `account`. Metadata: `format`, `inputs` (what tells them from others) and `checksum`.
struct TunedCodesFile {
  private static let format = "tessera tuned codes 1"

  /// What a tuning depends on, but for the representations that are given and the log.
  struct Inputs {
    let generator: Generator
    let codebooks: ResidualCodebooks
    /// As tuning begins with them; nil for fixed representations.
    let representation: ParameterSet?
    let parameters: CodeTuning.Parameters

    fileprivate var description: String {
      var checksum = Checksum()
      checksum.add(generator.fingerprint)
      checksum.add(Generator.json(parameters))
      for codebook in codebooks.levels {
        for value in codebook.centroids.elements { checksum.add(UInt64(value.bitPattern)) }
        for price in codebook.prices ?? [] { checksum.add(UInt64(price.bitPattern)) }
      }
      for entry in representation?.entries ?? [] {
        checksum.add(entry.name + (entry.isTrainable ? "" : " (frozen)"))
        for value in entry.value.elements { checksum.add(UInt64(value.bitPattern)) }
      }
      return checksum.hexadecimal
    }
  }

  private struct Account: Codable {
    var steps: [CodeTuning.Step]
    var lossBefore: Double
    var lossAfter: Double
    var stopReason: String?
    var seconds: Double
  }

  let result: CodeTuning.Result
  /// Of the tuning.
  let seconds: Double

  init(_ result: CodeTuning.Result, seconds: Double) { (self.result, self.seconds) = (result, seconds) }

  /// Writes to a temporary name and renames.
  func write(to path: String, _ inputs: Inputs) throws(RecommenderError) {
    let account = Account(
      steps: result.steps, lossBefore: result.lossBefore, lossAfter: result.lossAfter, stopReason: result.stopReason,
      seconds: seconds)
    let bytes = [UInt8](Generator.json(account).utf8)
    var tensors = [NamedTensor(name: "account", shape: [bytes.count], integers: bytes)]
    for (level, codebook) in result.codebooks.levels.enumerated() {
      tensors.append(NamedTensor(name: "levels.\(level).centroids", matrix: codebook.centroids))
    }
    for entry in result.representation?.entries ?? [] {
      tensors.append(NamedTensor(name: "representation." + entry.name, matrix: entry.value))
    }
    var metadata = ["format": Self.format, "inputs": inputs.description]
    metadata[TensorChecksum.key] = TensorChecksum.of(tensors, metadata: metadata)
    do {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    } catch {
      throw RecommenderError(.unwritableModel, "\(error)")
    }
  }

  /// - Throws: ``RecommenderError/Code/unreadableModel`` for a file of other inputs, or damaged.
  init(_ path: String, _ inputs: Inputs) throws(RecommenderError) {
    do {
      try self.init(try SafetensorsFile.read(path), inputs)
    } catch let error as RecommenderError {
      throw RecommenderError(error.code, "\(path) \(error.message)")
    } catch {
      throw RecommenderError(.unreadableModel, "\(path): \(error)")
    }
  }

  private init(_ file: SafetensorsFile, _ inputs: Inputs) throws {
    let format = try file.metadata("format")
    guard format == Self.format else {
      throw RecommenderError(.unreadableModel, "is a \"\(format.prefix(40))\", expected a \"\(Self.format)\"")
    }
    guard try file.metadata("inputs") == inputs.description else {
      throw RecommenderError(.unreadableModel, "is of a tuning with other settings or another start")
    }
    // A file without a checksum is none of ours.
    _ = try file.metadata(TensorChecksum.key)
    try TensorChecksum.check(file)
    let account = try JSONDecoder().decode(
      Account.self, from: Data(try file.tensor("account").integers(as: UInt8.self)))
    let levels = try inputs.codebooks.levels.enumerated().map { level, former in
      Codebook(
        centroids: try file.tensor("levels.\(level).centroids").matrix(rows: former.size, columns: former.dimensions),
        prices: former.prices)
    }
    var representation = inputs.representation
    for entry in inputs.representation?.entries ?? [] {
      guard let parameter = representation?.parameter(named: entry.name) else { continue }
      representation?[parameter] = try file.tensor("representation." + entry.name).matrix(
        rows: entry.value.rows, columns: entry.value.columns)
    }
    result = CodeTuning.Result(
      codebooks: try ResidualCodebooks(levels: levels), representation: representation, steps: account.steps,
      lossBefore: account.lossBefore, lossAfter: account.lossAfter, stopReason: account.stopReason)
    seconds = account.seconds
  }
}
