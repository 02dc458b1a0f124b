package import ItemCatalog

/// What a model states that is done to a picture before it is seen: resize, crop, scale and normalize.
package struct ImagePreprocessing: Sendable, Equatable {
  package struct Extent: Sendable, Equatable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  package enum Size: Sendable, Equatable {
    /// Both sides as given, whatever the picture's aspect ratio.
    case exact(Extent)
    /// The shorter side; the longer one follows.
    case shorterSide(Int)
  }

  package var size: Size
  package var filter: ResamplingFilter
  /// The middle of the resized picture that is kept; the whole of it without one.
  package var crop: Extent?
  /// Samples are multiplied by it first.
  package var rescale: Double
  /// Taken off, for red, green and blue, after the rescaling.
  package var mean: [Double]
  /// Divided by, after the mean is taken off.
  package var deviation: [Double]
  /// Whether a large JPEG may be decoded at a half, a quarter or an eighth of its size where that leaves the resize at
  /// least twice the pixels that it needs. Faster, and slightly different from the reference.
  package var allowsReducedDecoding = false

  package init(
    size: Size, filter: ResamplingFilter, crop: Extent? = nil, rescale: Double, mean: [Double],
    deviation: [Double]
  ) {
    precondition(mean.count == 3 && deviation.count == 3, "red, green and blue")
    self.size = size
    self.filter = filter
    self.crop = crop
    self.rescale = rescale
    self.mean = mean
    self.deviation = deviation
  }

  /// The result's columns and rows. Where the size gives one side alone, a crop follows.
  package var extent: Extent {
    switch (crop, size) {
    case (let crop?, _): crop
    case (nil, .exact(let extent)): extent
    case (nil, .shorterSide(let side)): Extent(width: side, height: side)
    }
  }

  /// Reads a picture and prepares it: the extent's `height × width × 3`, channels last.
  package func load(_ path: String, limits: ImageLimits) throws(ImageError) -> ContiguousArray<Float> {
    let target = allowsReducedDecoding ? 2 * max(extent.width, extent.height) : nil
    return apply(to: try ImageDecoder.decode(path: path, limits: limits, targetSide: target))
  }

  /// The extent's `height × width × 3`, channels last.
  package func apply(to image: RGBImage) -> ContiguousArray<Float> {
    let pixels = resizedAndCropped(image).pixels
    // An affine map per channel, in single precision: within a rounding of what the reference computes.
    var (factors, offsets) = (SIMD4<Float>(), SIMD4<Float>())
    for channel in 0..<3 {
      factors[channel] = Float(rescale / deviation[channel])
      offsets[channel] = Float(mean[channel] / rescale)
    }
    return unsafe ContiguousArray(unsafeUninitializedCapacity: pixels.count) { result, count in
      let source = pixels.span
      for index in stride(from: 0, to: pixels.count, by: 3) {
        let pixel = SIMD4(Float(source[index]), Float(source[index + 1]), Float(source[index + 2]), 0)
        let value = (pixel - offsets) * factors
        unsafe result[index] = value.x
        unsafe result[index + 1] = value.y
        unsafe result[index + 2] = value.z
      }
      count = pixels.count
    }
  }

  /// Before samples become floats.
  package func resizedAndCropped(_ image: RGBImage) -> RGBImage {
    let resized: RGBImage
    switch size {
    case .exact(let extent): resized = filter.resize(image, width: extent.width, height: extent.height)
    case .shorterSide(let side):
      // As transformers rounds: the longer side downwards.
      let isWide = image.width > image.height
      let longer = side * max(image.width, image.height) / min(image.width, image.height)
      resized = resizeWithinMemory(image, shorter: side, longer: longer, isWide: isWide)
    }
    guard let crop else { return resized }
    return resized.cropped(
      x: (resized.width - crop.width) / 2, y: (resized.height - crop.height) / 2, width: crop.width,
      height: crop.height)
  }

  /// A strip of 1 × 10,000 pixels would grow to millions of columns of which the crop keeps a few: where a crop
  /// follows, what it leaves out is cut off first, but for the filter's reach.
  private func resizeWithinMemory(_ image: RGBImage, shorter: Int, longer: Int, isWide: Bool) -> RGBImage {
    let kept = isWide ? extent.width : extent.height
    guard longer > 64 * max(kept, shorter) else {
      return filter.resize(image, width: isWide ? longer : shorter, height: isWide ? shorter : longer)
    }
    let length = max(image.width, image.height), side = min(image.width, image.height)
    let part = min(length, 16 * side + length % 2)
    let start = (length - part) / 2
    let cut = image.cropped(
      x: isWide ? start : 0, y: isWide ? 0 : start, width: isWide ? part : side, height: isWide ? side : part)
    let scaled = shorter * part / side
    return filter.resize(cut, width: isWide ? scaled : shorter, height: isWide ? shorter : scaled)
  }
}

extension ImagePreprocessing: CustomStringConvertible {
  /// All that a picture's samples depend on; part of an encoder's fingerprint.
  package var description: String {
    let cut = crop.map { "crop \($0.width) × \($0.height)" } ?? "no crop"
    let form =
      switch size {
      case .exact(let extent): "exactly \(extent.width) × \(extent.height)"
      case .shorterSide(let side): "shorter side \(side)"
      }
    return "\(form), \(filter.rawValue), \(cut), rescale \(rescale), mean \(mean), deviation \(deviation)"
      + (allowsReducedDecoding ? ", reduced decoding" : "")
  }
}
