import Foundation
import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Codes, terms and their gradients against tools/fixtures/residual_assignment.py, which computes them in double
/// precision, an item and a level at a time.
@Suite struct PyTorchAssignmentTests {
  private static let sizes = [5, 4, 6], items = 9, dimensions = 6, width = 3
  private let file: SafetensorsFile

  init() throws {
    let url = try #require(
      Bundle.module.url(forResource: "residual_assignment", withExtension: "safetensors", subdirectory: "Fixtures"))
    file = try SafetensorsFile.read(url.path)
  }

  private func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix {
    try file.tensor(name).matrix(rows: rows, columns: columns)
  }

  private func codes(_ name: String) throws -> CodeMatrix {
    let numbers: ContiguousArray<Int32> = try file.tensor(name).integers()
    return CodeMatrix(count: Self.items, levels: 3, elements: ContiguousArray(numbers.map { UInt16($0) }))
  }

  /// The leaves are `x` and the centroids of each level.
  private func assignment(
    _ estimator: ResidualAssignment.Estimator
  ) throws -> (leaves: [Variable], assignment: ResidualAssignment) {
    let tape = Tape()
    var leaves = [tape.parameter(try matrix("x", Self.items, Self.dimensions))]
    var levels: [Codebook] = []
    for (level, size) in Self.sizes.enumerated() {
      let centroids = try matrix("centroids.\(level)", size, Self.dimensions)
      leaves.append(tape.parameter(centroids))
      levels.append(Codebook(centroids: centroids, prices: Array(try file.tensor("prices.\(level)").floats())))
    }
    let assignment = ResidualAssignment(
      leaves[0], prices: try ResidualCodebooks(levels: levels), centroids: Array(leaves.dropFirst()),
      temperatures: [0.5, 0.25, 1], estimator: estimator)
    return (leaves, assignment)
  }

  private func term(_ name: String, _ assignment: ResidualAssignment) throws -> Variable {
    let tape = assignment.x.tape
    switch name {
    case "commitment": return assignment.commitment
    case "reconstruction": return assignment.reconstruction
    case "unevenness": return assignment.unevenness
    case "anchor": return assignment.anchor(to: try codes("served"))
    default: break
    }
    var total = tape.constant(Matrix(rows: 1, columns: 1))
    for (level, size) in Self.sizes.enumerated() {
      if name == "rows" {
        let rows = assignment.rows(of: tape.constant(try matrix("tables.\(level)", size, Self.width)), level: level)
        total = total + (rows * tape.constant(try matrix("directions.\(level)", Self.items, Self.width))).sum()
      } else {
        let part: ContiguousArray<Int32> = try file.tensor("takesPart.\(level)").integers()
        let mask = tape.constant(
          Matrix(rows: Self.items, columns: size, elements: ContiguousArray(part.map { $0 == 1 ? 0 : -1e9 })))
        let own = assignment.levels[level]
        let cost = (tape.constant(try matrix("logits.\(level)", Self.items, size)) + mask).choiceCrossEntropy(
          (own.logits + mask).softmaxRows(), choices: assignment.estimator == .soft ? nil : own.codes)
        total = total + cost
      }
    }
    return total
  }

  @Test func codesAgree() throws {
    #expect(try assignment(.straightThrough).assignment.codes == codes("codes"))
  }

  @Test func probabilitiesOfAMixedChainAgree() throws {
    let assignment = try assignment(.soft).assignment
    for (level, size) in Self.sizes.enumerated() {
      expectClose(
        assignment.levels[level].probabilities.value.elements,
        try matrix("soft/probabilities.\(level)", Self.items, size).elements, tolerance: 1e-6)
    }
  }

  @Test(
    arguments: ResidualAssignment.Estimator.allCases,
    ["rows", "choices", "commitment", "reconstruction", "unevenness", "anchor"])
  func termsAndTheirGradientsAgree(_ estimator: ResidualAssignment.Estimator, _ name: String) throws {
    let (leaves, assignment) = try assignment(estimator)
    let value = try term(name, assignment)
    let path = "\(estimator.rawValue)/\(name)"
    expectClose([value.scalar], try file.tensor(path).floats(), tolerance: 1e-5)
    let gradients = value.tape.backward(from: value)
    for (leaf, place) in zip(leaves, ["x", "0", "1", "2"]) {
      guard file.tensors.contains(where: { $0.name == "\(path)/\(place)" }) else {
        #expect(gradients[leaf]?.elements.allSatisfy { $0 == 0 } ?? true, "\(place)")
        continue
      }
      let gradient = try #require(gradients[leaf], "\(place) has no gradient")
      expectClose(gradient.elements, try file.tensor("\(path)/\(place)").floats(), tolerance: 2e-5)
    }
  }
}
