internal import BehaviorAlignment
internal import TensorMath

extension PipelineConfiguration {
  /// How the `behavior` stage trains a sequential model, and what its item vectors bring to representations.
  public struct Behavior: Sendable {
    var shape: SequentialModel.Configuration
    var training: SequentialTraining.Parameters
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
    if behavior.shape.width % behavior.shape.heads != 0 {
      validator.report(
        section.lines["heads"] ?? line,
        "behavior.heads: \(behavior.shape.heads) does not divide behavior.width, \(behavior.shape.width)")
    }
  }
}

extension PipelineConfiguration.Behavior {
  init(_ section: CheckedSection, seed: UInt64) {
    shape = SequentialModel.Configuration(section)
    training = SequentialTraining.Parameters(section, seed: seed)
    weight = Float(section.number("weight") ?? 0.7)
    dimensions = section.integer("dimensions")
  }

  var stageInputs: [StageInput] { trainingInputs + joinInputs }

  /// What decides about the vectors.
  var trainingInputs: [StageInput] {
    [
      StageInput(name: "behavior.shape", value: shape.summary),
      StageInput(name: "behavior.training", value: training.summary),
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
