/// How one product looks: what its drawing does not decide by itself.
struct SampleLook: Sendable {
  var main: Color
  var second: Color
  var pattern: SamplePattern
  var frequency: Float
  var direction: Point
  /// Wood, metal or dark parts beside the colored ones.
  var accent: Color
  /// Proportions, 0 to 1 each.
  var variants: SIMD4<Float>
  /// 0 to 1: which side of a backdrop's tint this picture is on.
  var tone: Float
  var backdrop: Color
  var zoom: Float
  var turn: Point
  var shift: Point
}

/// A canvas and a look; the drawings are its extensions. Coordinates are the unit square's, y down.
struct SampleSketch {
  private(set) var canvas: SampleCanvas
  let look: SampleLook
  /// Proportions, 0 to 1 each.
  var a: Float { look.variants.x }
  var b: Float { look.variants.y }
  var c: Float { look.variants.z }
  var d: Float { look.variants.w }

  static let white = Color(0.96, 0.95, 0.93, 1)
  static let dark = Color(0.17, 0.16, 0.17, 1)
  static let steel = Color(0.70, 0.72, 0.75, 1)
  static let wood = Color(0.58, 0.40, 0.25, 1)
  static let leaf = Color(0.25, 0.50, 0.27, 1)

  init(look: SampleLook, side: Int) {
    self.look = look
    let (wall, tone) = (look.backdrop, look.tone)
    canvas = SampleCanvas(side: side, zoom: look.zoom, turn: look.turn, shift: look.shift) { point in
      // A wall lit from the upper left that rounds into a slightly darker floor.
      let floor: Float = min(1, max(0, (point.y - 0.72) * 7))
      let away = point - Point(0.35 + tone * 0.2, 0.3)
      let light = 1.05 - 0.16 * (away * away).sum() - 0.05 * floor
      return wall * light
    }
  }

  /// A soft shadow where the product stands; hanging things have none.
  mutating func stand(at y: Float, x: Float = 0.5, halfWidth: Float) {
    let (center, zoom) = (look.shift + Point(0.5, 0.5), look.zoom)
    let position = center + Point(x - 0.5, y - 0.5) * zoom
    canvas.darken(position, radius: Point(halfWidth * 1.25, 0.055) * zoom, strength: 0.5)
  }

  /// The wide soft shadow of something that hangs in front of the wall. `center` is the picture's, not the shape's.
  mutating func darkenWall(_ center: Point, radius: Float) {
    canvas.darken(center, radius: Point(radius, radius * 1.05) * look.zoom, strength: 0.28)
  }

  /// Fills with the product's color and pattern.
  mutating func body(_ path: SamplePath, roundness: Float = 0.7) {
    var paint = SamplePaint(look.main, roundness: roundness)
    paint.second = look.second
    paint.pattern = look.pattern
    paint.frequency = look.frequency / look.zoom
    paint.direction = look.direction
    canvas.fill(path, paint)
  }

  /// Fills with the product's color, darkened or lightened, without its pattern.
  mutating func plain(_ path: SamplePath, shade: Float = 1, roundness: Float = 0.5) {
    canvas.fill(path, SamplePaint(look.main * shade, roundness: roundness))
  }

  mutating func accent(_ path: SamplePath, shade: Float = 1, roundness: Float = 0.5) {
    canvas.fill(path, SamplePaint(look.accent * shade, roundness: roundness))
  }

  mutating func fill(_ path: SamplePath, _ color: Color, roundness: Float = 0.4, opacity: Float = 1) {
    canvas.fill(path, SamplePaint(color, roundness: roundness, opacity: opacity))
  }

  /// A thin dark seam.
  mutating func seam(_ width: Float = 0.008, opacity: Float = 0.35, _ body: (inout SamplePath) -> Void) {
    fill(.stroke(width, body), Color(0, 0, 0, 1), roundness: 0, opacity: opacity)
  }

  /// A soft highlight.
  mutating func shine(_ path: SamplePath, opacity: Float = 0.28) {
    fill(path, Color(1, 1, 1, 1), roundness: 0, opacity: opacity)
  }
}
