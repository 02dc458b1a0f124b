internal import Foundation
package import ItemCatalog
package import TensorMath

/// Pillow's antialiasing filters, by which most image models were trained.
///
/// An output is a weighted mean of the inputs under a window that widens when shrinking. 8-bit images pass through
/// 8 bits between columns and rows, and weights are rounded to 22 bits, so that results equal those of Pillow in every
/// bit wherever it takes the passes in the same order. Here columns come first. The order is Pillow's own affair and
/// depends on its version and the sizes (13.0 was seen to take rows first where the height shrinks and the width grows);
/// where it differs, a sample may differ by the rounding in between. Tests compare sizes at which it is the same.
/// Source: `src/libImaging/Resample.c` of python-pillow/Pillow.
package enum ResamplingFilter: String, Sendable, CaseIterable {
  case box, bilinear, hamming, bicubic, lanczos

  /// By the number that Pillow, and `preprocessor_config.json`, give it; nil for nearest neighbor (0).
  package init?(pillowCode: Int) {
    switch pillowCode {
    case 1: self = .lanczos
    case 2: self = .bilinear
    case 3: self = .bicubic
    case 4: self = .box
    case 5: self = .hamming
    default: return nil
    }
  }

  /// Half the window's width when growing, in input pixels.
  private var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    // Pillow's window is open on its left.
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - x)
    case .hamming:
      if x == 0 { return 1 }
      return x < 1 ? sin(x * .pi) / (x * .pi) * (0.54 + 0.46 * cos(x * .pi)) : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }

  private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }

  /// The weights that take one axis of `source` pixels to `target`.
  package func weights(from source: Int, to target: Int) -> ResamplingWeights {
    let scale = Double(source) / Double(target)
    let stretch = max(scale, 1)
    let reach = support * stretch
    let taps = min(source, Int(reach.rounded(.up)) * 2 + 1)
    var starts: ContiguousArray<Int32> = []
    var weights = ContiguousArray<Int32>(repeating: 0, count: target * taps)
    for output in 0..<target {
      let center = (Double(output) + 0.5) * scale
      let first = max(0, Int(center - reach + 0.5))
      let end = min(source, Int(center + reach + 0.5))
      let raw = (first..<end).map { weight((Double($0) - center + 0.5) * (1 / stretch)) }
      let total = raw.reduce(0, +)
      // All outputs have the same number of inputs, so one near the end starts earlier, with weights of zero.
      let start = min(first, source - taps)
      for (tap, value) in raw.enumerated() {
        let share = (total != 0 ? value / total : value) * 0x1p22
        weights[output * taps + first - start + tap] = Int32(share < 0 ? share - 0.5 : share + 0.5)
      }
      starts.append(Int32(start))
    }
    return ResamplingWeights(taps: taps, starts: starts, weights: weights)
  }

  /// Scales an image to an exact size, the aspect ratio aside.
  /// - Complexity: O(source pixels + output pixels), times the filter's width when growing.
  package func resize(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "an image has at least one pixel")
    var pixels = image.pixels
    if width != image.width {
      pixels = weights(from: image.width, to: width).columns(of: pixels, width: image.width, rows: image.height)
    }
    if height != image.height {
      pixels = weights(from: image.height, to: height).rows(of: pixels, width: width)
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}
