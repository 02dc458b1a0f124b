extension RGBImage {
  /// Scales to an exact size with a triangle filter that widens when shrinking, so that every source pixel counts
  /// (no aliasing): Pillow's `BILINEAR`, but rounded once where Pillow rounds after rows and again after columns.
  ///
  /// - Complexity: O(width × height) when shrinking.
  public func resized(width newWidth: Int, height newHeight: Int) -> RGBImage {
    precondition(newWidth > 0 && newHeight > 0, "an image has at least one pixel")
    guard newWidth != width || newHeight != height else { return self }
    let rows = TriangleFilter(from: height, to: newHeight)
    let columns = TriangleFilter(from: width, to: newWidth)
    var sums = [Float](repeating: 0, count: width * 3)
    var line = [SIMD4<Float>](repeating: .zero, count: width)
    var result = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
    var output = result.mutableSpan
    for row in 0..<newHeight {
      addRows(rows, at: row, to: &sums)
      for x in 0..<width { line[x] = SIMD4(sums[3 * x], sums[3 * x + 1], sums[3 * x + 2], 0) }
      columns.apply(to: line.span, output: &output, at: row * newWidth * 3)
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: result)
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

  /// The weighted sum of the source rows that make one row of the result. Whole rows are added, which vectorizes.
  private func addRows(_ filter: TriangleFilter, at row: Int, to sums: inout [Float]) {
    let count = sums.count
    var target = sums.mutableSpan
    for i in 0..<count { target[i] = 0 }
    for tap in 0..<filter.counts[row] {
      let weight = filter.weights[row * filter.taps + tap]
      let start = (filter.starts[row] + tap) * count
      let source = pixels.span.extracting(start..<start + count)
      for i in 0..<count { target[i] += weight * Float(source[i]) }
    }
  }
}

/// For every output position of one axis, the input positions that it averages and their weights, which sum to one.
private struct TriangleFilter {
  /// Room for the weights of one position.
  let taps: Int
  private(set) var starts: [Int] = []
  private(set) var counts: [Int] = []
  private(set) var weights: [Float] = []

  init(from source: Int, to target: Int) {
    let scale = Double(source) / Double(target)
    let support = max(1, scale)
    taps = Int(support.rounded(.up)) * 2 + 1
    weights = [Float](repeating: 0, count: target * taps)
    for output in 0..<target {
      let center = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(source, Int(center + support + 0.5))
      let raw = (start..<end).map { max(0, 1 - abs(Double($0) - center + 0.5) / support) }
      let total = raw.reduce(0, +)
      for (tap, weight) in raw.enumerated() { weights[output * taps + tap] = Float(weight / total) }
      starts.append(start)
      counts.append(end - start)
    }
  }

  /// Averages one line of pixels and writes it, rounded, from `position` on.
  func apply(to line: Span<SIMD4<Float>>, output: inout MutableSpan<UInt8>, at position: Int) {
    var target = position
    for index in 0..<starts.count {
      var sum = SIMD4<Float>(repeating: 0.5)
      let (start, first) = (starts[index], index * taps)
      for tap in 0..<counts[index] { sum += line[start + tap] * weights[first + tap] }
      output[target] = UInt8(clamping: Int32(sum.x))
      output[target + 1] = UInt8(clamping: Int32(sum.y))
      output[target + 2] = UInt8(clamping: Int32(sum.z))
      target += 3
    }
  }
}
