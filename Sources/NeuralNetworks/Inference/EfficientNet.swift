package import TensorMath

/// An EfficientNet-Lite for inference, from an image to the spatial mean of its last feature map.
///
/// Batch normalization is folded into the convolutions' weights when they are loaded. Images lie channels last. Large
/// maps are computed band by band within one image; small ones for several images at once, so that their weights are
/// fetched from memory once for all of them.
package struct EfficientNet: Sendable {
  package let configuration: EfficientNetConfiguration
  private let stem: LinearLayer
  private let blocks: [EfficientNetBlock]
  private let head: LinearLayer

  private static let stemKernel = 3, stemStride = 2
  /// Output rows of the stem that are laid out as a matrix at once.
  private static let stemBand = 8
  /// Maps of at most this side are computed for all images together.
  private static let sharedSide = 16

  /// The classifier behind the features, and counters of the training.
  private static let unused = ["_fc.", "num_batches_tracked"]

  package init(
    _ configuration: EfficientNetConfiguration, checkpoint: String, precision: WeightPrecision = .single
  ) throws(NeuralNetworksError) {
    try self.init(configuration, CheckpointReader(contentsOf: checkpoint), precision: precision)
  }

  /// Takes the tensors by the names that efficientnet_lite_pytorch gives them.
  package init(
    _ configuration: EfficientNetConfiguration, _ checkpoint: consuming CheckpointReader,
    precision: WeightPrecision = .single
  ) throws(NeuralNetworksError) {
    var reader = EfficientNetReader(checkpoint, epsilon: configuration.epsilon, precision: precision)
    self.configuration = configuration
    stem = try reader.stem(channels: configuration.stemChannels, kernel: Self.stemKernel)
    var blocks: [EfficientNetBlock] = []
    var channels = configuration.stemChannels
    for stage in configuration.stages {
      for number in 0..<stage.repeats {
        blocks.append(
          try reader.block(blocks.count, stage, inputs: channels, isRepeat: number > 0))
        channels = stage.channels
      }
    }
    self.blocks = blocks
    head = try reader.pointwise(
      "_conv_head", normalization: "_bn1", inputs: channels, outputs: configuration.featureDimensions)
    try reader.checkpoint.finish(ignoring: Self.unused)
  }

  package func makeScratch() -> EfficientNetScratch { EfficientNetScratch() }

  package var dimensions: Int { configuration.featureDimensions }

  /// Floats of one image: `imageSize × imageSize × 3`.
  package var imageCount: Int { configuration.imageSize * configuration.imageSize * 3 }

  /// Features of `count` images, on the calling thread. An image's features do not depend on the others.
  ///
  /// - Parameters:
  ///   - images: `count × imageSize × imageSize × 3`, normalized.
  ///   - output: `count × dimensions`.
  package func features(
    of images: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>,
    _ scratch: inout EfficientNetScratch
  ) {
    guard count > 0 else { return }
    let maps = mapSizes()
    unsafe scratch.withMaps(max(maps.largest, count * maps.largestShared)) { scratch, current, next in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count * maps.firstShared) { shared in
        guard let shared = shared.baseAddress else { return }
        var side = 0
        for image in 0..<count {
          side = unsafe applyStem(images + image * imageCount, into: current, &scratch)
          let result = unsafe apply(blocks[..<maps.sharedFrom], images: 1, side: &side, current, next, &scratch)
          unsafe (shared + image * maps.firstShared).update(from: result, count: maps.firstShared)
        }
        unsafe current.update(from: shared, count: count * maps.firstShared)
        let last = unsafe apply(blocks[maps.sharedFrom...], images: count, side: &side, current, next, &scratch)
        unsafe pool(last, images: count, positions: side * side, into: output, &scratch)
      }
    }
  }

  /// Runs blocks, swapping two maps, and returns the one that holds the result.
  private func apply(
    _ blocks: ArraySlice<EfficientNetBlock>, images: Int, side: inout Int, _ input: UnsafeMutablePointer<Float>,
    _ spare: UnsafeMutablePointer<Float>, _ scratch: inout EfficientNetScratch
  ) -> UnsafeMutablePointer<Float> {
    var (current, next) = unsafe (input, spare)
    for block in blocks {
      unsafe block.apply(current, images: images, side: side, into: next, &scratch)
      side = block.outputSide(side)
      unsafe swap(&current, &next)
    }
    return unsafe current
  }

  private struct MapSizes {
    /// Floats of the largest map of one image.
    var largest = 0
    /// The first block that is computed for all images together.
    var sharedFrom = 0
    /// Floats of one image in that block's input.
    var firstShared = 0
    /// Floats of one image in the largest map from there on.
    var largestShared = 0
  }

  private func mapSizes() -> MapSizes {
    var side = SamePadding(side: configuration.imageSize, kernel: Self.stemKernel, stride: Self.stemStride).outputs
    var count = side * side * stem.outputs
    var sizes = MapSizes(largest: count, sharedFrom: blocks.count)
    var isShared = false
    for (index, block) in blocks.enumerated() {
      if !isShared, side <= Self.sharedSide {
        isShared = true
        sizes.sharedFrom = index
        sizes.firstShared = count
        sizes.largestShared = count
      }
      side = block.outputSide(side)
      count = side * side * block.outputChannels
      sizes.largest = max(sizes.largest, count)
      if isShared { sizes.largestShared = max(sizes.largestShared, count) }
    }
    if !isShared { (sizes.firstShared, sizes.largestShared) = (count, count) }
    return sizes
  }

  /// The stem's map, in `output`; returns its side.
  private func applyStem(
    _ image: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, _ scratch: inout EfficientNetScratch
  ) -> Int {
    let size = configuration.imageSize, (kernel, step) = (Self.stemKernel, Self.stemStride)
    let padding = SamePadding(side: size, kernel: kernel, stride: step)
    let line = (padding.before + size + padding.after) * 3, inputs = kernel * kernel * 3
    let (outputs, channels) = (padding.outputs, stem.outputs)
    let rows = padding.before + size + padding.after
    unsafe scratch.withPatches(padded: rows * line, patches: Self.stemBand * outputs * inputs) { padded, patches in
      // The zeros around the image stay from one image to the next.
      for row in 0..<size {
        unsafe (padded + (row + padding.before) * line + padding.before * 3).update(
          from: image + row * size * 3, count: size * 3)
      }
      for band in stride(from: 0, to: outputs, by: Self.stemBand) {
        let bandRows = min(Self.stemBand, outputs - band)
        var target = unsafe patches
        for row in band..<band + bandRows {
          for column in 0..<outputs {
            for tap in 0..<kernel {
              unsafe target.update(from: padded + (row * step + tap) * line + column * step * 3, count: kernel * 3)
              unsafe target += kernel * 3
            }
          }
        }
        unsafe stem.apply(
          patches, rows: bandRows * outputs, activation: .relu6, into: output + band * outputs * channels)
      }
    }
    return outputs
  }

  /// The head's map, averaged over its positions.
  private func pool(
    _ map: UnsafePointer<Float>, images: Int, positions: Int, into output: UnsafeMutablePointer<Float>,
    _ scratch: inout EfficientNetScratch
  ) {
    let factor = 1 / Float(positions)
    unsafe scratch.withHidden(images * positions * dimensions, filtered: 1) { features, _ in
      unsafe head.apply(map, rows: images * positions, activation: .relu6, into: features)
      for image in 0..<images {
        let target = unsafe output + image * dimensions
        unsafe target.update(repeating: 0, count: dimensions)
        for position in 0..<positions {
          let source = unsafe features + (image * positions + position) * dimensions
          for column in 0..<dimensions { unsafe target[column] += source[column] }
        }
        for column in 0..<dimensions { unsafe target[column] *= factor }
      }
    }
  }
}
