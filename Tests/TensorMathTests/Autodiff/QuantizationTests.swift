import TensorMath
import TestSupport
import Testing

private func gradient(
  of e: Matrix, to q: Matrix, _ outer: Matrix, _ estimator: QuantizationEstimator
) -> Matrix {
  let tape = Tape()
  let leaf = tape.parameter(e)
  let output = leaf.quantized(to: q, estimator: estimator)
  #expect(output.value == q, "the value is the quantised row itself, whatever the gradient")
  return tape.backward(from: (output * tape.constant(outer)).sum())[leaf]!
}

private func rows(_ count: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var random = RandomSource(seed: seed)
  return normalMatrix(count, columns, using: &random)
}

private func dot(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
private func length(_ a: ArraySlice<Float>) -> Float { dot(a, a).squareRoot() }

/// λR as a whole matrix in double precision, from the paper's definition.
private func transform(_ e: ArraySlice<Float>, _ q: ArraySlice<Float>) -> [[Double]] {
  func unit(_ v: [Double]) -> [Double] {
    let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return v.map { $0 / length }
  }
  let eHat = unit(e.map(Double.init)), qHat = unit(q.map(Double.init))
  let r = unit(zip(eHat, qHat).map { $0 + $1 })
  let scale = Double(length(q)) / Double(length(e))
  return eHat.indices.map { i in
    eHat.indices.map { j in scale * ((i == j ? 1 : 0) - 2 * r[i] * r[j] + 2 * qHat[i] * eHat[j]) }
  }
}

@Suite struct QuantizationTests {
  @Test func straightThroughCopiesTheGradient() {
    let outer = rows(5, 7, seed: 1)
    #expect(gradient(of: rows(5, 7, seed: 2), to: rows(5, 7, seed: 3), outer, .straightThrough) == outer)
  }

  @Test(arguments: [2, 3, 16, 37]) func rotationIsThatOfThePaper(columns: Int) {
    let e = rows(40, columns, seed: 1), q = rows(40, columns, seed: 2), outer = rows(40, columns, seed: 3)
    let found = gradient(of: e, to: q, outer, .rotation)
    for row in 0..<40 {
      let map = transform(e.row(row), q.row(row))
      let image = (0..<columns).map { i in Float(zip(map[i], e.row(row)).reduce(0) { $0 + $1.0 * Double($1.1) }) }
      expectClose(image, q.row(row), tolerance: 1e-4)
      let expected = (0..<columns).map { j in
        Float((0..<columns).reduce(0) { $0 + map[$1][j] * Double(outer[row, $1]) })
      }
      // Rows that are nearly opposite, possible in two dimensions, lose digits to the division.
      expectClose(found.row(row), expected, tolerance: 2e-3 * max(1, length(found.row(row))))
    }
  }

  @Test func rotationKeepsTheGradientsLengthAndAngle() {
    let e = rows(30, 24, seed: 4), q = rows(30, 24, seed: 5), outer = rows(30, 24, seed: 6)
    let found = gradient(of: e, to: q, outer, .rotation)
    for row in 0..<30 {
      let scale = length(q.row(row)) / length(e.row(row))
      #expect(abs(length(found.row(row)) - scale * length(outer.row(row))) < 1e-3 * length(found.row(row)))
      let before = dot(outer.row(row), q.row(row)) / length(outer.row(row)) / length(q.row(row))
      let after = dot(found.row(row), e.row(row)) / length(found.row(row)) / length(e.row(row))
      #expect(abs(before - after) < 1e-4, "the gradient lies to the row as it lay to the quantised row")
    }
  }

  @Test func aRowThatIsItsOwnCentroidPassesTheGradient() {
    let e = rows(10, 12, seed: 7), outer = rows(10, 12, seed: 8)
    expectClose(gradient(of: e, to: e, outer, .rotation).elements, outer.elements, tolerance: 1e-5)
  }

  @Test func rowsWithoutARotationPassTheGradient() {
    let outer = rows(3, 6, seed: 9)
    var e = rows(3, 6, seed: 10), q = rows(3, 6, seed: 11)
    for column in 0..<6 {
      e[0, column] = 0
      q[1, column] = 0
      q[2, column] = -2 * e[2, column]
    }
    #expect(gradient(of: e, to: q, outer, .rotation) == outer)
  }

  @Test func hasTheGradientOfTheMapThatItStandsFor() {
    // With the rotation held fixed the estimator is linear in the row, so differences measure its gradient.
    let e = rows(4, 9, seed: 12), q = rows(4, 9, seed: 13), outer = rows(4, 9, seed: 14)
    let found = gradient(of: e, to: q, outer, .rotation)
    for row in 0..<4 {
      let map = transform(e.row(row), q.row(row))
      for column in 0..<9 {
        func loss(_ step: Double) -> Double {
          (0..<9).reduce(0) { sum, i in
            let image = (0..<9).reduce(0) { $0 + map[i][$1] * (Double(e[row, $1]) + ($1 == column ? step : 0)) }
            return sum + image * Double(outer[row, i])
          }
        }
        let difference = (loss(1e-3) - loss(-1e-3)) / 2e-3
        #expect(abs(Float(difference) - found[row, column]) < 1e-3 * max(1, length(found.row(row))))
      }
    }
  }

  @Test(arguments: QuantizationEstimator.allCases) func givesTheSameOnAnyNumberOfThreads(
    estimator: QuantizationEstimator
  ) {
    let e = rows(3000, 8, seed: 1), q = rows(3000, 8, seed: 2), outer = rows(3000, 8, seed: 3)
    let one = withThreads(1) { gradient(of: e, to: q, outer, estimator) }
    #expect(withThreads(3) { gradient(of: e, to: q, outer, estimator) } == one)
  }

  @Test func theCommitmentTermHasItsNumericGradient() {
    let target = rows(5, 6, seed: 20)
    expectGradients(of: [rows(5, 6, seed: 21)]) { $0[0].meanSquaredDistance(to: $0[0].tape.constant(target)) }
  }
}
