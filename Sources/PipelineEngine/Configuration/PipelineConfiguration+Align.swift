internal import BehaviorAlignment
package import ItemCatalog
internal import NeuralNetworks
internal import TensorMath

extension PipelineConfiguration {
  /// How the `align` stage trains the aligner. Its representations are as long as `represent.dimensions` says.
  public struct Align: Sendable {
    var training: AlignerTraining.Parameters
    /// All but the modalities and the length of a representation.
    var shape: AlignerConfiguration
    /// The share of the mined pairs that training does not see, to decide by when to stop.
    var validationShare: Double
    /// Items in memory while training.
    var itemLimit: Int
    /// The length of the untrained content beside the aligned vector, whose length is 1; 0 for none.
    package var content: Float
    /// Principal components that a modality is reduced to, by its name.
    package var components: [Modality: Int]
    /// What of the text encoder learns, as the file has it; `head` for none of it.
    var trainable: String
    /// The same; nil for none of it.
    var tunedDepth: TrainableDepth? { Self.depth(trainable) }

    private static func depth(_ text: String) -> TrainableDepth? {
      if text == "all" { return .all }
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "last", let count = Int(parts[1]), count > 0 else { return nil }
      return .last(count)
    }
  }

  /// What the schema cannot say of `align`.
  func checkAlign(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard let align, let section = root.section("align") else { return }
    let line = root.lines["align"] ?? 1
    if pairs == nil { validator.report(line, "'align' learns from pairs: add the section 'pairs'") }
    if represent == nil { validator.report(line, "'align' makes representations: add the section 'represent'") }
    if align.shape.width % align.shape.heads != 0 {
      validator.report(
        section.lines["heads"] ?? line,
        "align.heads: \(align.shape.heads) does not divide align.width, \(align.shape.width)")
    }
    if let mistake = trainableMistake(align, section) {
      let line = section.section("text")?.lines["trainable"] ?? section.lines["encoderRate"] ?? line
      validator.report(line, mistake)
    }
  }

  private func trainableMistake(_ align: Align, _ section: CheckedSection) -> String? {
    let wanted = align.trainable
    guard wanted != "head" else {
      return section.has("encoderRate")
        ? "align.encoderRate: no encoder learns; set align.text.trainable, or leave the rate out" : nil
    }
    guard align.tunedDepth != nil else {
      return "align.text.trainable: expected head, all, or last:N for the last N layers, found '\(wanted.prefix(60))'"
    }
    guard let found = untunableText else { return nil }
    return "align.text.trainable: '\(wanted)' tunes one pretrained text encoder, but encode.text \(found); give it the "
      + "'model' of one, or leave 'trainable' at head"
  }

  /// Why the text encoder cannot be tuned; nil where it can, as far as the file tells.
  private var untunableText: String? {
    guard let text = encode?.text else { return "is missing" }
    guard !text.isRouted else { return "is a list of rules" }
    switch text.routes[0].source {
    case .pretrained: return nil
    case .builtin: return "is built in"
    case .worker: return "is another program"
    }
  }
}

extension PipelineConfiguration.Align {
  /// - Parameter hasImages: whether the pipeline encodes images, which are reduced unless the section says otherwise.
  init(_ section: CheckedSection, seed: UInt64, hasImages: Bool) {
    training = AlignerTraining.Parameters()
    shape = AlignerConfiguration(modalities: [])
    if let value = section.text("fusion").flatMap(AlignerConfiguration.Fusion.init(rawValue:)) { shape.fusion = value }
    if let value = section.integer("width") { shape.width = value }
    if let value = section.integer("tokensPerModality") { shape.tokensPerModality = value }
    if let value = section.integer("queries") { shape.queries = value }
    if let value = section.integer("layers") { shape.layers = value }
    if let value = section.integer("heads") { shape.heads = value }
    if let value = section.number("dropout") { shape.dropout = Float(value) }
    if let value = section.integer("steps") { training.steps = value }
    if let value = section.integer("batch") { training.batch = value }
    if let value = section.number("learningRate") { training.learningRate = Float(value) }
    if let value = section.number("encoderRate") { training.encoderRate = Float(value) }
    trainable = section.section("text")?.text("trainable") ?? "head"
    if let value = section.number("temperature") { training.temperature = Float(value) }
    if let value = section.number("modalityDropout") { training.modalityDropout = Float(value) }
    if let value = section.number("frequencyCorrection") { training.frequencyCorrection = Float(value) }
    if let value = section.integer("patience") { training.patience = value }
    if let value = section.text("precision").flatMap(WeightPrecision.init(rawValue:)) { training.precision = value }
    training.seed = section.integer("seed").map { UInt64($0) } ?? seed
    validationShare = section.number("validationShare") ?? 0.05
    itemLimit = section.integer("itemLimit") ?? 500_000
    content = Float(section.number("content") ?? 0)
    components = hasImages ? [.image: 64] : [:]
    for modality in Modality.allCases {
      if let value = section.section("components")?.integer(modality.rawValue) { components[modality] = value }
    }
  }

  /// The shape for some modalities; one of no more dimensions than ``components`` has for it stays as it is.
  func shape(for modalities: [ModalityBatch], dimensions: Int) -> AlignerConfiguration {
    var shape = shape
    shape.modalities = modalities.map { batch in
      let limit = Modality(rawValue: batch.group ?? batch.name).flatMap { components[$0] }
      return .init(
        name: batch.name, dimensions: batch.vectors.columns,
        components: limit.flatMap { $0 < batch.vectors.columns ? $0 : nil })
    }
    shape.dimensions = dimensions
    return shape
  }

  /// Whether representations are joined with untrained content.
  var joinsContent: Bool { content > 0 }

  /// What decides about representations once the aligner is trained. Without the part, pipelines are what they were before
  /// there was one.
  var joinInputs: [StageInput] { joinsContent ? [StageInput(name: "align.content", value: "\(content)")] : [] }

  package var stageInputs: [StageInput] {
    [
      StageInput(
        name: "align.shape",
        value: "fusion \(shape.fusion.rawValue), width \(shape.width), tokensPerModality \(shape.tokensPerModality), "
          + "queries \(shape.queries), layers \(shape.layers), heads \(shape.heads), dropout \(shape.dropout)"),
      StageInput(
        name: "align.training",
        value: "steps \(training.steps), batch \(training.batch), learningRate \(training.learningRate), "
          + "temperature \(training.temperature), modalityDropout \(training.modalityDropout), "
          + "frequencyCorrection \(training.frequencyCorrection), patience \(training.patience), "
          + "precision \(training.precision.rawValue), seed \(training.seed)"),
      StageInput(name: "align.validationShare", value: "\(validationShare)"),
      StageInput(name: "align.itemLimit", value: "\(itemLimit)"),
    ]
      + (trainable == "head"
        ? []
        : [
          StageInput(name: "align.text.trainable", value: trainable),
          StageInput(name: "align.encoderRate", value: "\(training.encoderRate)"),
        ])
      + components.sorted { $0.key.rawValue < $1.key.rawValue }.map { modality, count in
        StageInput(name: "align.components.\(modality.rawValue)", value: "\(count)")
      }
  }
}
