internal import RealModule

typealias Point = SIMD2<Float>

/// Closed contours in the unit square, y down. Curves are flattened as they are added.
package struct SamplePath {
  private(set) var contours: [[Point]] = []

  package mutating func move(_ x: Float, _ y: Float) { contours.append([Point(x, y)]) }

  package mutating func line(_ x: Float, _ y: Float) { contours[contours.count - 1].append(Point(x, y)) }

  /// A cubic Bézier from the current point.
  package mutating func curve(_ x1: Float, _ y1: Float, _ x2: Float, _ y2: Float, _ x: Float, _ y: Float) {
    guard let start = contours.last?.last else { return }
    let (control1, control2, end) = (Point(x1, y1), Point(x2, y2), Point(x, y))
    for step in 1...9 {
      let t = Float(step) / 9
      let s = 1 - t
      let head = start * (s * s * s) + control1 * (3 * s * s * t)
      contours[contours.count - 1].append(head + control2 * (3 * s * t * t) + end * (t * t * t))
    }
  }

  package mutating func add(_ other: SamplePath) { contours += other.contours }

  /// The shape whose right half is drawn by `half`, from top to bottom, mirrored at x = 0.5.
  package static func symmetric(_ half: (inout SamplePath) -> Void) -> SamplePath {
    var path = SamplePath()
    half(&path)
    guard let right = path.contours.last else { return path }
    path.contours[path.contours.count - 1] = right + right.reversed().map { Point(1 - $0.x, $0.y) }
    return path
  }

  package static func build(_ body: (inout SamplePath) -> Void) -> SamplePath {
    var path = SamplePath()
    body(&path)
    return path
  }

  package static func polygon(_ points: (x: Float, y: Float)...) -> SamplePath {
    SamplePath(contours: [points.map { Point($0.x, $0.y) }])
  }

  package static func ellipse(_ x: Float, _ y: Float, _ radiusX: Float, _ radiusY: Float) -> SamplePath {
    SamplePath(contours: [unitCircle.map { Point(x + $0.x * radiusX, y + $0.y * radiusY) }])
  }

  package static func circle(_ x: Float, _ y: Float, _ radius: Float) -> SamplePath { ellipse(x, y, radius, radius) }

  package static func rectangle(
    _ x: Float, _ y: Float, _ width: Float, _ height: Float, radius: Float = 0
  ) -> SamplePath {
    let (right, bottom) = (x + width, y + height)
    guard radius > 0 else { return polygon((x, y), (right, y), (right, bottom), (x, bottom)) }
    let r = min(radius, width / 2, height / 2)
    let k = r * 0.45
    return build {
      $0.move(x + r, y)
      $0.line(right - r, y)
      $0.curve(right - k, y, right, y + k, right, y + r)
      $0.line(right, bottom - r)
      $0.curve(right, bottom - k, right - k, bottom, right - r, bottom)
      $0.line(x + r, bottom)
      $0.curve(x + k, bottom, x, bottom - k, x, bottom - r)
      $0.line(x, y + r)
      $0.curve(x, y + k, x + k, y, x + r, y)
    }
  }

  /// A line of `width` along the open curve that `body` draws, with square ends.
  package static func stroke(_ width: Float, _ body: (inout SamplePath) -> Void) -> SamplePath {
    SamplePath(contours: build(body).contours.filter { $0.count > 1 }.map { outline($0, width: width) })
  }

  private static func outline(_ points: [Point], width: Float) -> [Point] {
    var left: [Point] = []
    var right: [Point] = []
    for (i, point) in points.enumerated() {
      let along = points[min(i + 1, points.count - 1)] - points[max(i - 1, 0)]
      let length = max((along * along).sum().squareRoot(), 1e-6)
      let offset = Point(-along.y, along.x) * (width / 2 / length)
      left.append(point + offset)
      right.append(point - offset)
    }
    return left + right.reversed()
  }
}

private let unitCircle: [Point] = (0..<28).map { step in
  let angle = Float(step) / 28 * 2 * .pi
  return Point(Float.cos(angle), Float.sin(angle))
}
