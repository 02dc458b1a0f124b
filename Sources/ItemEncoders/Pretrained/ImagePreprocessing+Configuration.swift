package import NeuralNetworks

extension ImagePreprocessing {
  private static let sides = 1...4096

  /// Reads the `preprocessing` section that `tools/convert_efficientnet.py` writes: an exact size, a filter by name, and
  /// (sample − mean) · scale.
  package init(efficientNet config: ModelConfigurationFile) throws(NeuralNetworksError) {
    guard let section = try config.section("preprocessing"), let resize = try section.section("resize") else {
      throw config.failure("preprocessing", "without a resize", "a section with resize, filter, mean and scale")
    }
    let name = try section.text("filter")
    guard let filter = ResamplingFilter(rawValue: name) else {
      throw section.failure(
        "filter", "\"\(name)\"", ResamplingFilter.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let scale = try section.number("scale")
    guard scale > 0 else { throw section.failure("scale", "\(scale)", "a number above 0") }
    let mean = try section.number("mean")
    let extent = Extent(
      width: try resize.integer("width", Self.sides), height: try resize.integer("height", Self.sides))
    self.init(
      size: .exact(extent),
      filter: filter, rescale: 1, mean: Array(repeating: mean, count: 3),
      deviation: Array(repeating: 1 / scale, count: 3))
  }

  /// Reads a `preprocessor_config.json` of a ViT or CLIP image processor.
  ///
  /// `size` is a number (the shorter side where a crop follows or the processor is CLIP's, both sides otherwise), or
  /// `{shortest_edge}`, or `{height, width}`. Whatever else a processor may do is refused rather than left out.
  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    for key in ["do_pad", "do_reduce_labels", "do_flip_channel_order"] where try config.flag(key, default: false) {
      throw config.failure(
        key, "true",
        "false: supported are do_resize, do_center_crop, do_rescale and do_normalize; export the model with a processor of "
          + "these, or run it as an external worker")
    }
    guard try config.flag("do_resize", default: true) else {
      throw config.failure("do_resize", "false", "true; pictures come in all sizes")
    }
    let kind = try config.text("image_processor_type", default: config.text("feature_extractor_type", default: ""))
    let cropsByDefault = kind.hasPrefix("CLIP") || config.has("crop_size")
    let crop = try config.flag("do_center_crop", default: cropsByDefault) ? try config.sides("crop_size") : nil
    let size = try Self.size(config, isShorterSide: cropsByDefault, crop: crop)
    let code = try config.integer("resample", 0...5, default: cropsByDefault ? 3 : 2)
    guard let filter = ResamplingFilter(pillowCode: code) else {
      throw config.failure("resample", "\(code), nearest neighbor", "an antialiased filter, 1 to 5")
    }
    let rescale =
      try config.flag("do_rescale", default: true)
      ? try config.number("rescale_factor", default: 1.0 / 255) : 1
    guard rescale > 0, Float(1 / rescale).isFinite else {
      throw config.failure("rescale_factor", "\(rescale)", "a number above 0")
    }
    var (mean, deviation) = ([0.0, 0, 0], [1.0, 1, 1])
    if try config.flag("do_normalize", default: true) {
      mean = try config.color("image_mean")
      deviation = try config.color("image_std")
      guard deviation.allSatisfy({ $0 > 0 && Float(rescale / $0).isFinite }) else {
        throw config.failure("image_std", "\(deviation)", "three numbers above 0")
      }
    }
    self.init(size: size, filter: filter, crop: crop, rescale: rescale, mean: mean, deviation: deviation)
  }

  private static func size(
    _ config: ModelConfigurationFile, isShorterSide: Bool, crop: Extent?
  ) throws(NeuralNetworksError) -> Size {
    let size: Size
    if let section = config.object("size"), section.has("shortest_edge") {
      if section.has("longest_edge") { throw section.failure("longest_edge", "given", "shortest_edge alone") }
      size = .shorterSide(try section.integer("shortest_edge", sides))
    } else if config.object("size") != nil {
      size = .exact(try config.sides("size"))
    } else {
      let side = try config.integer("size", sides)
      size = isShorterSide ? .shorterSide(side) : .exact(Extent(width: side, height: side))
    }
    switch (size, crop) {
    case (.shorterSide, nil):
      throw config.failure("do_center_crop", "false", "true where size gives only the shorter side")
    case (.shorterSide(let side), let crop?) where crop.width > side || crop.height > side:
      throw config.failure("crop_size", "\(crop.width) × \(crop.height)", "at most the resized side, \(side)")
    case (.exact(let whole), let crop?) where crop.width > whole.width || crop.height > whole.height:
      throw config.failure(
        "crop_size", "\(crop.width) × \(crop.height)", "at most \(whole.width) × \(whole.height)")
    default: return size
    }
  }
}

extension ModelConfigurationFile {
  /// The section of that name, or nil where the key is absent or something else.
  fileprivate func object(_ key: String) -> ModelConfigurationFile? { try? section(key) }

  /// `{height, width}`, or one number for both.
  fileprivate func sides(_ key: String) throws(NeuralNetworksError) -> ImagePreprocessing.Extent {
    if let section = object(key) {
      return ImagePreprocessing.Extent(
        width: try section.integer("width", 1...4096), height: try section.integer("height", 1...4096))
    }
    let side = try integer(key, 1...4096)
    return ImagePreprocessing.Extent(width: side, height: side)
  }

  /// A number for each of red, green and blue.
  fileprivate func color(_ key: String) throws(NeuralNetworksError) -> [Double] {
    let values = try numbers(key)
    guard values.count == 3 else { throw failure(key, "\(values.count) numbers", "three: red, green and blue") }
    return values
  }
}
