typealias Color = SIMD4<Float>

/// What a shape is filled with.
package struct SamplePaint {
  package var color: SIMD4<Float>
  /// The pattern's other color.
  package var second: SIMD4<Float>
  package var pattern = SamplePattern.plain
  /// Repeats of the pattern over the picture's width.
  package var frequency: Float = 9
  /// Direction of the pattern: cosine and sine of its angle.
  package var direction = SIMD2<Float>(1, 0)
  /// How strongly the shape's sides fall off into shade, 0 flat to 1 round.
  package var roundness: Float = 0.5
  package var opacity: Float = 1

  package init(_ color: SIMD4<Float>, roundness: Float = 0.5, opacity: Float = 1) {
    self.color = color
    second = color
    self.roundness = roundness
    self.opacity = opacity
  }

  /// The color at a point of the picture's unit square.
  func color(at point: Point, pixel: Float) -> Color {
    guard pattern != .plain else { return color }
    let u = (point.x * direction.x + point.y * direction.y) * frequency
    let v = (point.y * direction.x - point.x * direction.y) * frequency
    let edge = pixel * frequency
    let share: Float
    switch pattern {
    case .plain: share = 0
    case .striped: share = band(u, edge)
    case .checked: share = (band(u, edge) + band(v, edge)) * 0.5
    case .zigzag: share = band(u + 0.7 * abs(fraction(v) - 0.5), edge * 1.5)
    case .dotted:
      let isOddRow = Int32(v + 1024) % 2 == 1
      let (x, y) = (fraction(u + (isOddRow ? 0.5 : 0)) - 0.5, fraction(v) - 0.5)
      share = min(1, max(0, (0.3 - (x * x + y * y).squareRoot()) / edge + 0.5))
    }
    return color + (second - color) * share
  }

  /// How far a pattern coordinate lies beyond the whole number below; their size stays far below 1,024.
  private func fraction(_ position: Float) -> Float { position + 1024 - Float(Int32(position + 1024)) }

  /// 1 in every other half period, 0 between, with an edge one pixel wide.
  private func band(_ position: Float, _ edge: Float) -> Float {
    let phase = abs(fraction(position) - 0.5)
    return min(1, max(0, (phase - 0.25) / edge + 0.5))
  }
}

/// A square picture that shapes are filled into, edges smoothed by the exact area that they cover of each pixel
/// (accumulated signed areas, as in Raph Levien's font-rs).
package struct SampleCanvas {
  package let side: Int
  private var pixels: [Color]
  private var coverage: [Float]
  private let stride: Int
  private let scale: Float
  private let cosine: Float
  private let sine: Float
  private let offset: Point

  /// - Parameters:
  ///   - background: the color at a point of the unit square.
  ///   - zoom, angle: cosine and sine of the turn, shift: how shapes are placed around the middle.
  package init(
    side: Int, zoom: Float, turn: SIMD2<Float>, shift: SIMD2<Float>, background: (SIMD2<Float>) -> SIMD4<Float>
  ) {
    self.side = side
    stride = side + 2
    coverage = [Float](repeating: 0, count: (side + 2) * side)
    scale = Float(side)
    cosine = turn.x * zoom
    sine = turn.y * zoom
    offset = shift + Point(0.5, 0.5)
    pixels = []
    pixels.reserveCapacity(side * side)
    for y in 0..<side {
      for x in 0..<side { pixels.append(background(Point(Float(x) + 0.5, Float(y) + 0.5) / Float(side))) }
    }
  }

  package mutating func fill(_ path: SamplePath, _ paint: SamplePaint) {
    var (low, high) = (Point(scale, scale), Point(0, 0))
    for contour in path.contours {
      var previous = placed(contour[contour.count - 1])
      for point in contour {
        let next = placed(point)
        low = Point(min(low.x, next.x), min(low.y, next.y))
        high = Point(max(high.x, next.x), max(high.y, next.y))
        addEdge(previous, next)
        previous = next
      }
    }
    guard low.x <= high.x, low.y <= high.y else { return }
    composite(paint, low: low, high: high)
  }

  /// A soft dark ellipse, such as a shadow on the floor. Coordinates are the picture's, not the shapes'.
  package mutating func darken(_ center: SIMD2<Float>, radius: SIMD2<Float>, strength: Float) {
    let top = max(0, Int((center.y - radius.y) * scale))
    let bottom = min(side, Int((center.y + radius.y) * scale) + 1)
    let left = max(0, Int((center.x - radius.x) * scale))
    let right = min(side, Int((center.x + radius.x) * scale) + 1)
    for y in top..<max(top, bottom) {
      for x in left..<max(left, right) {
        let position = (Point(Float(x), Float(y)) / scale - center) / radius
        let falloff = max(0, 1 - (position * position).sum())
        pixels[y * side + x] *= 1 - strength * falloff * falloff
      }
    }
  }

  package func image() -> RGBImage {
    var bytes = [UInt8](repeating: 0, count: side * side * 3)
    var target = 0
    for pixel in pixels {
      let level = pixel * 255 + 0.5
      bytes[target] = UInt8(clamping: Int32(level.x))
      bytes[target + 1] = UInt8(clamping: Int32(level.y))
      bytes[target + 2] = UInt8(clamping: Int32(level.z))
      target += 3
    }
    return RGBImage(width: side, height: side, pixels: bytes)
  }

  private func placed(_ point: Point) -> Point {
    let centered = point - Point(0.5, 0.5)
    let turned = Point(centered.x * cosine - centered.y * sine, centered.x * sine + centered.y * cosine)
    let pixel = (turned + offset) * scale
    // Outside the picture only which side a point is on matters.
    return Point(min(scale, max(0, pixel.x)), min(scale, max(0, pixel.y)))
  }

  /// Spreads one edge's signed area over the pixels that it crosses; sums along a row are then the coverage.
  private mutating func addEdge(_ a: Point, _ b: Point) {
    guard a.y != b.y else { return }
    let sign: Float = a.y < b.y ? 1 : -1
    let (upper, lower) = a.y < b.y ? (a, b) : (b, a)
    let slope = (lower.x - upper.x) / (lower.y - upper.y)
    var x = upper.x
    for row in Int(upper.y)..<min(side, Int(lower.y.rounded(.up))) {
      let height = min(Float(row + 1), lower.y) - max(Float(row), upper.y)
      let next = min(scale, max(0, x + slope * height))
      addSpan(row * stride, from: min(x, next), to: max(x, next), area: height * sign)
      x = next
    }
  }

  private mutating func addSpan(_ start: Int, from left: Float, to right: Float, area: Float) {
    let first = Int(left)
    let end = Int(right.rounded(.up))
    if end <= first + 1 {
      let middle = 0.5 * (left + right) - Float(first)
      coverage[start + first] += area * (1 - middle)
      coverage[start + first + 1] += area * middle
      return
    }
    // The edge crosses several columns: what lies right of it grows from one to the next.
    let perColumn = area / (right - left)
    var before: Float = 0
    for column in first..<end {
      let (entry, exit) = (max(left, Float(column)), min(right, Float(column + 1)))
      let part = perColumn * (exit - entry)
      let middle = 0.5 * (entry + exit) - Float(column)
      coverage[start + column] += before + part * (1 - middle)
      before = part * middle
    }
    coverage[start + end] += before
  }

  private mutating func composite(_ paint: SamplePaint, low: Point, high: Point) {
    let (top, bottom) = (Int(low.y), min(side, Int(high.y) + 1))
    let (left, right) = (Int(low.x), min(side, Int(high.x) + 1))
    let middle = (low + high) * 0.5
    let half = Point(max(1, (high.x - low.x) * 0.5), max(1, (high.y - low.y) * 0.5))
    let pixel = 1 / scale
    for y in top..<bottom {
      var sum: Float = 0
      let row = y * stride
      let down = (Float(y) + 0.5 - middle.y) / half.y
      for x in left..<right {
        sum += coverage[row + x]
        coverage[row + x] = 0
        let alpha = min(1, abs(sum)) * paint.opacity
        guard alpha > 0.004 else { continue }
        let across = (Float(x) + 0.5 - middle.x) / half.x
        let light = 1.06 - paint.roundness * (0.28 * across * across + 0.16 * across + 0.1 * down)
        let base = paint.color(at: Point(Float(x) * pixel, Float(y) * pixel), pixel: pixel) * light
        pixels[y * side + x] += (base - pixels[y * side + x]) * alpha
      }
      for x in right..<stride { coverage[row + x] = 0 }
    }
  }
}
