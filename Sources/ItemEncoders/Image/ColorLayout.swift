internal import Foundation

/// Where the picture is light, dark or colored: the lowest frequencies of each channel, and how the border differs
/// from what it surrounds.
///
/// Source: the color layout descriptor of MPEG-7 (ISO/IEC 15938-3), on the whole canvas.
enum ColorLayout {
  /// Coefficients (u, v) with u + v below these.
  private static let lightnessOrder = 6, chromaOrder = 4
  static let frequencyDimensions = 21 + 10 + 10
  static let statisticDimensions = 10

  /// Signed square roots of the cosine coefficients of lightness, a and b.
  static func frequencyFeatures(of image: LabImage) -> [Float] {
    let channels = [(image.lightness, lightnessOrder), (image.a, chromaOrder), (image.b, chromaOrder)]
    return channels.flatMap { channel, order in
      coefficients(channel, order: order).map { $0 < 0 ? -(-$0).squareRoot() : $0.squareRoot() }
    }
  }

  /// Mean lightness, a and b of the border and of the inside less the border, the border's contrast, and the three
  /// channels' deviations; in hundredths.
  static func statisticFeatures(of image: LabImage) -> [Float] {
    var features: [Float] = []
    for channel in [image.lightness, image.a, image.b] {
      let border = Moments(of: borderPositions.lazy.map { channel[$0] })
      let whole = Moments(of: channel)
      features += [border.mean, whole.mean - border.mean, whole.deviation]
      if features.count == 3 { features.append(border.deviation) }
    }
    return features.map { $0 / 100 }
  }

  /// The two-dimensional DCT-II, triangle of low orders only, scaled so that the first is the mean.
  private static func coefficients(_ channel: [Float], order: Int) -> [Float] {
    let side = LabImage.side
    var columns = [Float](repeating: 0, count: order * side)
    for v in 0..<order {
      for row in 0..<side {
        let cosine = cosines[v * side + row]
        for column in 0..<side { columns[v * side + column] += cosine * channel[row * side + column] }
      }
    }
    var result: [Float] = []
    for v in 0..<order {
      for u in 0..<order - v {
        var sum: Float = 0
        for column in 0..<side { sum += cosines[u * side + column] * columns[v * side + column] }
        result.append(sum)
      }
    }
    return result
  }

  /// `lightnessOrder × side`.
  private static let cosines: [Float] = {
    let side = LabImage.side
    return (0..<lightnessOrder * side).map { index in
      let angle = Double.pi * Double(index / side) * (Double(index % side) + 0.5) / Double(side)
      return Float(cos(angle) / Double(side))
    }
  }()

  /// The outermost tenth on each side.
  private static let borderPositions: [Int] = {
    let side = LabImage.side, margin = side / 10
    let inside = margin..<side - margin
    return (0..<side * side).filter { !inside.contains($0 / side) || !inside.contains($0 % side) }
  }()

  private struct Moments {
    var mean: Float = 0
    var deviation: Float = 0

    init(of values: some Collection<Float>) {
      var sum: Float = 0, squares: Float = 0
      for value in values {
        sum += value
        squares += value * value
      }
      mean = sum / Float(values.count)
      deviation = max(0, squares / Float(values.count) - mean * mean).squareRoot()
    }
  }
}
