internal import RealModule

/// Furniture and what lies on it.
extension SampleSketch {
  mutating func drawChair() {
    stand(at: 0.93, halfWidth: 0.25)
    for (x, y, lean) in [(0.31 as Float, 0.86 as Float, 0.02 as Float), (0.68, 0.86, -0.02)] {
      accent(.polygon((x, 0.58), (x + 0.04, 0.58), (x + 0.035 + lean, y), (x + 0.005 + lean, y)), shade: 0.7)
    }
    for x in [0.27 as Float, 0.69] {
      accent(.rectangle(x, 0.15, 0.035, 0.45))
    }
    if a > 0.5 {
      body(.rectangle(0.25, 0.12, 0.5, 0.34, radius: 0.06 + 0.06 * b))
    } else {
      for row in 0..<3 { body(.rectangle(0.27, 0.14 + 0.115 * Float(row), 0.46, 0.075, radius: 0.03)) }
    }
    body(.polygon((0.27, 0.53), (0.73, 0.53), (0.8, 0.64), (0.2, 0.64)), roundness: 0.4)
    plain(.rectangle(0.2, 0.64, 0.6, 0.045, radius: 0.012), shade: 0.75)
    for (x, lean) in [(0.22 as Float, -0.02 as Float), (0.735, 0.02)] {
      accent(.polygon((x, 0.68), (x + 0.05, 0.68), (x + 0.04 + lean, 0.94), (x + 0.01 + lean, 0.94)))
    }
  }

  mutating func drawTable() {
    let isRound = a > 0.5
    stand(at: 0.9, halfWidth: isRound ? 0.25 : 0.38)
    if isRound {
      accent(.rectangle(0.47, 0.42, 0.06, 0.42), roundness: 1)
      for end in [0.28 as Float, 0.5, 0.72] {
        accent(
          .stroke(0.04) {
            $0.move(0.5, 0.76)
            $0.curve(0.5, 0.86, end, 0.84, end, 0.91)
          }, shade: 0.9)
      }
      plain(.ellipse(0.5, 0.425, 0.4, 0.1), shade: 0.7)
      body(.ellipse(0.5, 0.4, 0.4, 0.1), roundness: 0.3)
    } else {
      for (x, bottom, shade) in [
        (0.26 as Float, 0.8 as Float, 0.7 as Float), (0.7, 0.8, 0.7), (0.11, 0.9, 1), (0.84, 0.9, 1),
      ] {
        accent(.rectangle(x, 0.44, 0.045, bottom - 0.44), shade: shade)
      }
      body(.polygon((0.22, 0.34), (0.78, 0.34), (0.94, 0.46), (0.06, 0.46)), roundness: 0.3)
      plain(.rectangle(0.06, 0.46, 0.88, 0.04 + 0.03 * b), shade: 0.72)
    }
  }

  mutating func drawSofa() {
    stand(at: 0.83, halfWidth: 0.42)
    for x in [0.12 as Float, 0.82] { accent(.rectangle(x, 0.76, 0.06, 0.08)) }
    plain(.rectangle(0.12, 0.32, 0.76, 0.36, radius: 0.08), shade: 0.86)
    let seats = a > 0.5 ? 3 : 2
    let width = 0.66 / Float(seats)
    for seat in 0..<seats {
      let x = 0.17 + width * Float(seat)
      body(.rectangle(x + 0.004, 0.36, width - 0.008, 0.24, radius: 0.04))
      body(.rectangle(x + 0.002, 0.57, width - 0.004, 0.12, radius: 0.035), roundness: 0.5)
      seam {
        $0.move(x + 0.01, 0.572); $0.line(x + width - 0.01, 0.572)
      }
    }
    plain(.rectangle(0.1, 0.67, 0.8, 0.11, radius: 0.02), shade: 0.8)
    for x in [0.05 as Float, 0.81] {
      body(.rectangle(x, 0.46 - 0.05 * b, 0.14, 0.33 + 0.05 * b, radius: 0.065), roundness: 0.9)
    }
    if c > 0.45 { fill(.rectangle(0.22, 0.44, 0.15, 0.15, radius: 0.03), look.second * 0.95, roundness: 0.9) }
  }

  mutating func drawCushion() {
    stand(at: 0.84, halfWidth: 0.33)
    let pull = 0.03 + 0.05 * a
    body(
      .build {
        $0.move(0.14, 0.14)
        $0.curve(0.35, 0.14 + pull * 1.6, 0.65, 0.14 + pull * 1.6, 0.86, 0.14)
        $0.curve(0.86 - pull, 0.35, 0.86 - pull, 0.65, 0.86, 0.86)
        $0.curve(0.65, 0.86 - pull * 1.2, 0.35, 0.86 - pull * 1.2, 0.14, 0.86)
        $0.curve(0.14 + pull, 0.65, 0.14 + pull, 0.35, 0.14, 0.14)
      }, roundness: 1.2)
    if b > 0.6 {
      for (x, y) in [(0.14 as Float, 0.14 as Float), (0.86, 0.14), (0.14, 0.86), (0.86, 0.86)] {
        accent(.circle(x, y, 0.03))
      }
    }
    if c > 0.7 { accent(.circle(0.5, 0.5, 0.03)) }
    shine(.ellipse(0.36, 0.36, 0.1, 0.07), opacity: 0.12)
  }

  /// The unit vector of a clock's hand at a share of the full turn.
  func clockDirection(_ share: Float) -> Point {
    Point(Float.sin(share * 2 * .pi), -Float.cos(share * 2 * .pi))
  }
}
