internal import Foundation
internal import ItemCatalog

/// A picture scaled to a fixed square, in CIELAB (D65): lightness 0 to 100, a and b around 0.
struct LabImage {
  /// Rows and columns; the aspect ratio is given up, so that every picture has the same layout.
  static let side = 64

  /// `side × side` samples each, row by row from the top.
  private(set) var lightness: [Float]
  private(set) var a: [Float]
  private(set) var b: [Float]

  init(_ image: RGBImage) {
    let canvas = image.resized(width: Self.side, height: Self.side)
    let count = Self.side * Self.side
    lightness = [Float](repeating: 0, count: count)
    a = lightness
    b = lightness
    let pixels = canvas.pixels
    for index in 0..<count {
      let red = linear[Int(pixels[3 * index])]
      let green = linear[Int(pixels[3 * index + 1])]
      let blue = linear[Int(pixels[3 * index + 2])]
      let x = root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505)
      let y = root(0.2126 * red + 0.7152 * green + 0.0722 * blue)
      let z = root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
      lightness[index] = 116 * y - 16
      a[index] = 500 * (x - y)
      b[index] = 200 * (y - z)
    }
  }
}

/// sRGB samples as linear light.
private let linear: [Float] = (0..<256).map { sample in
  let value = Double(sample) / 255
  return Float(value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4))
}

private let rootSteps = 4096

/// CIELAB's companding function at multiples of 1/4096.
private let roots: [Float] = (0...rootSteps + 1).map { step in
  let t = Double(step) / Double(rootSteps)
  return Float(t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116)
}

private func root(_ t: Float) -> Float {
  let position = min(max(t, 0), 1) * Float(rootSteps)
  let step = Int(position)
  return roots[step] + (roots[step + 1] - roots[step]) * (position - Float(step))
}
