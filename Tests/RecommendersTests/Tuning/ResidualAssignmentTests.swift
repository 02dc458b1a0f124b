import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct ResidualAssignmentTests {
  @Test(arguments: [ResidualQuantizer.Method.kMeans, .balanced])
  func codesAreThoseOfServing(_ method: ResidualQuantizer.Method) throws {
    let items = try CodedItems(items: 400, dimensions: 16, sizes: [16, 16, 8], method: method)
    #expect(items.assignment(on: Tape()).codes == items.nearest)
    // And through the parameters of a training, which keep the centroids over a power of two.
    let tuned = try TunedCodebooks(items.codebooks)
    #expect(try tuned.codebooks(tuned.parameters) == items.codebooks)
  }

  @Test(arguments: [ResidualQuantizer.Method.kMeans, .balanced])
  func theCodeIsTheMostProbable(_ method: ResidualQuantizer.Method) throws {
    let items = try CodedItems(method: method)
    for level in items.assignment(on: Tape()).levels {
      for (row, code) in level.codes.enumerated() {
        let p = level.probabilities.value.row(row)
        #expect(p.max()! - p[p.startIndex + Int(code)] < 1e-5)
        #expect(abs(p.reduce(0, +) - 1) < 1e-5)
      }
    }
  }

  @Test func aLowTemperatureIsTheChoiceItself() throws {
    let items = try CodedItems()
    let (hard, soft) = (
      items.assignment(on: Tape()), items.assignment(on: Tape(), temperature: 1e-4, estimator: .soft)
    )
    for (first, second) in zip(hard.levels, soft.levels) {
      expectClose(first.residual.value.elements, second.residual.value.elements, tolerance: 1e-3)
    }
  }

  /// Differences of the mixed chain, whose gradients are exact, for each term, with respect to vectors and centroids.
  @Test(arguments: ["commitment", "reconstruction", "unevenness", "anchor", "rows"])
  func gradientsAgreeWithDifferences(_ name: String) throws {
    let items = try CodedItems(items: 8, sizes: [4, 3])
    var random = RandomSource(seed: 9)
    let table = normalMatrix(3, 5, using: &random)
    // The commitment's centroids and the reconstruction's vectors are constants: what those gradients lack is theirs.
    let leaves =
      name == "reconstruction"
      ? items.codebooks.levels.map(\.centroids) : [items.vectors] + items.codebooks.levels.map(\.centroids)
    let fixed = name == "commitment" ? [items.vectors] : leaves
    expectGradients(of: fixed, step: 2e-3, bound: 0.02) { given in
      let tape = given[0].tape
      let x = name == "reconstruction" ? tape.constant(items.vectors) : given[0]
      let centroids =
        name == "commitment"
        ? items.codebooks.levels.map { tape.constant($0.centroids) } : Array(given.suffix(items.codebooks.levels.count))
      let assignment = ResidualAssignment(
        x, prices: items.codebooks, centroids: centroids, temperatures: [0.5, 0.5], estimator: .soft)
      switch name {
      case "commitment": return assignment.commitment
      case "reconstruction": return assignment.reconstruction
      case "unevenness": return assignment.unevenness
      case "anchor": return assignment.anchor(to: items.nearest)
      default: return assignment.rows(of: tape.constant(table), level: 1)
      }
    }
  }

  @Test func termsAreWhatTheyAreNamedFor() throws {
    let items = try CodedItems()
    let assignment = items.assignment(on: Tape())
    let encoding = try ResidualQuantizer(codebooks: items.codebooks).encode(items.vectors)
    #expect(abs(Double(assignment.reconstruction.scalar) - encoding.meanSquaredError) < 1e-5)
    #expect(abs(Double(assignment.commitment.scalar) - encoding.levelErrors.reduce(0, +)) < 1e-5)
    #expect(assignment.unevenness.scalar > 0)
    // Nearly sure of its codes, it costs nearly nothing to keep them, and all the more to change them.
    let cold = items.assignment(on: Tape(), temperature: 1e-3)
    var other = items.nearest
    for row in 0..<other.count { other[row, 0] = (other[row, 0] + 1) % 4 }
    #expect(cold.anchor(to: items.nearest).scalar < 0.1)
    #expect(cold.anchor(to: other).scalar > 10)
  }

  @Test func anItemThatPartedFromItsServedCodeIsPulledBackThereAndNotBehind() throws {
    let codebook = { (rows: [Float]) in
      Codebook(centroids: Matrix(rows: rows.count, columns: 1, elements: ContiguousArray(rows)))
    }
    let codebooks = try ResidualCodebooks(levels: [codebook([0, 4]), codebook([-1, 1]), codebook([-0.5, 0.5])])
    let tape = Tape()
    let x = tape.constant(Matrix(rows: 1, columns: 1, elements: [0.9]))
    let assignment = ResidualAssignment(
      x, prices: codebooks, centroids: codebooks.levels.map { tape.constant($0.centroids) }, temperatures: [1, 1, 1])
    #expect(assignment.codes == CodeMatrix(count: 1, levels: 3, elements: [0, 1, 0]))
    func anchor(_ served: ContiguousArray<UInt16>) -> Float {
      assignment.anchor(to: CodeMatrix(count: 1, levels: 3, elements: served)).scalar
    }
    // What follows the first different code does not matter.
    #expect(anchor([1, 0, 0]) == anchor([1, 1, 1]))
    #expect(anchor([0, 0, 0]) == anchor([0, 0, 1]))
    #expect(anchor([0, 1, 0]) != anchor([0, 1, 1]))
    #expect(anchor([0, 1, 0]) < anchor([0, 1, 1]))
  }

  @Test func vectorsThatAreNoNumbersGiveALossThatIsNone() throws {
    let items = try CodedItems()
    var vectors = items.vectors
    vectors.elements[0] = .nan
    let tape = Tape()
    let assignment = ResidualAssignment(
      tape.constant(vectors), prices: items.codebooks,
      centroids: items.codebooks.levels.map { tape.constant($0.centroids) }, temperatures: [1, 1, 1])
    #expect(!assignment.commitment.scalar.isFinite)
  }
}
