package import Recommenders

extension PipelineConfiguration {
  /// How `tessera finetune` tunes codes, and what a change must prove.
  public struct Finetune: Sendable {
    package var cycles: Int
    /// Of the recommender in each cycle; nil for half of the training's.
    package var epochs: Int?
    /// Recommenders that each arm is tried with.
    package var seeds: Int
    package var tuning: CodeTuning.Parameters
    package var gate: TuningGate.Parameters
  }

  /// What the schema cannot say of `finetune`.
  func checkFinetune(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard finetune != nil else { return }
    let line = root.lines["finetune"] ?? 1
    if train == nil {
      validator.report(line, "'finetune' tunes by a recommender's gradients: add the section 'train'")
    } else if train?.shape.backbone != .onePosition {
      validator.report(line, "'finetune' works through the one-position backbone: set train.backbone to one-position")
    }
  }
}

extension PipelineConfiguration.Finetune {
  init(_ section: CheckedSection, seed: UInt64) {
    cycles = section.integer("cycles") ?? 1
    epochs = section.integer("epochs")
    seeds = section.integer("seeds") ?? 2
    tuning = CodeTuning.Parameters()
    if let value = section.integer("steps") { tuning.steps = value }
    if let value = section.number("learningRate") { tuning.learningRate = Float(value) }
    if let value = section.number("temperature") { tuning.temperature = Float(value) }
    tuning.seed = section.integer("seed").map { UInt64($0) } ?? seed
    tuning.weights = CodeTuning.Weights(section.section("weights") ?? CheckedSection())
    gate = TuningGate.Parameters()
    let limits = section.section("gate")
    if let value = limits?.number("minimumGain") { gate.minimumGain = value }
    if let value = limits?.number("maximumChurn") { gate.maximumChurn = value }
    if let value = limits?.number("maximumCollisionIncrease") { gate.maximumCollisionIncrease = value }
    if let value = limits?.number("minimumUtilizationRatio") { gate.minimumUtilizationRatio = value }
  }
}

extension CodeTuning.Weights {
  fileprivate init(_ section: CheckedSection) {
    self.init()
    if let value = section.number("recommender") { recommender = Float(value) }
    if let value = section.number("commitment") { commitment = Float(value) }
    if let value = section.number("reconstruction") { reconstruction = Float(value) }
    if let value = section.number("evenness") { evenness = Float(value) }
    if let value = section.number("anchor") { anchor = Float(value) }
  }
}
