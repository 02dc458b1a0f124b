internal import BehaviorAlignment
internal import TensorMath

extension PipelineConfiguration {
  /// How the `behavior` stage trains a model of who uses what, and what its item vectors bring to representations.
  public struct Behavior: Sendable {
    enum Model: Sendable {
      case sequential(SequentialModel.Configuration, SequentialTraining.Parameters)
      case twoTower(TwoTowerModel.Configuration, TwoTowerTraining.Parameters)
    }

    var model: Model
    /// The length of behavior vectors beside the content's.
    var weight: Float
    /// Floats per joined representation; nil for as many as `represent.dimensions`.
    var dimensions: Int?
  }

  /// What the schema cannot say of `behavior`.
  func checkBehavior(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard let behavior, let section = root.section("behavior") else { return }
    let line = root.lines["behavior"] ?? 1
    if pairs == nil { validator.report(line, "'behavior' learns in the window of pairs: add the section 'pairs'") }
    if represent == nil { validator.report(line, "'behavior' joins representations: add the section 'represent'") }
    switch behavior.model {
    case .sequential(let shape, _):
      if shape.width % shape.heads != 0 {
        validator.report(
          section.lines["heads"] ?? line,
          "behavior.heads: \(shape.heads) does not divide behavior.width, \(shape.width)")
      }
      for key in ["pooling", "temperature", "negatives", "frequencyCorrection"] where section.has(key) {
        validator.report(
          section.lines[key] ?? line,
          "behavior.\(key) is of the two-tower model: remove it, or add 'model: two-tower'")
      }
    case .twoTower:
      for key in ["layers", "heads"] where section.has(key) {
        validator.report(
          section.lines[key] ?? line, "behavior.\(key) is of the model sasrec: remove it, or 'model: two-tower'")
      }
    }
  }
}

extension PipelineConfiguration.Behavior {
  init(_ section: CheckedSection, seed: UInt64) {
    model =
      section.text("model") == "two-tower"
      ? .twoTower(TwoTowerModel.Configuration(section), TwoTowerTraining.Parameters(section, seed: seed))
      : .sequential(SequentialModel.Configuration(section), SequentialTraining.Parameters(section, seed: seed))
    weight = Float(section.number("weight") ?? 0.7)
    dimensions = section.integer("dimensions")
  }

  var stageInputs: [StageInput] { trainingInputs + joinInputs }

  /// What decides about the vectors.
  var trainingInputs: [StageInput] {
    let (shape, training) =
      switch model {
      case .sequential(let shape, let training): (shape.summary, training.summary)
      case .twoTower(let shape, let training): (shape.summary, training.summary)
      }
    return [
      StageInput(name: "behavior.shape", value: shape),
      StageInput(name: "behavior.training", value: training),
    ]
  }

  /// What decides about representations once there are vectors.
  var joinInputs: [StageInput] {
    [
      StageInput(
        name: "behavior.join", value: "weight \(weight), dimensions \(dimensions.map { "\($0)" } ?? "represent's")")
    ]
  }
}

extension SequentialModel.Configuration {
  /// The keys of a section that trains a sequential model.
  init(_ section: CheckedSection) {
    self.init()
    if let value = section.integer("width") {
      width = value
      hidden = value
    }
    if let value = section.integer("layers") { layers = value }
    if let value = section.integer("heads") { heads = value }
    if let value = section.integer("hidden") { hidden = value }
    if let value = section.number("dropout") { dropout = Float(value) }
    if let value = section.integer("maximumHistory") { maximumHistory = value }
  }

  var summary: String {
    "width \(width), layers \(layers), heads \(heads), hidden \(hidden), dropout \(dropout), "
      + "maximumHistory \(maximumHistory)"
  }
}

extension SequentialTraining.Parameters {
  init(_ section: CheckedSection, seed: UInt64) {
    self.init()
    if let value = section.integer("epochs") { epochs = value }
    if let value = section.number("learningRate") { learningRate = Float(value) }
    if let value = section.integer("positionsPerBatch") { positionsPerBatch = value }
    if let value = section.integer("patience") { patience = value }
    if let value = section.integer("itemLimit") { itemLimit = value }
    if let value = section.text("precision").flatMap(WeightPrecision.init(rawValue:)) { precision = value }
    self.seed = section.integer("seed").map { UInt64($0) } ?? seed
  }

  var summary: String {
    "epochs \(epochs), learningRate \(learningRate), positionsPerBatch \(positionsPerBatch), patience \(patience), "
      + "itemLimit \(itemLimit), precision \(precision.rawValue), seed \(seed)"
  }
}
