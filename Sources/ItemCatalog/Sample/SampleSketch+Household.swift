/// Kitchen and living room.
extension SampleSketch {
  mutating func drawMug() {
    let taper = 0.05 * a
    stand(at: 0.82, x: 0.46, halfWidth: 0.26)
    accentHandle(width: 0.05 + 0.02 * b)
    body(
      .build {
        $0.move(0.22, 0.27)
        $0.line(0.68, 0.27)
        $0.line(0.68 - taper, 0.74)
        $0.curve(0.68 - taper, 0.85, 0.22 + taper, 0.85, 0.22 + taper, 0.74)
      }, roundness: 1)
    plain(.ellipse(0.45, 0.27, 0.23, 0.055), shade: 1.15)
    fill(.ellipse(0.45, 0.275, 0.205, 0.042), c > 0.5 ? Color(0.33, 0.2, 0.12, 1) : Self.white * 0.8)
    shine(.rectangle(0.28, 0.36, 0.035, 0.36, radius: 0.017))
  }

  private mutating func accentHandle(width: Float) {
    plain(
      .stroke(width) {
        $0.move(0.64, 0.37)
        $0.curve(0.9, 0.32, 0.92, 0.72, 0.63, 0.68)
      }, shade: 0.85)
  }

  mutating func drawTeapot() {
    stand(at: 0.8, halfWidth: 0.27)
    plain(
      .stroke(0.045) {
        $0.move(0.68, 0.46)
        $0.curve(0.94, 0.34, 0.96, 0.74, 0.7, 0.68)
      }, shade: 0.8)
    plain(
      .build {
        $0.move(0.34, 0.52)
        $0.curve(0.2, 0.52, 0.2, 0.4, 0.08, 0.36)
        $0.line(0.14, 0.33)
        $0.curve(0.26, 0.36, 0.26, 0.46, 0.36, 0.44)
        $0.line(0.36, 0.68)
        $0.curve(0.24, 0.68, 0.2, 0.6, 0.18, 0.5)
      }, shade: 0.9)
    body(
      .symmetric {
        $0.move(0.5, 0.38)
        $0.line(0.61, 0.38)
        $0.curve(0.82, 0.42, 0.8 + 0.04 * a, 0.76, 0.62, 0.8)
        $0.line(0.5, 0.8)
      }, roundness: 1)
    plain(.ellipse(0.5, 0.38, 0.14, 0.05 + 0.03 * b), shade: 1.12)
    accent(.circle(0.5, 0.31 - 0.02 * b, 0.032))
    shine(.ellipse(0.4, 0.52, 0.035, 0.07))
  }

  mutating func drawBottle() {
    let neck = 0.055 + 0.03 * a
    let shoulder = 0.3 + 0.1 * b
    stand(at: 0.9, halfWidth: 0.16)
    body(
      .symmetric {
        $0.move(0.5, 0.17)
        $0.line(0.5 + neck, 0.17)
        $0.line(0.5 + neck, shoulder - 0.08)
        $0.curve(0.5 + neck, shoulder, 0.64, shoulder, 0.64, shoulder + 0.09)
        $0.line(0.64, 0.86)
        $0.curve(0.64, 0.9, 0.6, 0.91, 0.5, 0.91)
      }, roundness: 1)
    accent(.rectangle(0.5 - neck - 0.012, 0.08, 2 * neck + 0.024, 0.11, radius: 0.02), roundness: 1)
    if c > 0.5 { fill(.rectangle(0.36, 0.55, 0.28, 0.16), Self.white, roundness: 0.8) }
    shine(.rectangle(0.395, shoulder + 0.1, 0.03, 0.4, radius: 0.015))
  }

  mutating func drawVase() {
    stand(at: 0.9, halfWidth: 0.17)
    for (x, y, bend) in [(0.34 as Float, 0.14 as Float, -0.05 as Float), (0.5, 0.08, 0.02), (0.66, 0.17, 0.06)] {
      fill(
        .stroke(0.014) {
          $0.move(0.5, 0.5)
          $0.curve(0.5 + bend, 0.4, x - bend, 0.3, x, y)
        }, Self.leaf)
      let petal = look.second.x + look.second.y + look.second.z > 2.4 ? look.accent * 1.3 : look.second
      for (dx, dy) in [(0.035 as Float, 0 as Float), (-0.035, 0), (0, 0.035), (0, -0.035)] {
        fill(.circle(x + dx, y + dy, 0.03), petal)
      }
      fill(.circle(x, y, 0.022), Color(0.95, 0.78, 0.25, 1))
    }
    let belly = 0.66 + 0.1 * a
    body(
      .symmetric {
        $0.move(0.5, 0.42)
        $0.line(0.6, 0.42)
        $0.curve(0.54, 0.5, 0.56, 0.52, 0.6, 0.56)
        $0.curve(belly + 0.08, 0.66, belly, 0.84, 0.6, 0.91)
        $0.line(0.5, 0.91)
      }, roundness: 1)
    plain(.ellipse(0.5, 0.42, 0.1, 0.02), shade: 0.55)
    shine(.ellipse(0.4, 0.7, 0.022, 0.08))
  }

  mutating func drawLamp() {
    let top = 0.1 + 0.08 * a
    stand(at: 0.92, halfWidth: 0.2)
    accent(.rectangle(0.484, 0.45, 0.032, 0.43))
    if b > 0.5 {
      accent(.ellipse(0.5, 0.7, 0.09, 0.12), roundness: 1)
    }
    accent(.ellipse(0.5, 0.89, 0.18, 0.035), shade: 0.95)
    fill(.ellipse(0.5, 0.47, 0.25, 0.08), Color(1, 0.92, 0.6, 1), roundness: 0, opacity: 0.5)
    body(.polygon((0.5 - top, 0.12), (0.5 + top, 0.12), (0.79, 0.47), (0.21, 0.47)), roundness: 0.9)
    fill(.ellipse(0.5, 0.47, 0.29, 0.03), Color(1, 0.93, 0.68, 1))
    shine(.polygon((0.44, 0.14), (0.48, 0.14), (0.42, 0.44), (0.34, 0.44)), opacity: 0.18)
  }

  mutating func drawClock() {
    let shadow = look.shift + Point(0.53, 0.56)
    darkenWall(shadow, radius: 0.42)
    body(.circle(0.5, 0.5, 0.38))
    fill(.circle(0.5, 0.5, 0.31 - 0.03 * a), Self.white, roundness: 0.25)
    for hour in 0..<12 {
      let direction = clockDirection(Float(hour) / 12)
      let length: Float = hour % 3 == 0 ? 0.06 : 0.03
      hand(from: direction * 0.27, to: direction * (0.27 - length), width: hour % 3 == 0 ? 0.018 : 0.01)
    }
    hand(from: Point(0, 0), to: clockDirection(0.84 + 0.1 * b) * 0.15, width: 0.026)
    hand(from: Point(0, 0), to: clockDirection(0.1 + 0.2 * c) * 0.23, width: 0.017)
    accent(.circle(0.5, 0.5, 0.022))
  }

  /// A straight dark stroke between two offsets from the middle.
  mutating func hand(from start: Point, to end: Point, width: Float) {
    fill(
      .stroke(width) {
        $0.move(0.5 + start.x, 0.5 + start.y)
        $0.line(0.5 + end.x, 0.5 + end.y)
      }, Self.dark, roundness: 0)
  }

  mutating func drawPlantPot() {
    stand(at: 0.92, halfWidth: 0.2)
    for (x, y, spread) in [
      (0.28 as Float, 0.2 as Float, 0.1 as Float), (0.72, 0.22, -0.1), (0.5, 0.07, 0.07), (0.2, 0.42, 0.1),
      (0.8, 0.44, -0.1), (0.4, 0.14, 0.06),
    ] {
      fill(
        .build {
          $0.move(0.5, 0.6)
          $0.curve(0.48, 0.45, x - spread, y + 0.2, x, y)
          $0.curve(x + spread, y + 0.2, 0.54, 0.48, 0.5, 0.6)
        }, Self.leaf * (0.85 + 0.5 * abs(x - 0.5) + 0.2 * d), roundness: 0.9)
    }
    body(.polygon((0.29, 0.6), (0.71, 0.6), (0.64 - 0.04 * a, 0.92), (0.36 + 0.04 * a, 0.92)), roundness: 1)
    plain(.rectangle(0.265, 0.56, 0.47, 0.075, radius: 0.015), shade: 0.88, roundness: 1)
  }
}
