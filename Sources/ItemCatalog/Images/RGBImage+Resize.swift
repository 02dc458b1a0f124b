extension RGBImage {
  /// Scales to an exact size with a triangle filter that widens when shrinking, so that every source pixel counts
  /// (no aliasing). Two passes, columns then rows, in fixed point; the same arithmetic as Pillow's `BILINEAR`.
  ///
  /// - Complexity: O(width' × height + width' × height') × taps.
  public func resized(width newWidth: Int, height newHeight: Int) -> RGBImage {
    precondition(newWidth > 0 && newHeight > 0, "an image has at least one pixel")
    var result = self
    if newWidth != width { result = result.resizedColumns(TriangleFilter(from: width, to: newWidth)) }
    if newHeight != height { result = result.resizedRows(TriangleFilter(from: height, to: newHeight)) }
    return result
  }

  /// Scales so that the longer side has `side` pixels; the aspect ratio stays, small pictures grow.
  public func fitted(side: Int) -> RGBImage {
    scaled(by: Double(side) / Double(max(width, height)))
  }

  /// Scales so that the shorter side has `side` pixels and cuts the middle `side` × `side` square.
  public func filled(side: Int) -> RGBImage {
    let image = scaled(by: Double(side) / Double(min(width, height)))
    return image.cropped(
      x: (image.width - side) / 2, y: (image.height - side) / 2, width: side, height: side)
  }

  /// The rectangle with its top left corner at (`x`, `y`).
  public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) -> RGBImage {
    precondition(
      x >= 0 && y >= 0 && newWidth > 0 && newHeight > 0 && x + newWidth <= width && y + newHeight <= height,
      "a crop lies within its image")
    guard newWidth != width || newHeight != height else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(newWidth * newHeight * 3)
    for row in y..<y + newHeight {
      let start = (row * width + x) * 3
      result.append(contentsOf: pixels[start..<start + newWidth * 3])
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: result)
  }

  private func scaled(by factor: Double) -> RGBImage {
    precondition(factor > 0, "a side has at least one pixel")
    return resized(
      width: max(1, Int((Double(width) * factor).rounded())),
      height: max(1, Int((Double(height) * factor).rounded())))
  }

  private func resizedColumns(_ filter: TriangleFilter) -> RGBImage {
    let newWidth = filter.starts.count
    var result = [UInt8](repeating: 0, count: newWidth * height * 3)
    var output = result.mutableSpan
    let source = pixels.span
    let weights = filter.weights.span
    var target = 0
    for row in 0..<height {
      for column in 0..<newWidth {
        var position = (row * width + filter.starts[column]) * 3
        var (red, green, blue) = (TriangleFilter.half, TriangleFilter.half, TriangleFilter.half)
        for tap in column * filter.taps..<column * filter.taps + filter.counts[column] {
          let weight = weights[tap]
          red &+= weight &* Int32(source[position])
          green &+= weight &* Int32(source[position + 1])
          blue &+= weight &* Int32(source[position + 2])
          position += 3
        }
        output[target] = TriangleFilter.sample(red)
        output[target + 1] = TriangleFilter.sample(green)
        output[target + 2] = TriangleFilter.sample(blue)
        target += 3
      }
    }
    return RGBImage(width: newWidth, height: height, pixels: result)
  }

  /// Adds whole source rows into one row of sums, which vectorizes.
  private func resizedRows(_ filter: TriangleFilter) -> RGBImage {
    let newHeight = filter.starts.count
    let stride = width * 3
    var result = [UInt8](repeating: 0, count: stride * newHeight)
    var sums = [Int32](repeating: 0, count: stride)
    var output = result.mutableSpan
    var row = sums.mutableSpan
    let source = pixels.span
    for newRow in 0..<newHeight {
      for i in 0..<stride { row[i] = TriangleFilter.half }
      for tap in 0..<filter.counts[newRow] {
        let weight = filter.weights[newRow * filter.taps + tap]
        let start = (filter.starts[newRow] + tap) * stride
        let samples = source.extracting(start..<start + stride)
        for i in 0..<stride { row[i] &+= weight &* Int32(samples[i]) }
      }
      for i in 0..<stride { output[newRow * stride + i] = TriangleFilter.sample(row[i]) }
    }
    return RGBImage(width: width, height: newHeight, pixels: result)
  }
}

/// For every output position of one axis, the input positions that it averages and their weights in 22-bit fixed
/// point, which sum to one.
private struct TriangleFilter {
  static let fractionBits: Int32 = 22
  static let half: Int32 = 1 << (fractionBits - 1)

  let taps: Int
  private(set) var starts: [Int] = []
  private(set) var counts: [Int] = []
  private(set) var weights: [Int32] = []

  init(from source: Int, to target: Int) {
    let scale = Double(source) / Double(target)
    let support = max(1, scale)
    taps = Int(support.rounded(.up)) * 2 + 1
    weights = [Int32](repeating: 0, count: target * taps)
    for output in 0..<target {
      let center = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(source, Int(center + support + 0.5))
      let raw = (start..<end).map { max(0, 1 - abs(Double($0) - center + 0.5) / support) }
      let total = raw.reduce(0, +)
      for (tap, weight) in raw.enumerated() {
        weights[output * taps + tap] = Int32(weight / total * Double(1 << Self.fractionBits) + 0.5)
      }
      starts.append(start)
      counts.append(end - start)
    }
  }

  static func sample(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> fractionBits) }
}
