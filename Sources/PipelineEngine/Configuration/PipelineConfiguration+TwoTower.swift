public import BehaviorAlignment
internal import TensorMath

extension PipelineConfiguration.Pairs {
  /// How user-to-item pairs are mined: a two-tower model is trained, whose item vectors tell what is similar.
  public struct UserToItem: Sendable, Equatable {
    public var shape: TwoTowerModel.Configuration
    public var training: TwoTowerTraining.Parameters
    public var mining: UserToItemMiner.Parameters
  }
}

extension PipelineConfiguration.Pairs.UserToItem {
  init(_ section: CheckedSection, seed: UInt64) {
    shape = TwoTowerModel.Configuration(section)
    training = TwoTowerTraining.Parameters(section, seed: seed)
    mining = UserToItemMiner.Parameters()
    if let value = section.integer("history") { mining.history = value }
    if let value = section.number("minimumSimilarity") { mining.minimumSimilarity = Float(value) }
  }

  var stageInputs: [StageInput] {
    [
      StageInput(name: "pairs.userToItem.shape", value: shape.summary),
      StageInput(name: "pairs.userToItem.training", value: training.summary),
      StageInput(
        name: "pairs.userToItem.mining",
        value: "history \(mining.history), minimumSimilarity \(mining.minimumSimilarity)"),
    ]
  }
}

extension TwoTowerModel.Configuration {
  /// The keys of a section that trains a two-tower model.
  init(_ section: CheckedSection) {
    self.init()
    if let value = section.integer("width") {
      width = value
      hidden = value
    }
    if let value = section.integer("hidden") { hidden = value }
    if let value = section.text("pooling").flatMap(Pooling.init(rawValue:)) { pooling = value }
    if let value = section.number("dropout") { dropout = Float(value) }
    if let value = section.integer("maximumHistory") { maximumHistory = value }
  }

  var summary: String {
    "two-tower, width \(width), hidden \(hidden), pooling \(pooling.rawValue), dropout \(dropout), "
      + "maximumHistory \(maximumHistory)"
  }
}

extension TwoTowerTraining.Parameters {
  init(_ section: CheckedSection, seed: UInt64) {
    self.init()
    if let value = section.integer("epochs") { epochs = value }
    if let value = section.number("learningRate") { learningRate = Float(value) }
    if let value = section.integer("positionsPerBatch") { positionsPerBatch = value }
    if let value = section.integer("negatives") { negatives = value }
    if let value = section.number("temperature") { temperature = Float(value) }
    if let value = section.number("frequencyCorrection") { frequencyCorrection = Float(value) }
    if let value = section.integer("patience") { patience = value }
    if let value = section.integer("itemLimit") { itemLimit = value }
    if let value = section.text("precision").flatMap(WeightPrecision.init(rawValue:)) { precision = value }
    self.seed = section.integer("seed").map { UInt64($0) } ?? seed
  }

  var summary: String {
    "epochs \(epochs), learningRate \(learningRate), positionsPerBatch \(positionsPerBatch), "
      + "negatives \(negatives), temperature \(temperature), frequencyCorrection \(frequencyCorrection), "
      + "patience \(patience), itemLimit \(itemLimit), precision \(precision.rawValue), seed \(seed)"
  }
}
