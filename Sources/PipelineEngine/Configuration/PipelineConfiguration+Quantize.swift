internal import Quantizers
internal import TensorMath

extension PipelineConfiguration {
  /// QARM's VQ codes: every item's nearest items of a set.
  public struct Neighbors: Sendable, Equatable {
    /// Per item.
    public var count: Int
    /// Items in the set, at most; drawn by the quantizer's seed.
    public var itemSet: Int
  }
}

extension PipelineConfiguration.Quantize {
  /// The method that trains an encoder of its own.
  static let autoencoderMethod = "rq-vae"

  /// What an `rq-vae` trains with, defaults filled in; nil for the other methods.
  static func autoencoder(
    _ section: CheckedSection, method: String, sizes: [Int], seed: UInt64, sampleLimit: Int
  ) -> ResidualAutoencoder.Parameters? {
    guard method == autoencoderMethod else { return nil }
    var parameters = ResidualAutoencoder.Parameters(sizes: sizes, seed: seed, sampleLimit: sampleLimit)
    guard let settings = section.section("autoencoder") else { return parameters }
    if let hidden = settings.list("hidden") {
      parameters.hidden = hidden.compactMap { if case .integer(let width) = $0 { width } else { nil } }
    }
    if let latent = settings.integer("latentDimensions") { parameters.latentDimensions = latent }
    // Without an encoder there is nothing for hidden layers to lead to.
    if parameters.latentDimensions == 0, settings.list("hidden") == nil { parameters.hidden = [] }
    if let word = settings.text("estimator").flatMap(QuantizationEstimator.init(rawValue:)) {
      parameters.estimator = word
    }
    if let weight = settings.number("commitment") { parameters.commitment = Float(weight) }
    if let decay = settings.number("centroidDecay") { parameters.centroidDecay = decay }
    if let weight = settings.number("pairWeight") { parameters.pairWeight = Float(weight) }
    if let epochs = settings.integer("epochs") { parameters.epochs = epochs }
    if let epochs = settings.integer("settlingEpochs") { parameters.settlingEpochs = epochs }
    if let patience = settings.integer("patience") { parameters.patience = patience }
    if let size = settings.integer("batchSize") { parameters.batchSize = size }
    if let rate = settings.number("learningRate") { parameters.learningRate = Float(rate) }
    if let decay = settings.number("weightDecay") { parameters.weightDecay = Float(decay) }
    if let share = settings.number("heldOutShare") { parameters.heldOutShare = share }
    return parameters
  }

  static func neighbors(_ section: CheckedSection) -> PipelineConfiguration.Neighbors? {
    section.section("neighbors").map {
      PipelineConfiguration.Neighbors(
        count: $0.integer("count") ?? ItemSetCodebook.standardNeighbors, itemSet: $0.integer("itemSet") ?? 50_000)
    }
  }

  /// What the schema cannot say about the section.
  /// - Parameter hasPairs: whether the pipeline mines pairs.
  func check(_ section: CheckedSection?, hasPairs: Bool, _ validator: inout ConfigurationValidator) {
    guard let section else { return }
    if let autoencoder, autoencoder.pairWeight > 0, !hasPairs {
      validator.report(
        section.section("autoencoder")?.lines["pairWeight"] ?? section.lines["autoencoder"] ?? 1,
        "quantize.autoencoder.pairWeight brings items together that behavior ties: add the section 'pairs', or remove it"
      )
    }
    if let line = section.lines["autoencoder"], autoencoder == nil {
      validator.report(line, "quantize.autoencoder: the method '\(method)' has none; write method: rq-vae or remove it")
    }
    if let line = section.lines["iterations"], autoencoder != nil {
      validator.report(line, "quantize.iterations: rq-vae has none; set quantize.autoencoder.epochs instead")
    }
    if let autoencoder, autoencoder.latentDimensions == 0, !autoencoder.hidden.isEmpty {
      validator.report(
        section.lines["autoencoder"] ?? 1,
        "quantize.autoencoder: hidden layers need latentDimensions above 0; 0 quantizes the vectors themselves")
    }
  }

  /// What decides about an autoencoder when it is trained.
  var autoencoderInputs: [StageInput] {
    guard let autoencoder else { return [] }
    let values: [(String, String)] = [
      ("hidden", autoencoder.hidden.map { "\($0)" }.joined(separator: ", ")),
      ("latentDimensions", "\(autoencoder.latentDimensions)"), ("estimator", autoencoder.estimator.rawValue),
      ("commitment", "\(autoencoder.commitment)"), ("centroidDecay", "\(autoencoder.centroidDecay)"),
      ("epochs", "\(autoencoder.epochs)"), ("settlingEpochs", "\(autoencoder.settlingEpochs)"),
      ("patience", "\(autoencoder.patience)"), ("batchSize", "\(autoencoder.batchSize)"),
      ("learningRate", "\(autoencoder.learningRate)"), ("weightDecay", "\(autoencoder.weightDecay)"),
      ("heldOutShare", "\(autoencoder.heldOutShare)"),
    ]
    // Without the term, pipelines are what they were before there was one.
    let pairs = autoencoder.pairWeight > 0 ? [("pairWeight", "\(autoencoder.pairWeight)")] : []
    return (values + pairs).map { StageInput(name: "quantize.autoencoder.\($0.0)", value: $0.1) }
  }

  /// What decides about the item set and its neighbours.
  var neighborInputs: [StageInput] {
    guard let neighbors else { return [] }
    return [
      StageInput(name: "quantize.neighbors.count", value: "\(neighbors.count)"),
      StageInput(name: "quantize.neighbors.itemSet", value: "\(neighbors.itemSet)"),
      StageInput(name: "quantize.neighbors.seed", value: "\(seed)"),
    ]
  }
}
