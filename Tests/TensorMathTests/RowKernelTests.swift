import CVectorKernels
import TensorMath
import TestSupport
import Testing

/// Lengths around the sixteen lanes and the two accumulators.
private let lengths = [0, 1, 3, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 127, 255, 256, 300, 1001]

private func vector(_ count: Int, seed: UInt64) -> [Float] {
  var random = RandomSource(seed: seed)
  return (0..<count).map { _ in random.nextNormal() }
}

/// Sums of f32 squares err by a few roundings of the sum.
private func bound(_ reference: Double) -> Double { 1e-6 * (1 + reference) }

@Suite struct RowKernelTests {
  @Test(arguments: lengths) func squaredDistanceIsTheSumOfSquaredDifferences(count: Int) {
    let a = vector(count, seed: 1), b = vector(count, seed: 2)
    let expected = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    #expect(abs(Double(tessera_squared_distance(a, b, count)) - expected) <= bound(expected))
  }

  @Test(arguments: lengths) func squaredDistanceSumsSixteenLanesInAFixedOrder(count: Int) {
    let a = vector(count, seed: 3), b = vector(count, seed: 4)
    let terms = zip(a, b).map { $0 - $1 }
    let expected = [laneReference(terms, isFused: true), laneReference(terms, isFused: false)]
    #expect(expected.contains(tessera_squared_distance(a, b, count)))
  }

  @Test(arguments: lengths) func squaredNormIsTheDistanceFromZero(count: Int) {
    let a = vector(count, seed: 5)
    #expect(tessera_squared_norm(a, count) == tessera_squared_distance(a, Array(repeating: 0, count: count), count))
  }

  @Test(arguments: lengths) func subtractLeavesTheDifferenceAndReturnsItsNorm(count: Int) {
    var a = vector(count, seed: 6)
    let b = vector(count, seed: 7), expected = zip(a, b).map { $0 - $1 }
    let norm = tessera_subtract(&a, b, count)
    #expect(a == expected)
    #expect(norm == tessera_squared_norm(expected, count))
  }

  @Test(arguments: lengths) func subtractedNormEqualsTheDistanceThatDecidedTheCode(count: Int) {
    var a = vector(count, seed: 8)
    let b = vector(count, seed: 9)
    let distance = tessera_squared_distance(a, b, count)
    #expect(tessera_subtract(&a, b, count) == distance)
  }

  @Test(arguments: lengths) func accumulateAddsAWeightedRowInDoublePrecision(count: Int) {
    let row = vector(count, seed: 10)
    var sum = vector(count, seed: 11).map { Double($0) * 1e9 }
    let expected = zip(sum, row).map { $0 + -2 * Double($1) }
    tessera_accumulate(&sum, row, -2, count)
    #expect(sum == expected)
  }

  @Test(arguments: lengths) func allFiniteFindsEveryNaNAndInfinity(count: Int) {
    var values = vector(count, seed: 12)
    #expect(tessera_all_finite(values, count) == 1)
    for position in values.indices {
      for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
        let former = values[position]
        values[position] = bad
        #expect(tessera_all_finite(values, count) == 0)
        values[position] = former
      }
    }
  }

  @Test func allFiniteAcceptsTheLargestAndSmallestNumbers() {
    let values: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0]
    #expect(tessera_all_finite(values, values.count) == 1)
  }
}

/// The documented order: two accumulators of sixteen lanes, folded in halves, then the tail one by one; products and
/// additions are fused where the processor can.
private func laneReference(_ terms: [Float], isFused: Bool) -> Float {
  func adding(_ sum: Float, _ term: Float) -> Float {
    isFused ? sum.addingProduct(term, term) : sum + term * term
  }
  var even = [Float](repeating: 0, count: 16), odd = even
  var position = 0
  func add(_ lanes: inout [Float]) {
    for lane in 0..<16 { lanes[lane] = adding(lanes[lane], terms[position + lane]) }
    position += 16
  }
  while position + 32 <= terms.count {
    add(&even)
    add(&odd)
  }
  if position + 16 <= terms.count { add(&even) }
  for lane in 0..<16 { even[lane] += odd[lane] }
  for half in [8, 4, 2, 1] { for lane in 0..<half { even[lane] += even[lane + half] } }
  return terms[position...].reduce(even[0], adding)
}
