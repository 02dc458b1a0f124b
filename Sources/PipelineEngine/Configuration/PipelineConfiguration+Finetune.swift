package import Recommenders

extension PipelineConfiguration {
  /// How `tessera finetune` tunes codes, and what a change must prove.
  public struct Finetune: Sendable {
    package var cycles: Int
    /// Of the recommenders that begin both arms; nil to begin with the one that serves.
    package var firstEpochs: Int?
    /// Of the recommender in each cycle; nil for half of the training's.
    package var epochs: Int?
    /// Recommenders that each arm is tried with.
    package var seeds: Int
    package var tuning: CodeTuning.Parameters
    package var gate: TuningGate.Parameters
    /// Whether the aligner is tuned along with the codebooks.
    package var tunesAligner: Bool
    /// Iterations of k-means on the vectors that it leaves.
    package var refitIterations: Int
  }

  /// What the schema cannot say of `finetune`.
  func checkFinetune(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard finetune != nil else { return }
    let line = root.lines["finetune"] ?? 1
    if train == nil {
      validator.report(line, "'finetune' tunes by a recommender's gradients: add the section 'train'")
    } else if train?.shape.backbone != .onePosition {
      validator.report(line, "'finetune' works through the one-position backbone: set train.backbone to one-position")
    } else if train?.shape.prefixOutputs == true {
      validator.report(line, "'finetune' works through what codes say: leave train.prefixOutputs out")
    }
    guard finetune?.tunesAligner == true else { return }
    let place = root.section("finetune")?.lines["aligner"] ?? line
    if align == nil {
      validator.report(place, "finetune.aligner: there is no aligner to tune; add the section 'align'")
    }
    if quantize?.autoencoder != nil {
      validator.report(
        place, "finetune.aligner: the codes of rq-vae are of its own vectors; choose another quantize.method")
    }
  }
}

extension PipelineConfiguration.Finetune {
  init(_ section: CheckedSection, seed: UInt64) {
    cycles = section.integer("cycles") ?? 1
    firstEpochs = section.integer("firstEpochs")
    epochs = section.integer("epochs")
    seeds = section.integer("seeds") ?? 2
    tuning = CodeTuning.Parameters()
    if let value = section.integer("steps") { tuning.steps = value }
    if let value = section.number("learningRate") { tuning.learningRate = Float(value) }
    if let value = section.number("temperature") { tuning.temperature = Float(value) }
    if let value = section.number("alignerLearningRate") { tuning.representationLearningRate = Float(value) }
    tunesAligner = section.boolean("aligner") ?? false
    refitIterations = section.integer("refit") ?? TuningSchedule.Parameters().refitIterations
    tuning.seed = section.integer("seed").map { UInt64($0) } ?? seed
    tuning.weights = CodeTuning.Weights(section.section("weights") ?? CheckedSection())
    gate = TuningGate.Parameters()
    let limits = section.section("gate")
    if let value = limits?.number("minimumGain") { gate.minimumGain = value }
    if let value = limits?.number("maximumChurn") { gate.maximumChurn = value }
    if let value = limits?.number("maximumCollisionIncrease") { gate.maximumCollisionIncrease = value }
    if let value = limits?.number("minimumUtilizationRatio") { gate.minimumUtilizationRatio = value }
  }

  /// What decides about what a tuning makes.
  var stageInputs: [StageInput] {
    let weights = tuning.weights
    return [
      StageInput(name: "finetune.cycles", value: "\(cycles)"),
      StageInput(
        name: "finetune.firstEpochs", value: firstEpochs.map { "\($0)" } ?? "the recommender that serves"),
      StageInput(name: "finetune.epochs", value: epochs.map { "\($0)" } ?? "by train.epochs"),
      StageInput(name: "finetune.steps", value: "\(tuning.steps)"),
      StageInput(name: "finetune.learningRate", value: "\(tuning.learningRate)"),
      StageInput(name: "finetune.temperature", value: "\(tuning.temperature)"),
      StageInput(
        name: "finetune.weights",
        value: "recommender \(weights.recommender), commitment \(weights.commitment), "
          + "reconstruction \(weights.reconstruction), evenness \(weights.evenness), anchor \(weights.anchor), "
          + "contrast \(weights.contrast)"),
      StageInput(
        name: "finetune.aligner",
        value: tunesAligner
          ? "learningRate \(tuning.representationLearningRate), refit \(refitIterations)" : "fixed"),
      StageInput(name: "finetune.seed", value: "\(tuning.seed)"),
    ]
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
    if let value = section.number("contrast") { contrast = Float(value) }
  }
}
