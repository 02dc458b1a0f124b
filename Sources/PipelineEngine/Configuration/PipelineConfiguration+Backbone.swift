internal import NeuralNetworks
internal import Recommenders

/// The keys of `train` that choose among networks.

extension GeneratorConfiguration {
  /// - Parameter section: of `train`; the keys that all backbones have are read before.
  mutating func addBackbone(_ section: CheckedSection) {
    if let value = section.text("backbone").flatMap({ PipelineSchema.backbones[$0] }) { backbone = value }
    if let value = section.integer("decoderLayers") { decoderLayers = value }
    if let value = section.integer("targetItems") { targetItems = value }
    if let value = section.boolean("tiesTables") { tiesTables = value }
    if let value = section.number("prefixDropout"), value > 0 { prefixDropout = Float(value) }
    if section.boolean("prefixOutputs") == true { prefixOutputs = true }
    guard let mixture = section.section("experts"), let count = mixture.integer("count") else { return }
    experts = MixtureOfExperts.Configuration(
      count: count, selected: mixture.integer("selected") ?? min(2, count), hidden: mixture.integer("hidden") ?? hidden)
  }

  /// The same at another size; experts grow as the feed-forward parts do.
  func resized(width: Int, layers: Int, hidden: Int) -> GeneratorConfiguration {
    var result = self
    (result.width, result.layers, result.hidden) = (width, layers, hidden)
    result.experts?.hidden = min(65_536, max(1, (experts?.hidden ?? 1) * hidden / self.hidden))
    return result
  }
}

extension PipelineConfiguration.Train {
  /// Keys that mean something to an encoder-decoder only.
  private static let encoderDecoderKeys = [
    "decoderLayers", "experts", "targetItems", "cutsPerSequence", "sessions", "pathways",
  ]

  /// What makes another recommender than the pipelines of before these keys did. Absent where nothing does, so that such
  /// a pipeline's recommender stays up to date.
  var backboneInputs: [StageInput] {
    var inputs: [StageInput] = []
    if shape.backbone == .encoderDecoder {
      let experts = shape.experts.map { "\($0.selected) of \($0.count), hidden \($0.hidden)" } ?? "none"
      inputs.append(
        StageInput(
          name: "train.backbone",
          value: "encoder-decoder, decoderLayers \(shape.decoderLayers), targetItems \(shape.targetItems), "
            + "cutsPerSequence \(training.cutsPerSequence), experts \(experts)"))
    }
    if !shape.tiesTables { inputs.append(StageInput(name: "train.tiesTables", value: "false")) }
    if let rate = shape.prefixDropout { inputs.append(StageInput(name: "train.prefixDropout", value: "\(rate)")) }
    if shape.prefixOutputs == true {
      inputs.append(StageInput(name: "train.prefixOutputs", value: "true, the mean where unmet"))
    }
    if training.legality == .unconstrained { inputs.append(StageInput(name: "train.softmax", value: "all")) }
    return inputs
  }

  /// What a network cannot be, at the line of the key that asks for it.
  func checkShape(_ section: CheckedSection, line: Int, validator: inout ConfigurationValidator) {
    let found = validator.mistakes.count
    if shape.backbone == .onePosition {
      for key in Self.encoderDecoderKeys where section.has(key) {
        validator.report(
          section.lines[key] ?? line,
          "train.\(key): is for 'backbone: encoder-decoder', and the backbone is one-position; choose that or leave "
            + "the key out")
      }
    }
    if let experts = shape.experts, experts.selected > experts.count {
      let place = section.section("experts")?.lines["selected"] ?? section.lines["experts"] ?? line
      validator.report(
        place, "train.experts.selected: \(experts.selected) of \(experts.count) experts; select at most 'count'")
    }
    checkFeed(section, validator: &validator)
    guard validator.mistakes.count == found, shape.width % shape.heads == 0 else { return }
    // Whatever else the network refuses.
    do { _ = try GeneratorTraining(shape, parameters: training) } catch {
      validator.report(line, "train: \(error.message)")
    }
  }
}

extension PipelineConfiguration.Train {
  /// The sizes of a section, or some around the pipeline's own.
  static func sweep(_ section: CheckedSection, _ shape: GeneratorConfiguration) -> [GeneratorConfiguration] {
    let ratio = Double(shape.hidden) / Double(shape.width)
    func hidden(_ width: Int) -> Int { min(65_536, max(8, Int((ratio * Double(width)).rounded()))) }
    guard let sizes = section.list("sweep") else {
      let widths = [0.25, 0.5, 1, 2].map { factor in
        let heads = Double(shape.heads)
        // A multiple of the heads, and not so small that nothing is left.
        let width = max(8, (factor * Double(shape.width) / heads).rounded(.down) * heads)
        return min(4096 / shape.heads * shape.heads, Int((width / heads).rounded(.up) * heads))
      }
      return Array(Set(widths)).sorted().map {
        shape.resized(width: $0, layers: shape.layers, hidden: hidden($0))
      }
    }
    return sizes.compactMap { size in
      guard case .section(let size) = size, let width = size.integer("width") else { return nil }
      return shape.resized(
        width: width, layers: size.integer("layers") ?? shape.layers, hidden: size.integer("hidden") ?? hidden(width))
    }
  }

  func checkSweep(_ section: CheckedSection, validator: inout ConfigurationValidator) {
    let sizes = (section.list("sweep") ?? []).compactMap { if case .section(let size) = $0 { size } else { nil } }
    for (index, (size, shape)) in zip(sizes, sweep).enumerated() where shape.width % shape.heads != 0 {
      validator.report(
        size.lines["width"] ?? section.lines["sweep"] ?? 1,
        "train.sweep[\(index)].width: \(shape.width) is no multiple of train.heads, \(shape.heads)")
    }
  }
}
