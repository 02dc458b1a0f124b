internal import Foundation
internal import TensorMath

/// A training run on disk: one safetensors file with parameters, moments, generator, step and settings. A run that is
/// saved and loaded goes on bit for bit as if it had not stopped.
///
/// | tensor | type and shape |
/// |---|---|
/// | `parameter/<name>` | F32, the parameter's |
/// | `mean/<name>`, `square/<name>` | F32, likewise; of parameters that were updated |
/// | `updates/<name>` | I64, a scalar: how often; of parameters that were updated |
/// | `generator` | U64 × 4 |
/// | `attached/<name>` | the caller's |
///
/// Metadata: `format` (``formatVersion``), `step`, `settings` (JSON), `checksum` (over all the rest; absent in files
/// of before it was), and the caller's entries behind `user.`.
public struct TrainingCheckpoint: Sendable, Equatable {
  public static let formatVersion = 1

  public var state: TrainingState
  /// The caller's: epoch, data generation, model configuration.
  public var metadata: [String: String]
  /// The caller's: what a run carries beside its state, each under a name of its own.
  public var attachments: [NamedTensor] = []

  public init(_ state: TrainingState, metadata: [String: String] = [:]) {
    self.state = state
    self.metadata = metadata
  }

  /// Attaches parameters beside those of the state, such as the best so far.
  public mutating func attach(_ parameters: ParameterSet, as name: String) {
    attachments += parameters.entries.map { NamedTensor(name: name + "/" + $0.name, matrix: $0.value) }
  }

  /// What ``attach(_:as:)`` attached.
  /// - Parameter model: as for ``read(_:for:maximumBytes:)``.
  /// - Throws: ``NeuralNetworksError/Code/incompatibleCheckpoint`` where parameters are missing or have other shapes.
  public func attachedParameters(_ name: String, for model: ParameterSet) throws(NeuralNetworksError) -> ParameterSet {
    try CheckpointTensors.parameters(of: model) { entry in
      attachments.first { $0.name == name + "/" + entry }
    }
  }

  static let attachmentPrefix = "attached/"

  /// Where parameters stand in the file, for ``ParameterScope/init(loading:prefix:)``.
  public static let parameterPrefix = "parameter/"

  private struct Settings: Codable {
    var optimizer: AdamW.Parameters
    var schedule: LearningRateSchedule
    var maximumNorm: Float?
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(NeuralNetworksError) {
    let tensors = tensors()
    try SafetensorsWriter.write(tensors, metadata: fileMetadata(tensors), to: path)
  }

  /// The file's bytes.
  package func bytes() throws(NeuralNetworksError) -> [UInt8] {
    let tensors = tensors()
    return try SafetensorsWriter.bytes(tensors, metadata: fileMetadata(tensors))
  }

  /// What the file holds, in its order.
  package func tensors() -> [NamedTensor] {
    var tensors: [NamedTensor] = []
    for (index, entry) in state.parameters.entries.enumerated() {
      tensors.append(NamedTensor(name: Self.parameterPrefix + entry.name, matrix: entry.value))
      guard state.optimizer.moments.indices.contains(index), let moments = state.optimizer.moments[index] else {
        continue
      }
      tensors.append(NamedTensor(name: "mean/" + entry.name, matrix: moments.mean))
      tensors.append(NamedTensor(name: "square/" + entry.name, matrix: moments.square))
      tensors.append(NamedTensor(name: "updates/" + entry.name, shape: [], integers: [Int64(moments.updates)]))
    }
    tensors.append(NamedTensor(name: "generator", shape: [4], integers: state.random.words))
    return tensors + attachments.map { $0.renamed(Self.attachmentPrefix + $0.name) }
  }

  private func fileMetadata(_ tensors: [NamedTensor]) throws(NeuralNetworksError) -> [String: String] {
    let settings = Settings(
      optimizer: state.optimizer.parameters, schedule: state.schedule, maximumNorm: state.maximumNorm)
    var result = ["format": "\(Self.formatVersion)", "step": "\(state.step)"]
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      result["settings"] = String(decoding: try encoder.encode(settings), as: UTF8.self)
    } catch {
      throw NeuralNetworksError(.invalidTensor, "settings that are not finite cannot be saved: \(settings)")
    }
    for (key, value) in metadata { result[Self.userPrefix + key] = value }
    result[TensorChecksum.key] = TensorChecksum.of(tensors, metadata: result)
    return result
  }

  private static let userPrefix = "user."

  /// More steps than any run has, and few enough to count on from.
  static let maximumSteps = 1 << 48

  /// Reads a checkpoint of a model.
  /// - Parameter model: any parameters of the model that was saved, as its constructor makes them: their names, shapes and
  ///   order are checked, their values are replaced. What is frozen in it is frozen in the result.
  /// - Throws: ``NeuralNetworksError``: `incompatibleCheckpoint` for another version or model, `malformedFile` for
  ///   damage.
  public static func read(
    _ path: String, for model: ParameterSet, maximumBytes: Int = 64 << 30
  ) throws(NeuralNetworksError) -> TrainingCheckpoint {
    let file = try SafetensorsFile.read(path, maximumBytes: maximumBytes)
    do {
      return try TrainingCheckpoint(file, for: model)
    } catch {
      throw NeuralNetworksError(error.code, "\(path): \(error.message)")
    }
  }

  /// The caller's entries of a checkpoint, whatever model it is of.
  public static func metadata(of path: String) throws(NeuralNetworksError) -> [String: String] {
    userMetadata(try SafetensorsFile.read(path))
  }

  private static func userMetadata(_ file: SafetensorsFile) -> [String: String] {
    var metadata: [String: String] = [:]
    for (key, value) in file.metadata where key.hasPrefix(userPrefix) {
      metadata[String(key.dropFirst(userPrefix.count))] = value
    }
    return metadata
  }

  package init(_ file: SafetensorsFile, for model: ParameterSet) throws(NeuralNetworksError) {
    let version = try file.metadata("format")
    guard version == "\(Self.formatVersion)" else {
      throw NeuralNetworksError(
        .incompatibleCheckpoint,
        "a checkpoint of format \(version.prefix(20)), expected \(Self.formatVersion); train anew or use the version "
          + "that wrote it")
    }
    guard let step = Int(try file.metadata("step")), (0...Self.maximumSteps).contains(step) else {
      throw NeuralNetworksError(.malformedFile, "the metadata \"step\" is no number of steps")
    }
    let settings = try Self.settings(file)
    let reader = CheckpointTensors(file.tensors, model: model)
    state = TrainingState(
      try reader.parameters(),
      optimizer: AdamW(settings.optimizer, moments: try reader.moments()), schedule: settings.schedule,
      maximumNorm: settings.maximumNorm, random: try reader.generator())
    try reader.checkNothingIsLeft()
    try TensorChecksum.check(file)
    state.step = step
    metadata = Self.userMetadata(file)
    attachments = file.tensors.filter { $0.name.hasPrefix(Self.attachmentPrefix) }.map {
      $0.renamed(String($0.name.dropFirst(Self.attachmentPrefix.count)))
    }
  }

  private static func settings(_ file: SafetensorsFile) throws(NeuralNetworksError) -> Settings {
    let text = try file.metadata("settings")
    let settings: Settings
    do { settings = try JSONDecoder().decode(Settings.self, from: Data(text.utf8)) } catch {
      throw NeuralNetworksError(.malformedFile, "the metadata \"settings\" is damaged: \(error)")
    }
    let (optimizer, schedule) = (settings.optimizer, settings.schedule)
    let isSound =
      (0..<1).contains(optimizer.beta1) && (0..<1).contains(optimizer.beta2) && optimizer.epsilon >= 0
      && schedule.warmupSteps >= 0 && schedule.decaySteps ?? 0 >= 0 && settings.maximumNorm ?? 1 > 0
    guard isSound else {
      throw NeuralNetworksError(.malformedFile, "the metadata \"settings\" holds numbers out of range: \(text)")
    }
    return settings
  }
}

extension NamedTensor {
  func renamed(_ name: String) -> NamedTensor {
    NamedTensor(name: name, elementType: elementType, shape: shape, storage: storage)
  }
}
