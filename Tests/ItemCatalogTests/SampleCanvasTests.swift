import ItemCatalog
import Testing

@Suite struct SampleCanvasTests {
  private let white = SIMD4<Float>(repeating: 1)

  /// A canvas of one color, without a turn.
  private func canvas(_ side: Int, background: Float = 0, turn: SIMD2<Float> = [1, 0]) -> SampleCanvas {
    SampleCanvas(side: side, zoom: 1, turn: turn, shift: [0, 0]) { _ in SIMD4(repeating: background) }
  }

  private func flat(_ level: Float = 1, opacity: Float = 1) -> SamplePaint {
    SamplePaint(SIMD4(repeating: level) / 1.06, roundness: 0, opacity: opacity)
  }

  /// The mean of all samples, as a share of white.
  private func mean(_ canvas: SampleCanvas) -> Double {
    let pixels = canvas.image().pixels
    return Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count) / 255
  }

  @Test func rectangleCoversItsExactArea() {
    for (x, width) in [(0.25 as Float, 0.5 as Float), (0.2, 0.31), (0.111, 0.007), (0, 1)] {
      var picture = canvas(16)
      picture.fill(.rectangle(x, 0.25, width, 0.5), flat())
      #expect(abs(mean(picture) - Double(width) * 0.5) < 0.003, "\(width)")
    }
  }

  @Test func edgePixelsAreGrayInProportion() {
    var picture = canvas(4)
    // Half of column 1, all of column 2, a quarter of column 3.
    picture.fill(.rectangle(0.375, 0, 0.4375, 1), flat())
    let row = (0..<4).map { Int(picture.image().pixels[$0 * 3]) }
    #expect(row == [0, 128, 255, 64])
  }

  @Test func slopedEdgeSumsToItsArea() {
    var picture = canvas(32)
    picture.fill(.polygon((0.1, 0.1), (0.9, 0.3), (0.3, 0.95)), flat())
    let area = 0.5 * abs(0.8 * 0.85 - 0.2 * 0.2)
    #expect(abs(mean(picture) - area) < 0.002)
  }

  @Test func ellipseCoversPiTimesItsRadii() {
    var picture = canvas(64)
    picture.fill(.ellipse(0.5, 0.5, 0.4, 0.25), flat())
    #expect(abs(mean(picture) - .pi * 0.4 * 0.25) < 0.004)
  }

  @Test func windingDirectionDoesNotMatter() {
    var clockwise = canvas(16)
    var counterclockwise = canvas(16)
    clockwise.fill(.polygon((0.2, 0.2), (0.8, 0.3), (0.5, 0.9)), flat())
    counterclockwise.fill(.polygon((0.5, 0.9), (0.8, 0.3), (0.2, 0.2)), flat())
    #expect(largestDifference(clockwise.image().pixels, counterclockwise.image().pixels) <= 1)
  }

  @Test func overlappingContoursAreFilledOnce() {
    var picture = canvas(16)
    var path = SamplePath.rectangle(0.2, 0.2, 0.4, 0.4)
    path.add(.rectangle(0.4, 0.4, 0.4, 0.4))
    picture.fill(path, flat(opacity: 1))
    #expect(abs(mean(picture) - 0.28) < 0.004)
  }

  @Test func shapesBeyondTheEdgeAreCutNotWrapped() {
    var picture = canvas(16)
    picture.fill(.rectangle(-3, 0.5, 3.5, 9), flat())
    #expect(abs(mean(picture) - 0.25) < 0.004)
    var outside = canvas(16)
    outside.fill(.rectangle(2, 2, 3, 3), flat())
    outside.fill(.circle(-4, 0.5, 1), flat())
    #expect(mean(outside) == 0)
    // Nothing is left behind for the next shape.
    outside.fill(.rectangle(0, 0, 0.5, 1), flat())
    #expect(abs(mean(outside) - 0.5) < 0.004)
  }

  @Test func opacityBlends() {
    var picture = canvas(8, background: 0.2)
    picture.fill(.rectangle(0, 0, 1, 1), flat(1, opacity: 0.5))
    #expect(picture.image().pixels.allSatisfy { abs(Int($0) - 153) <= 2 })
  }

  @Test func turnKeepsTheArea() {
    var picture = canvas(64, turn: [0.8, 0.6])
    picture.fill(.rectangle(0.3, 0.4, 0.4, 0.2), flat())
    #expect(abs(mean(picture) - 0.08) < 0.003)
  }

  @Test func strokeIsAsWideAsAsked() {
    var picture = canvas(64)
    picture.fill(
      .stroke(0.1) {
        $0.move(0.2, 0.5)
        $0.line(0.8, 0.5)
      }, flat())
    #expect(abs(mean(picture) - 0.06) < 0.002)
  }

  @Test func symmetricShapesMirror() {
    var picture = canvas(32)
    picture.fill(
      .symmetric {
        $0.move(0.5, 0.1)
        $0.curve(0.7, 0.1, 0.9, 0.4, 0.8, 0.9)
        $0.line(0.5, 0.7)
      }, flat())
    let pixels = picture.image().pixels
    for y in 0..<32 {
      for x in 0..<16 {
        #expect(abs(Int(pixels[(y * 32 + x) * 3]) - Int(pixels[(y * 32 + 31 - x) * 3])) <= 1)
      }
    }
  }

  @Test(arguments: [
    (SamplePattern.plain, 0.0), (.striped, 0.5), (.checked, 0.5), (.zigzag, 0.5), (.dotted, Double.pi * 0.09),
  ])
  func patternCoversItsShare(_ pattern: SamplePattern, _ share: Double) {
    for direction in [[1, 0], [0, 1], [0.6, 0.8]] as [SIMD2<Float>] {
      var paint = flat(0)
      paint.second = white / 1.06
      paint.pattern = pattern
      paint.frequency = 8
      paint.direction = direction
      var picture = canvas(128)
      picture.fill(.rectangle(0, 0, 1, 1), paint)
      #expect(abs(mean(picture) - share) < 0.03, "\(direction)")
    }
  }

  @Test func shadowDarkensItsMiddleMost() {
    var picture = canvas(32, background: 0.8)
    picture.darken([0.5, 0.5], radius: [0.3, 0.2], strength: 0.5)
    let pixels = picture.image().pixels
    let middle = Int(pixels[(16 * 32 + 16) * 3])
    #expect((100...106).contains(middle))
    #expect(pixels[0] == 204)
    #expect(Int(pixels[(16 * 32 + 22) * 3]) > middle)
    // A shadow partly outside is cut.
    picture.darken([0, 1.2], radius: [0.5, 0.5], strength: 0.5)
    #expect(picture.image().pixels[(31 * 32) * 3] < 204)
  }
}
