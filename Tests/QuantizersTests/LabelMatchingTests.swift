import Quantizers
import TensorMath
import Testing

private func random(_ rows: Int, _ columns: Int, _ source: inout RandomSource) -> Matrix {
  Matrix(rows: rows, columns: columns, elements: ContiguousArray((0..<rows * columns).map { _ in source.nextNormal() }))
}

private func shifted(_ matrix: Matrix, by scale: Float, _ source: inout RandomSource) -> Matrix {
  var result = matrix
  for index in result.elements.indices { result.elements[index] += scale * source.nextNormal() }
  return result
}

private func squaredDistance(_ a: Matrix, _ row: Int, _ b: Matrix, _ other: Int) -> Double {
  zip(a.row(row), b.row(other)).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
}

@Suite struct LabelMatchingTests {
  @Test(arguments: [4096, 10, 64])
  func recoversAPermutationOfCentroidsThatMovedALittle(exactLimit: Int) {
    var source = RandomSource(seed: 1)
    let old = random(200, 12, &source)
    let permutation = Array(0..<200).shuffled(using: &source)
    let new = shifted(old, by: 0.02, &source).selectingRows(permutation)
    let matching = LabelMatching(new: new, old: old, exactLimit: exactLimit)
    #expect(matching.labels == permutation)
    #expect(matching.isExact == (exactLimit >= 200))
    #expect(matching.meanSquaredShift < 12 * 0.02 * 0.02 * 2)
  }

  @Test func minimisesTheTotalSquaredDistance() {
    var source = RandomSource(seed: 2)
    for _ in 0..<20 {
      let new = random(6, 3, &source), old = random(6, 3, &source)
      let matching = LabelMatching(new: new, old: old)
      let total = matching.labels.enumerated().reduce(0.0) { $0 + squaredDistance(new, $1.offset, old, $1.element) }
      var least = Double.infinity
      func permute(_ chosen: [Int], _ sum: Double) {
        guard chosen.count < 6 else { return least = min(least, sum) }
        for label in 0..<6 where !chosen.contains(label) {
          permute(chosen + [label], sum + squaredDistance(new, chosen.count, old, label))
        }
      }
      permute([], 0)
      #expect(abs(total - least) < 1e-4)
      #expect(abs(matching.meanSquaredShift - least / 6) < 1e-4)
    }
  }

  @Test(arguments: [(5, 8), (8, 5), (7, 0), (1, 1)])
  func labelsAreAPermutationWhateverTheSizes(new: Int, old: Int) {
    var source = RandomSource(seed: 3)
    let matching = LabelMatching(new: random(new, 4, &source), old: random(old, 4, &source))
    #expect(matching.labels.sorted() == Array(0..<new))
  }

  @Test func surplusCentroidsTakeTheNewLabels() {
    let old = Matrix(rows: 2, columns: 1, elements: [10, 20])
    let new = Matrix(rows: 4, columns: 1, elements: [15.5, 20.1, 0, 10.1])
    let matching = LabelMatching(new: new, old: old)
    #expect(matching.labels == [2, 1, 3, 0])
  }

  @Test func greedyRemainderIsStillAPermutation() {
    var source = RandomSource(seed: 4)
    let matching = LabelMatching(new: random(300, 2, &source), old: random(300, 2, &source), exactLimit: 4)
    #expect(matching.labels.sorted() == Array(0..<300))
    #expect(!matching.isExact)
    let exact = LabelMatching(new: random(300, 2, &source), old: random(300, 2, &source))
    #expect(exact.isExact && exact.labels.sorted() == Array(0..<300))
  }

  @Test func relabelingChangesNamesButNotMeaning() throws {
    var source = RandomSource(seed: 5)
    let old = try ResidualCodebooks(levels: [
      Codebook(centroids: random(8, 3, &source)), Codebook(centroids: random(5, 3, &source), prices: [0, 1, 2, 3, 4]),
    ])
    let new = try ResidualCodebooks(levels: [
      Codebook(centroids: shifted(old.levels[0].centroids, by: 0.01, &source).selectingRows([3, 1, 2, 0, 7, 6, 5, 4])),
      Codebook(
        centroids: shifted(old.levels[1].centroids, by: 0.01, &source).selectingRows([4, 3, 2, 1, 0]),
        prices: [4, 3, 2, 1, 0]),
    ])
    let renamed = try RelabeledCodebooks(new, like: old)
    #expect(renamed.codebooks.levels[1].prices == [0, 1, 2, 3, 4])
    var codes = CodeMatrix(count: 40, levels: 2)
    for row in 0..<40 { (codes[row, 0], codes[row, 1]) = (UInt16(row % 8), UInt16(row % 5)) }
    let relabeled = renamed.relabel(codes)
    for row in 0..<40 {
      for level in 0..<2 {
        let before = new.levels[level].centroids.row(Int(codes[row, level]))
        let after = renamed.codebooks.levels[level].centroids.row(Int(relabeled[row, level]))
        #expect(before.elementsEqual(after))
      }
    }
    #expect(relabeled[0, 0] == 3 && relabeled[0, 1] == 4)
  }

  @Test func unequalDepthsAndDimensions() throws {
    var source = RandomSource(seed: 6)
    let shallow = try ResidualCodebooks(levels: [Codebook(centroids: random(4, 3, &source))])
    let deep = try ResidualCodebooks(levels: [shallow.levels[0], Codebook(centroids: random(6, 3, &source))])
    #expect(try RelabeledCodebooks(deep, like: shallow).codebooks == deep)
    #expect(try RelabeledCodebooks(shallow, like: deep).codebooks == shallow)
    let other = try ResidualCodebooks(levels: [Codebook(centroids: random(4, 2, &source))])
    #expect(throws: QuantizerError.self) { try RelabeledCodebooks(other, like: shallow) }
  }

  @Test func matchesTwoThousandCentroidsExactly() {
    var source = RandomSource(seed: 7)
    let old = random(2048, 16, &source)
    let permutation = Array(0..<2048).shuffled(using: &source)
    let matching = LabelMatching(new: shifted(old, by: 0.1, &source).selectingRows(permutation), old: old)
    #expect(matching.isExact)
    #expect(zip(matching.labels, permutation).count { $0 == $1 } > 2000)
  }
}
