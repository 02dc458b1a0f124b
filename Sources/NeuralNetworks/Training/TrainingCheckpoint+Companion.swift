/// A second run in a checkpoint: that of a model that learns beside the first, as an encoder beside what reads its
/// vectors. Of its parameters only those that learn are kept: the others are in the model's own file.
extension TrainingCheckpoint {
  /// Attaches what another run carries from step to step. Its settings are left to the caller.
  public mutating func attach(_ state: TrainingState, as name: String) {
    let frozen = Set(state.parameters.entries.lazy.filter { !$0.isTrainable }.map { Self.parameterPrefix + $0.name })
    let tensors = TrainingCheckpoint(state).tensors().filter { !frozen.contains($0.name) }
    attachments += tensors.map { $0.renamed(name + "/" + $0.name) }
    attachments.append(NamedTensor(name: "\(name)/\(Self.stepName)", shape: [], integers: [Int64(state.step)]))
  }

  /// Attaches those of a model's parameters that learn.
  public mutating func attachLearning(_ parameters: ParameterSet, as name: String) {
    attachments += parameters.entries.filter(\.isTrainable).map {
      NamedTensor(name: name + "/" + $0.name, matrix: $0.value)
    }
  }

  /// What ``attach(_:as:)-(TrainingState,_)`` attached.
  /// - Parameter start: the run as it began, which what is frozen and its settings are of.
  /// - Throws: ``NeuralNetworksError/Code/incompatibleCheckpoint`` where something is missing or has another shape.
  public func attachedState(_ name: String, for start: TrainingState) throws(NeuralNetworksError) -> TrainingState {
    let tensors = attachments.filter { $0.name.hasPrefix(name + "/") }.map {
      $0.renamed(String($0.name.dropFirst(name.count + 1)))
    }
    let reader = CheckpointTensors(tensors, model: start.parameters)
    var state = start
    state.parameters = try reader.parameters(frozenStay: true)
    state.optimizer = AdamW(start.optimizer.parameters, moments: try reader.moments())
    state.random = try reader.generator()
    guard let step = try reader.tensor(Self.stepName).integers(as: Int64.self).first,
      (0...Int64(Self.maximumSteps)).contains(step)
    else { throw NeuralNetworksError(.malformedFile, "the tensor \"\(name)/\(Self.stepName)\" is no number of steps") }
    state.step = Int(step)
    return state
  }

  /// What ``attachLearning(_:as:)`` attached; the rest is the model's.
  public func attachedLearning(_ name: String, for model: ParameterSet) throws(NeuralNetworksError) -> ParameterSet {
    try CheckpointTensors.parameters(of: model, frozenStay: true) { entry in
      attachments.first { $0.name == name + "/" + entry }
    }
  }

  private static let stepName = "step"
}
