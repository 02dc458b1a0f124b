internal import TensorMath

/// The tensors of a training checkpoint, held against the model that they are for.
struct CheckpointTensors {
  private let tensors: [String: NamedTensor]
  private let model: ParameterSet

  /// - Parameter tensors: with names of their own.
  init(_ tensors: [NamedTensor], model: ParameterSet) {
    self.tensors = Dictionary(tensors.lazy.map { ($0.name, $0) }) { first, _ in first }
    self.model = model
  }

  /// - Parameter frozenStay: whether parameters that do not learn are the model's.
  func parameters(frozenStay: Bool = false) throws(NeuralNetworksError) -> ParameterSet {
    try Self.parameters(of: model, frozenStay: frozenStay) { tensors[TrainingCheckpoint.parameterPrefix + $0] }
  }

  /// - Parameter find: the tensor of a parameter's name.
  static func parameters(
    of model: ParameterSet, frozenStay: Bool = false, _ find: (String) -> NamedTensor?
  ) throws(NeuralNetworksError) -> ParameterSet {
    var result = ParameterSet()
    for entry in model.entries {
      if frozenStay, !entry.isTrainable {
        _ = result.append(entry)
        continue
      }
      guard let tensor = find(entry.name) else {
        throw incompatible("lacks \"\(TrainingCheckpoint.parameterPrefix + entry.name)\"")
      }
      let value = try matrix(tensor, like: entry.value)
      _ = result.append(
        ParameterSet.Entry(name: entry.name, value: value, decays: entry.decays, isTrainable: entry.isTrainable))
    }
    return result
  }

  func moments() throws(NeuralNetworksError) -> [AdamW.Moments?] {
    var result: [AdamW.Moments?] = []
    for entry in model.entries {
      guard let updates = tensors["updates/" + entry.name] else {
        result.append(nil)
        continue
      }
      guard updates.shape.isEmpty, let count = try updates.integers(as: Int64.self).first,
        (1...Int64(TrainingCheckpoint.maximumSteps)).contains(count)
      else {
        throw Self.incompatible("has no number of updates in \"\(updates.name)\"")
      }
      result.append(
        AdamW.Moments(
          mean: try matrix("mean/" + entry.name, like: entry.value),
          square: try matrix("square/" + entry.name, like: entry.value), updates: Int(count)))
    }
    return result
  }

  func generator() throws(NeuralNetworksError) -> RandomSource {
    guard let random = RandomSource(words: try tensor("generator").integers(as: UInt64.self)) else {
      throw NeuralNetworksError(.malformedFile, "the tensor \"generator\" is no state of a generator")
    }
    return random
  }

  /// Every tensor belongs to a parameter of the model.
  func checkNothingIsLeft() throws(NeuralNetworksError) {
    for name in tensors.keys.sorted()
    where name != "generator" && !name.hasPrefix(TrainingCheckpoint.attachmentPrefix) {
      let parts = name.split(separator: "/", maxSplits: 1)
      guard parts.count == 2, ["parameter", "mean", "square", "updates"].contains(parts[0]),
        model.parameter(named: String(parts[1])) != nil
      else { throw Self.incompatible("has \"\(name)\", which the model lacks") }
    }
  }

  func tensor(_ name: String) throws(NeuralNetworksError) -> NamedTensor {
    guard let tensor = tensors[name] else { throw Self.incompatible("lacks \"\(name)\"") }
    return tensor
  }

  private func matrix(_ name: String, like model: Matrix) throws(NeuralNetworksError) -> Matrix {
    try Self.matrix(try tensor(name), like: model)
  }

  private static func matrix(_ tensor: NamedTensor, like model: Matrix) throws(NeuralNetworksError) -> Matrix {
    guard tensor.elementType == .float32, tensor.shape == [model.rows, model.columns] else {
      throw incompatible(
        "has \"\(tensor.name)\" as \(tensor.elementType.rawValue) of shape \(tensor.shape), expected F32 of "
          + "[\(model.rows), \(model.columns)]")
    }
    return try tensor.matrix()
  }

  private static func incompatible(_ found: String) -> NeuralNetworksError {
    NeuralNetworksError(
      .incompatibleCheckpoint,
      "the checkpoint \(found); it belongs to another model: give the configuration that it was trained with, "
        + "or train anew")
  }
}
