import TensorMath
import TestSupport
import Testing

/// What holds of numeric building blocks whatever goes in.
@Suite struct InvariantTests {
  private static let one: Int32 = 1 << 22

  /// Weights of one input an output, from a list of inputs.
  private static func taking(_ inputs: [Int32], weight: Int32 = one) -> ResamplingWeights {
    ResamplingWeights(
      taps: 1, starts: ContiguousArray(inputs), weights: ContiguousArray(repeating: weight, count: inputs.count))
  }

  @Test(arguments: [1, 3, 21, 64, 130]) func wholeWeightsMovePixelsAsTheyAre(width: Int) {
    var random = RandomSource(seed: UInt64(width))
    let pixels = (0..<width * 4 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
    let all = Self.taking((0..<Int32(width)).map { $0 }), backwards = Self.taking((0..<Int32(width)).reversed())
    #expect(all.columns(of: pixels, width: width, rows: 4) == pixels)
    let turned = backwards.columns(of: pixels, width: width, rows: 4)
    #expect(backwards.columns(of: turned, width: width, rows: 4) == pixels)
    #expect(Array(turned.prefix(3)) == Array(pixels[(width - 1) * 3..<width * 3]))
    #expect(Self.taking([0, 1, 2, 3]).rows(of: pixels, width: width) == pixels)
    #expect(Self.taking([2]).rows(of: pixels, width: width) == Array(pixels[2 * width * 3..<3 * width * 3]))
  }

  @Test func aPlainPictureStaysPlain() {
    var random = RandomSource(seed: 2)
    for gray in [0, 1, 127, 254, 255] as [UInt8] {
      // Weights that add up to one, some of them below zero.
      let weights = (0..<6).flatMap { _ -> [Int32] in
        let parts = (0..<3).map { _ in Int32.random(in: -Self.one / 8...Self.one / 2, using: &random) }
        return parts + [Self.one - parts.reduce(0, +)]
      }
      let resampling = ResamplingWeights(
        taps: 4, starts: [0, 1, 2, 3, 4, 5], weights: ContiguousArray(weights))
      let pixels = [UInt8](repeating: gray, count: 9 * 9 * 3)
      #expect(resampling.columns(of: pixels, width: 9, rows: 9) == [UInt8](repeating: gray, count: 6 * 9 * 3))
      #expect(resampling.rows(of: pixels, width: 9) == [UInt8](repeating: gray, count: 6 * 9 * 3))
    }
  }

  @Test func whatLeavesTheRangeOfAByteIsCut() {
    let pixels: [UInt8] = [200, 100, 0]
    let brighter = Self.taking([0], weight: Self.one / 2 * 3), negative = Self.taking([0], weight: -Self.one / 2)
    #expect(brighter.columns(of: pixels, width: 1, rows: 1) == [255, 150, 0])
    #expect(brighter.rows(of: pixels, width: 1) == [255, 150, 0])
    #expect(negative.columns(of: pixels, width: 1, rows: 1) == [0, 0, 0])
    #expect(negative.rows(of: pixels, width: 1) == [0, 0, 0])
  }

  private static func symmetric(_ size: Int, using random: inout RandomSource) -> Matrix {
    var matrix = normalMatrix(size, size, using: &random)
    for row in 0..<size { for column in 0..<row { matrix[row, column] = matrix[column, row] } }
    return matrix
  }

  @Test(arguments: [1, 2, 5, 30]) func eigenvectorsAreOrthogonalAndTheirValuesAddUpToTheTrace(size: Int) {
    var random = RandomSource(seed: UInt64(size))
    let matrix = Self.symmetric(size, using: &random), eigen = SymmetricEigen(of: matrix)
    #expect(zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 >= $1 })
    let trace = (0..<size).reduce(Float(0)) { $0 + matrix[$1, $1] }
    #expect(abs(eigen.values.reduce(0, +) - trace) < 1e-3)
    for first in 0..<size {
      for second in 0...first {
        let product = zip(eigen.vectors.row(first), eigen.vectors.row(second)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (first == second ? 1 : 0)) < 1e-4)
      }
      let vector = eigen.vectors.row(first)
      #expect((vector.max() ?? 0) >= -(vector.min() ?? 0))
    }
    #expect(SymmetricEigen(of: matrix).vectors == eigen.vectors)
  }

  @Test func addingToTheDiagonalMovesEveryEigenvalue() {
    var random = RandomSource(seed: 8)
    let matrix = Self.symmetric(12, using: &random)
    var moved = matrix
    for index in 0..<12 { moved[index, index] += 4 }
    expectClose(SymmetricEigen(of: moved).values, SymmetricEigen(of: matrix).values.map { $0 + 4 }, tolerance: 1e-4)
  }

  @Test(arguments: [1, 7, 200]) func membersAreAllRowsOnceInOrder(clusters: Int) {
    var random = RandomSource(seed: UInt64(clusters))
    let codes = ContiguousArray((0..<500).map { _ in UInt16.random(in: 0..<UInt16(clusters), using: &random) })
    let members = ClusterMembers(codes: codes, clusters: clusters)
    #expect(members.clusterCount == clusters && members.starts.first == 0 && members.starts.last == 500)
    for cluster in 0..<clusters {
      #expect(members[cluster].map { Int($0) } == codes.indices.filter { Int(codes[$0]) == cluster })
      #expect(members.count(cluster) == members[cluster].count)
    }
    let none = ClusterMembers(codes: [], clusters: clusters)
    #expect(none.rows.isEmpty && (0..<clusters).allSatisfy { none[$0].isEmpty })
  }

  private static func stepped(
    _ weights: Matrix, _ gradient: Matrix, rate: Float = 0.125, factor: Float = 1, decay: Float = 0.0625
  ) -> [Matrix] {
    let step = AdamWStep(
      rate: rate, beta1: 0.75, beta2: 0.875, epsilon: 1e-8, decay: decay, updates: 3, factor: factor)
    var weights = weights
    var mean = Matrix(rows: gradient.rows, columns: gradient.columns), square = mean
    for _ in 0..<3 { step.apply(to: &weights, gradient: gradient, mean: &mean, square: &square) }
    return [weights, mean, square]
  }

  @Test func aStepIsTheSameInBothDirectionsAndForEveryWayToScaleTheGradient() {
    var random = RandomSource(seed: 9)
    let weights = normalMatrix(3, 37, using: &random), gradient = normalMatrix(3, 37, using: &random)
    let found = Self.stepped(weights, gradient)
    var (against, down, half) = (weights, gradient, gradient)
    against.scale(by: -1)
    down.scale(by: -1)
    half.scale(by: 0.5)
    var turned = Self.stepped(against, down)
    turned[0].scale(by: -1)
    turned[1].scale(by: -1)
    #expect(turned == found)
    #expect(Self.stepped(weights, gradient, factor: 0.5) == Self.stepped(weights, half))
    #expect(Self.stepped(weights, gradient, rate: 0)[0] == weights)
    #expect(found[0] != weights && found[2].elements.allSatisfy { $0 > 0 })
  }
}
