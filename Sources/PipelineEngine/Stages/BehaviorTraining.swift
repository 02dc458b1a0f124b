internal import BehaviorAlignment
internal import TensorMath

/// What training a model of behavior made, whichever model it was.
struct BehaviorTraining {
  let vocabulary: ItemVocabulary
  /// One a known item.
  let itemVectors: Matrix
  let measurements: [SequentialTraining.Measurement]
  let positionsPerSecond: Double
  let stopReason: String?

  /// The vectors by item id.
  /// - Parameter ids: of the rows that the log numbers items by.
  func vectors(ids: [String]) -> BehaviorVectors {
    BehaviorVectors(ids: vocabulary.rows.map { ids[Int($0)] }, vectors: itemVectors)
  }
}

extension PipelineConfiguration.Behavior {
  /// Trains the section's model on a training window.
  /// - Parameters:
  ///   - seed: in place of the section's.
  ///   - checkpoint: where the training is kept after every epoch, to go on from; nil for nowhere.
  ///   - observe: told of the epochs made, and of how many.
  func train(
    _ split: TrainingSplit, seed: UInt64? = nil, checkpoint: String? = nil, isCancelled: () -> Bool = { false },
    observe: (Int, Int) -> Void = { _, _ in }
  ) throws -> BehaviorTraining {
    switch model {
    case .sequential(let shape, var parameters):
      if let seed { parameters.seed = seed }
      let trained = try SequentialTraining(shape, parameters: parameters).train(
        split, validation: split.nextItemQueries(place: 1, maximumHistory: shape.maximumHistory),
        checkpoint: checkpoint, isCancelled: isCancelled, observe: { observe($0.epoch, parameters.epochs) })
      return BehaviorTraining(
        vocabulary: trained.model.vocabulary, itemVectors: trained.model.itemVectors,
        measurements: trained.measurements, positionsPerSecond: trained.positionsPerSecond,
        stopReason: trained.stopReason)
    case .twoTower(let shape, var parameters):
      if let seed { parameters.seed = seed }
      let trained = try TwoTowerTraining(shape, parameters: parameters).train(
        split, checkpoint: checkpoint, isCancelled: isCancelled, observe: { observe($0.epoch, parameters.epochs) })
      return BehaviorTraining(
        vocabulary: trained.model.vocabulary, itemVectors: trained.model.itemVectors,
        measurements: trained.measurements, positionsPerSecond: trained.positionsPerSecond,
        stopReason: trained.stopReason)
    }
  }
}
