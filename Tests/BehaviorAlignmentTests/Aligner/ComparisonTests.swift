import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

@Suite struct ComparisonTests {
  @Test func everyWayToRepresentIsMeasuredOnTheSamePairs() throws {
    let fixture = AlignerFixture()
    let aligner = try fixture.train().aligner
    let untrained = try RepresentationModel.fit(fixture.modalities)
    let rows = RepresentationComparison(
      fixture.modalities, untrained: untrained, aligner: aligner, pairs: fixture.validation
    ).rows
    #expect(
      rows.map(\.name) == ["text", "image", "joined", "aligned", "aligned, text alone", "aligned, image alone"])
    #expect(rows.allSatisfy { $0.recall.pairs == fixture.validation.count })
    let recall = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.recall.recall[10] ?? 0) })
    #expect(recall["aligned"]! > recall["joined"]!)
    #expect(recall["aligned"]! > recall["aligned, image alone"]!)
  }

  @Test func examplesAreTheNearestBeforeAndAfter() throws {
    let fixture = AlignerFixture()
    let aligner = try fixture.train().aligner
    let untrained = try RepresentationModel.fit(fixture.modalities)
    let comparison = RepresentationComparison(
      fixture.modalities, untrained: untrained, aligner: aligner, pairs: fixture.validation)
    #expect(comparison.examples.count == 4)
    for (vectors, nearest) in [
      (untrained.represent(fixture.modalities), comparison.examples.map(\.before)),
      (aligner.represent(fixture.modalities), comparison.examples.map(\.after)),
    ] {
      for (example, rows) in zip(comparison.examples, nearest) {
        let cosines = (0..<vectors.rows).map { row in
          zip(vectors.row(row), vectors.row(example.item)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let hasVector = cosines.indices.filter { row in vectors.row(row).contains { $0 != 0 } }
        let expected = hasVector.filter { $0 != example.item }.sorted { cosines[$0] > cosines[$1] }.prefix(3)
        #expect(rows == Array(expected))
      }
    }
  }

  @Test func validationPairsAreTakenOutInBothDirectionsAndFromAllSources() {
    var random = RandomSource(seed: 5)
    var pairs: [PairTable.Pair] = []
    for first in 0..<UInt32(60) {
      for second in 0..<first where Bool.random(using: &random) {
        pairs.append(.init(trigger: first, target: second, source: .swing, weight: 1, support: 1))
        pairs.append(.init(trigger: second, target: first, source: .swing, weight: 1, support: 1))
        pairs.append(.init(trigger: second, target: first, source: .nearby, weight: 1, support: 1))
      }
    }
    let table = PairTable(itemCount: 60, pairs)
    let (training, validation) = table.splittingValidation(share: 0.2, seed: 3)
    let known = PairLookup(training)
    #expect(known.covered(validation) == 0)
    #expect(training.count + 3 * validation.count == table.count)
    #expect(abs(Double(validation.count) / Double(table.count / 3) - 0.2) < 0.05)
    #expect(table.splittingValidation(share: 0.2, seed: 4).validation != validation)
    #expect(table.splittingValidation(share: 0, seed: 3).training == table)
    #expect(table.splittingValidation(share: 0.2, limit: 5, seed: 3).validation.count == 5)
  }

  @Test func thinnedPairsAreSpreadOverAll() {
    let pairs = HeldOutPairs((0..<100).map { (UInt32($0), UInt32($0 + 1)) })
    #expect(pairs.thinned(to: 4).triggers == [0, 25, 50, 75])
    #expect(pairs.thinned(to: 100) == pairs)
  }
}
