/// Things to carry and to wear.
extension SampleSketch {
  mutating func drawBackpack() {
    stand(at: 0.92, halfWidth: 0.27)
    accent(
      .stroke(0.035) {
        $0.move(0.4, 0.17)
        $0.curve(0.4, 0.04, 0.6, 0.04, 0.6, 0.17)
      })
    for (x, out) in [(0.24 as Float, 0.13 as Float), (0.76, 0.87)] {
      accent(
        .stroke(0.05) {
          $0.move(x, 0.3)
          $0.curve(out, 0.45, out, 0.7, x, 0.82)
        }, shade: 0.8)
    }
    body(
      .symmetric {
        $0.move(0.5, 0.13)
        $0.curve(0.68, 0.12, 0.76, 0.22, 0.77, 0.4)
        $0.line(0.79, 0.82)
        $0.curve(0.79, 0.9, 0.74, 0.92, 0.68, 0.92)
        $0.line(0.5, 0.92)
      }, roundness: 0.8)
    seam(0.014) {
      $0.move(0.27, 0.36); $0.curve(0.35, 0.24, 0.65, 0.24, 0.73, 0.36)
    }
    plain(.rectangle(0.29, 0.54 + 0.04 * a, 0.42, 0.31 - 0.04 * a, radius: 0.06), shade: 0.8, roundness: 0.8)
    accent(.rectangle(0.33, 0.6 + 0.04 * a, 0.34, 0.018), shade: 1.2)
    if b > 0.4 { accent(.rectangle(0.455, 0.4, 0.09, 0.06, radius: 0.01), shade: 1.1) }
  }

  mutating func drawHandbag() {
    stand(at: 0.87, halfWidth: 0.36)
    accent(
      .stroke(0.032) {
        $0.move(0.33, 0.44)
        $0.curve(0.34, 0.06 + 0.1 * a, 0.66, 0.06 + 0.1 * a, 0.67, 0.44)
      }, shade: 0.9)
    body(.polygon((0.2, 0.4), (0.8, 0.4), (0.88, 0.87), (0.12, 0.87)), roundness: 0.6)
    if b > 0.5 {
      plain(
        .build {
          $0.move(0.195, 0.39)
          $0.line(0.805, 0.39)
          $0.line(0.82, 0.5)
          $0.curve(0.7, 0.66, 0.3, 0.66, 0.18, 0.5)
        }, shade: 0.78)
      fill(.rectangle(0.46, 0.56, 0.08, 0.07, radius: 0.015), Color(0.86, 0.7, 0.35, 1))
    } else {
      plain(.rectangle(0.195, 0.385, 0.61, 0.05, radius: 0.01), shade: 0.75)
      for x in [0.33 as Float, 0.67] { fill(.circle(x, 0.45, 0.024), Color(0.86, 0.7, 0.35, 1)) }
    }
  }

  mutating func drawUmbrella() {
    accent(.rectangle(0.489, 0.1, 0.022, 0.72))
    accent(
      .stroke(0.032) {
        $0.move(0.5, 0.78)
        $0.curve(0.5, 0.93, 0.37, 0.93, 0.37, 0.82)
      })
    let scallop = 0.04 + 0.04 * a
    body(
      .build {
        $0.move(0.07, 0.5)
        $0.curve(0.1, 0.06, 0.9, 0.06, 0.93, 0.5)
        for end in [0.715 as Float, 0.5, 0.285, 0.07] {
          $0.curve(end + 0.16, 0.5 - scallop, end + 0.055, 0.5 - scallop, end, 0.5)
        }
      }, roundness: 0.9)
    for x in [0.285 as Float, 0.5, 0.715] {
      seam(0.009, opacity: 0.3) {
        $0.move(0.5, 0.17)
        $0.curve(0.5 + (x - 0.5) * 0.7, 0.24, x, 0.36, x, 0.5)
      }
    }
    accent(.rectangle(0.488, 0.1, 0.024, 0.08, radius: 0.01))
  }

  mutating func drawWatch() {
    darkenWall(look.shift + Point(0.53, 0.54), radius: 0.36)
    let strap = 0.1 + 0.04 * a
    body(.polygon((0.5 - strap, 0.3), (0.5 - strap * 0.75, 0.03), (0.5 + strap * 0.75, 0.03), (0.5 + strap, 0.3)))
    body(.polygon((0.5 - strap, 0.7), (0.5 - strap * 0.75, 0.97), (0.5 + strap * 0.75, 0.97), (0.5 + strap, 0.7)))
    for hole in 0..<3 { fill(.circle(0.5, 0.83 + 0.045 * Float(hole), 0.01), Self.dark, opacity: 0.7) }
    let metal = b > 0.5 ? Color(0.86, 0.71, 0.4, 1) : Self.steel
    fill(.rectangle(0.73, 0.47, 0.05, 0.06, radius: 0.01), metal * 0.8)
    if c > 0.6 {
      fill(.rectangle(0.26, 0.27, 0.48, 0.46, radius: 0.1), metal, roundness: 0.8)
      fill(.rectangle(0.305, 0.315, 0.39, 0.37, radius: 0.07), d > 0.5 ? Self.dark * 1.3 : Self.white)
    } else {
      fill(.circle(0.5, 0.5, 0.26), metal, roundness: 0.8)
      fill(.circle(0.5, 0.5, 0.215), d > 0.5 ? Self.dark * 1.3 : Self.white)
    }
    let ink = d > 0.5 ? Self.white : Self.dark
    for hour in 0..<12 {
      let mark = clockDirection(Float(hour) / 12) * 0.18 + Point(0.5, 0.5)
      fill(.circle(mark.x, mark.y, hour % 3 == 0 ? 0.015 : 0.008), ink)
    }
    for (share, length, width) in [(0.83 as Float, 0.1 as Float, 0.022 as Float), (0.16, 0.15, 0.014)] {
      let end = clockDirection(share) * length + Point(0.5, 0.5)
      fill(
        .stroke(width) {
          $0.move(0.5, 0.5); $0.line(end.x, end.y)
        }, ink)
    }
  }

  mutating func drawSunglasses() {
    stand(at: 0.68, halfWidth: 0.42)
    let lens = d > 0.5 ? Color(0.15, 0.16, 0.2, 1) : Color(0.32, 0.2, 0.12, 1)
    for side in [-1 as Float, 1] {
      body(
        .build {
          $0.move(0.5 + side * 0.42, 0.39)
          $0.line(0.5 + side * 0.48, 0.37)
          $0.line(0.5 + side * 0.45, 0.5)
          $0.line(0.5 + side * 0.4, 0.5)
        })
      let center = 0.5 + side * 0.23
      if a > 0.5 {
        body(.circle(center, 0.5, 0.2))
        fill(.circle(center, 0.5, 0.16), lens)
      } else {
        body(.rectangle(center - 0.205, 0.35, 0.41, 0.28, radius: 0.09 + 0.04 * b))
        fill(.rectangle(center - 0.17, 0.385, 0.34, 0.21, radius: 0.07), lens)
      }
      shine(.polygon((center - 0.1, 0.42), (center - 0.04, 0.42), (center - 0.09, 0.54), (center - 0.13, 0.54)))
    }
    body(
      .stroke(0.04) {
        $0.move(0.42, 0.44)
        $0.curve(0.47, 0.39, 0.53, 0.39, 0.58, 0.44)
      })
  }

  mutating func drawHeadphones() {
    stand(at: 0.88, halfWidth: 0.36)
    plain(
      .stroke(0.06 + 0.02 * a) {
        $0.move(0.18, 0.6)
        $0.curve(0.14, -0.06, 0.86, -0.06, 0.82, 0.6)
      }, shade: 0.85)
    accent(
      .stroke(0.03) {
        $0.move(0.3, 0.22)
        $0.curve(0.4, 0.11, 0.6, 0.11, 0.7, 0.22)
      }, shade: 0.7)
    for side in [-1 as Float, 1] {
      let center = 0.5 + side * 0.31
      fill(.rectangle(center - side * 0.08 - 0.055, 0.5, 0.11, 0.34, radius: 0.05), Self.dark)
      body(.rectangle(center + side * 0.02 - 0.075, 0.49, 0.15, 0.36, radius: 0.07), roundness: 1)
      if b > 0.5 { accent(.rectangle(center + side * 0.02 - 0.02, 0.62, 0.04, 0.1, radius: 0.02), shade: 1.1) }
    }
  }
}
