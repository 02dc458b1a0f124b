public import BehaviorAlignment
package import Recommenders
internal import TensorMath

extension PipelineConfiguration {
  /// How the `train` stage trains and measures a recommender.
  public struct Train: Sendable {
    /// What others a table has.
    public enum Baseline: String, Sendable, CaseIterable {
      case popularity
      case itemKNN = "item-knn"
      case sasrec
    }

    public var window: TrainingWindow
    public var maximumEventsPerUser: Int
    /// Which events are positive feedback; nil where all are.
    public var positive: PositiveFeedback?
    public var baselines: [Baseline]
    /// IDs that beam search holds per user.
    public var beam: Int
    /// What a dense head's score counts beside that of the beam in the final order; 0 for no such head.
    public var rerank: Float
    /// Whether a user's earlier items are left out of answers.
    public var excludesHistory: Bool
    package var shape: GeneratorConfiguration
    package var training: GeneratorTraining.Parameters
    var sequential: SequentialModel.Configuration
    var sequentialTraining: SequentialTraining.Parameters
    /// Of `tessera train --sweep`; no part of what the stage makes.
    package var sweep: [GeneratorConfiguration]
  }

  /// What the schema cannot say of `train`.
  func checkTrain(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard let train, let section = root.section("train") else { return }
    let line = root.lines["train"] ?? 1
    if catalog.interactions.isEmpty {
      validator.report(line, "'train' needs a behavior log: name one with 'catalog.interactions'")
    }
    if publish == nil { validator.report(line, "'train' reads a published generation: add the section 'publish'") }
    if let window = section.section("window"), window.values.count != 1 {
      validator.report(
        section.lines["window"] ?? 1, "train.window: expected exactly one of leaveLast, until and fraction")
    }
    if train.shape.width % train.shape.heads != 0 {
      validator.report(
        section.lines["heads"] ?? line,
        "train.heads: \(train.shape.heads) does not divide train.width, \(train.shape.width)")
    }
    train.checkShape(section, line: line, validator: &validator)
    train.checkSweep(section, validator: &validator)
  }
}

extension PipelineConfiguration.Train {
  /// - Parameter pairs: whose window holds here too, unless the section has one of its own: codes that were aligned on
  ///   what a recommender is measured on would flatter it.
  init(_ section: CheckedSection, pairs: PipelineConfiguration.Pairs?, seed: UInt64) {
    window = section.section("window").map { TrainingWindow($0) } ?? pairs?.window ?? .leaveLast(2)
    maximumEventsPerUser =
      section.integer("maxEventsPerUser") ?? pairs?.maximumEventsPerUser
      ?? InteractionHistory.Parameters().maximumEventsPerUser
    baselines =
      section.has("baselines")
      ? section.texts("baselines").compactMap(Baseline.init(rawValue:)) : [.popularity, .itemKNN]
    beam = section.integer("beam") ?? 50
    rerank = Float(section.number("rerank") ?? 0)
    excludesHistory = section.boolean("excludeHistory") ?? false
    shape = GeneratorConfiguration()
    shape.hasDenseHead = rerank > 0
    if let value = section.integer("width") { shape.width = value }
    if let value = section.integer("layers") { shape.layers = value }
    if let value = section.integer("heads") { shape.heads = value }
    if let value = section.integer("hidden") { shape.hidden = value }
    if let value = section.number("dropout") { shape.dropout = Float(value) }
    if let value = section.integer("maximumHistory") { shape.maximumHistory = value }
    if section.text("prefixTables") == "none" { shape.prefixTables = [] }
    shape.addBackbone(section)
    training = GeneratorTraining.Parameters()
    if let value = section.integer("epochs") { training.epochs = value }
    if let value = section.integer("positionsPerBatch") { training.positionsPerBatch = value }
    if let value = section.number("learningRate") { training.learningRate = Float(value) }
    if let value = section.integer("warmup") { training.warmup = value }
    if let value = section.integer("cutsPerSequence") { training.cutsPerSequence = value }
    shape.pathways = section.section("pathways").map { UserPathways($0) }
    training.sessions = section.section("sessions").map { SessionRules($0) }
    positive = section.section("positive").map { PositiveFeedback($0) }
    if let value = section.number("weightDecay") { training.weightDecay = Float(value) }
    if let value = section.text("softmax").flatMap({ PipelineSchema.softmaxes[$0] }) { training.legality = value }
    if let value = section.text("precision").flatMap(WeightPrecision.init(rawValue:)) { training.precision = value }
    training.seed = section.integer("seed").map { UInt64($0) } ?? seed
    let settings = section.section("sasrec") ?? CheckedSection()
    sequential = SequentialModel.Configuration(settings)
    sequentialTraining = SequentialTraining.Parameters(settings, seed: training.seed)
    sweep = Self.sweep(section, shape)
  }

  package var stageInputs: [StageInput] {
    let tables = shape.prefixTables.map { "\($0)" } ?? "all"
    return [
      StageInput(name: "train.window", value: "\(window), maxEventsPerUser \(maximumEventsPerUser)"),
      StageInput(
        name: "train.shape",
        value: "width \(shape.width), layers \(shape.layers), heads \(shape.heads), hidden \(shape.hidden), "
          + "dropout \(shape.dropout), maximumHistory \(shape.maximumHistory), prefixTables \(tables), denseHead \(shape.hasDenseHead)"
      ),
      StageInput(
        name: "train.training",
        value: "epochs \(training.epochs), positionsPerBatch \(training.positionsPerBatch), "
          + "learningRate \(training.learningRate), warmup \(training.warmup), precision \(training.precision.rawValue), "
          + "weightDecay \(training.weightDecay), seed \(training.seed)"),
      StageInput(
        name: "train.evaluation",
        value:
          "baselines \(baselines.map(\.rawValue)), beam \(beam), rerank \(rerank), excludeHistory \(excludesHistory)"),
      StageInput(
        name: "train.sasrec",
        value: baselines.contains(.sasrec) ? sequential.summary + ", " + sequentialTraining.summary : "absent"),
    ] + backboneInputs + feedInputs
  }
}
