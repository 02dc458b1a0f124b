/// Clothes, laid flat against the wall.
extension SampleSketch {
  mutating func drawShirt() {
    darkenWall(look.shift + Point(0.52, 0.56), radius: 0.42)
    let isLong = a > 0.55
    let sleeveEnd: Float = isLong ? 0.8 : 0.46
    let sleeveOut: Float = isLong ? 0.93 : 0.95
    body(
      .symmetric {
        $0.move(0.5, 0.2)
        $0.line(0.6, 0.14)
        $0.curve(0.68, 0.17, 0.75, 0.18, 0.8, 0.24)
        $0.line(sleeveOut, sleeveEnd)
        $0.line(sleeveOut - (isLong ? 0.12 : 0.15), sleeveEnd + 0.04)
        $0.line(0.72, 0.4)
        $0.curve(0.71, 0.6, 0.72, 0.75, 0.73, 0.87)
        $0.line(0.5, 0.88)
      }, roundness: 0.6)
    for x in [0.28 as Float, 0.72] {
      seam {
        $0.move(x, 0.24); $0.line(x, 0.42)
      }
    }
    if b > 0.5 {
      plain(.polygon((0.39, 0.145), (0.5, 0.22), (0.44, 0.29)), shade: 1.2)
      plain(.polygon((0.61, 0.145), (0.5, 0.22), (0.56, 0.29)), shade: 1.2)
      seam(0.01) {
        $0.move(0.5, 0.22); $0.line(0.5, 0.87)
      }
      for button in 0..<5 { fill(.circle(0.5, 0.31 + 0.12 * Float(button), 0.013), Self.white * 0.9) }
    } else {
      plain(
        .stroke(0.03) {
          $0.move(0.4, 0.14)
          $0.curve(0.43, 0.24, 0.57, 0.24, 0.6, 0.14)
        }, shade: 0.75)
    }
  }

  mutating func drawDress() {
    darkenWall(look.shift + Point(0.52, 0.58), radius: 0.4)
    let hem = 0.74 + 0.12 * a
    body(
      .symmetric {
        $0.move(0.5, 0.2)
        $0.curve(0.54, 0.2, 0.57, 0.16, 0.575, 0.07)
        $0.line(0.625, 0.07)
        $0.curve(0.63, 0.2, 0.66, 0.22, 0.66, 0.25)
        $0.curve(0.62, 0.34, 0.6, 0.38, 0.6, 0.43)
        $0.curve(0.64, 0.6, hem - 0.06, 0.75, hem, 0.92)
        $0.curve(0.7, 0.95, 0.6, 0.95, 0.5, 0.95)
      }, roundness: 0.7)
    accent(.rectangle(0.4, 0.41, 0.2, 0.035 + 0.02 * b))
    for x in [0.42 as Float, 0.5, 0.58] {
      seam(0.007, opacity: 0.22) {
        $0.move(x, 0.46); $0.line(0.5 + (x - 0.5) * 2.2, 0.94)
      }
    }
  }

  mutating func drawTrousers() {
    darkenWall(look.shift + Point(0.52, 0.56), radius: 0.38)
    let cuff = 0.06 * a
    body(
      .build {
        $0.move(0.31, 0.08)
        $0.line(0.69, 0.08)
        $0.curve(0.72, 0.3, 0.73 + cuff, 0.6, 0.73 + cuff, 0.94)
        $0.line(0.57 - cuff * 0.3, 0.94)
        $0.line(0.5, 0.38)
        $0.line(0.43 + cuff * 0.3, 0.94)
        $0.line(0.27 - cuff, 0.94)
        $0.curve(0.27 - cuff, 0.6, 0.28, 0.3, 0.31, 0.08)
      }, roundness: 0.6)
    plain(.rectangle(0.305, 0.07, 0.39, 0.06, radius: 0.01), shade: 0.72)
    accent(.circle(0.5, 0.1, 0.014), shade: 1.2)
    seam {
      $0.move(0.5, 0.13); $0.line(0.5, 0.38)
    }
    seam {
      $0.move(0.4, 0.13); $0.curve(0.4, 0.2, 0.36, 0.23, 0.3, 0.23)
    }
    seam {
      $0.move(0.6, 0.13); $0.curve(0.6, 0.2, 0.64, 0.23, 0.7, 0.23)
    }
  }

  mutating func drawHat() {
    stand(at: 0.72, halfWidth: 0.4)
    if a > 0.5 {
      plain(.ellipse(0.5, 0.66, 0.42, 0.085), shade: 0.85)
      body(
        .symmetric {
          $0.move(0.5, 0.25)
          $0.curve(0.6, 0.2, 0.7, 0.24, 0.72, 0.4)
          $0.line(0.75, 0.64)
          $0.curve(0.66, 0.7, 0.56, 0.7, 0.5, 0.7)
        }, roundness: 1)
      accent(.polygon((0.262, 0.54), (0.738, 0.54), (0.75, 0.64), (0.25, 0.64)), shade: 0.8)
      plain(
        .stroke(0.05) {
          $0.move(0.08, 0.65)
          $0.curve(0.25, 0.76, 0.75, 0.76, 0.92, 0.65)
        }, shade: 0.95)
    } else {
      plain(
        .build {
          $0.move(0.62, 0.58)
          $0.curve(0.8, 0.55, 0.95, 0.6, 0.97, 0.69)
          $0.curve(0.85, 0.67, 0.75, 0.68, 0.6, 0.71)
        }, shade: 0.7)
      body(
        .build {
          $0.move(0.14, 0.7)
          $0.curve(0.12, 0.4, 0.24, 0.27, 0.44, 0.27)
          $0.curve(0.64, 0.27, 0.76, 0.42, 0.77, 0.66)
          $0.curve(0.55, 0.69, 0.3, 0.72, 0.14, 0.7)
        }, roundness: 1)
      accent(.circle(0.44, 0.27, 0.024))
      seam {
        $0.move(0.44, 0.28); $0.curve(0.42, 0.4, 0.42, 0.55, 0.44, 0.7)
      }
      seam {
        $0.move(0.44, 0.28); $0.curve(0.58, 0.36, 0.64, 0.5, 0.64, 0.68)
      }
    }
  }

  mutating func drawSneaker() {
    stand(at: 0.76, halfWidth: 0.43)
    let collar = 0.3 - 0.1 * a
    body(
      .build {
        $0.move(0.1, 0.66)
        $0.curve(0.08, 0.5, 0.1, 0.4, 0.12, collar)
        $0.curve(0.2, collar + 0.06, 0.3, collar + 0.06, 0.38, collar - 0.02)
        $0.curve(0.46, 0.42, 0.58, 0.5, 0.74, 0.53)
        $0.curve(0.88, 0.55, 0.94, 0.6, 0.93, 0.68)
      }, roundness: 0.5)
    plain(
      .build {
        $0.move(0.72, 0.68)
        $0.curve(0.72, 0.58, 0.76, 0.54, 0.8, 0.54)
        $0.curve(0.9, 0.56, 0.95, 0.61, 0.93, 0.68)
      }, shade: 0.72)
    fill(.rectangle(0.08, 0.655, 0.87, 0.095, radius: 0.04), b > 0.25 ? Self.white : Self.dark, roundness: 0.5)
    seam(0.01) {
      $0.move(0.09, 0.705); $0.line(0.94, 0.705)
    }
    for lace in 0..<4 {
      let (x, y) = (0.4 + 0.065 * Float(lace), 0.36 + 0.04 * Float(lace))
      fill(
        .stroke(0.022) {
          $0.move(x, y); $0.line(x - 0.075, y + 0.075)
        }, Self.white)
    }
    if c > 0.4 {
      accent(
        .build {
          $0.move(0.2, 0.5)
          $0.curve(0.3, 0.64, 0.42, 0.62, 0.56, 0.52)
          $0.curve(0.44, 0.6, 0.32, 0.58, 0.2, 0.5)
        }, shade: 1.1)
    }
  }
}
