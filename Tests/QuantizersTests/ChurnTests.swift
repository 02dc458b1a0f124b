import Foundation
import Quantizers
import Testing

private func columns(_ codes: [[UInt16]], suffixes: [UInt16]? = nil, hashes: [UInt64]? = nil) -> Churn.Columns {
  Churn.Columns(
    codes: CodeMatrix(count: codes.count, levels: codes.first?.count ?? 2, elements: ContiguousArray(codes.joined())),
    suffixes: ContiguousArray(suffixes ?? Array(repeating: 0, count: codes.count)),
    contentHashes: ContiguousArray(hashes ?? Array(repeating: 7, count: codes.count)))
}

@Suite struct ChurnTests {
  @Test func countsEachKindOfChangeApart() {
    let before = columns(
      [[1, 1, 1], [1, 1, 2], [1, 1, 3], [1, 2, 4], [5, 5, 5], [6, 6, 6]], suffixes: [0, 0, 0, 0, 0, 1],
      hashes: [1, 1, 1, 1, 1, 1])
    let after = columns(
      [[6, 6, 6], [1, 1, 1], [1, 1, 9], [1, 3, 3], [2, 2, 4], [9, 9, 9]], suffixes: [0, 0, 0, 0, 0, 0],
      hashes: [1, 1, 1, 1, 2, 1])
    let churn = Churn(from: before, to: after, previousRow: [5, 0, 1, 2, 3, -1])
    #expect(churn.previousItems == 6 && churn.currentItems == 6 && churn.added == 1 && churn.removed == 1)
    #expect(churn.sameContent.items == 4 && churn.sameContent.unchanged == 1 && churn.sameContent.suffixChanged == 1)
    #expect(churn.sameContent.firstChangeByLevel == [0, 1, 1] && churn.sameContent.codesChanged == 2)
    #expect(churn.changedContent.items == 1 && churn.changedContent.firstChangeByLevel == [1, 0, 0])
    #expect(churn.rate == 0.8 && churn.rateOfSameContent == 0.75)
  }

  @Test func aGenerationDoesNotChurnAgainstItself() {
    let generation = columns([[1, 2], [3, 4], [3, 4]], suffixes: [0, 0, 1])
    let churn = Churn(from: generation, to: generation, previousRow: [0, 1, 2])
    #expect(churn.rate == 0 && churn.added == 0 && churn.removed == 0 && churn.sameContent.unchanged == 3)
  }

  @Test func aFurtherLevelCountsAsAChangeAtThatLevel() {
    let churn = Churn(from: columns([[1, 2]]), to: columns([[1, 2, 3]]), previousRow: [0])
    #expect(churn.sameContent.firstChangeByLevel == [0, 0, 1])
  }

  @Test func emptyGenerationsHaveNoRate() {
    let empty = columns([])
    #expect(Churn(from: empty, to: empty, previousRow: []).rate == 0)
    let first = Churn(from: empty, to: columns([[1, 1]]), previousRow: [-1])
    #expect(first.added == 1 && first.rate == 0 && first.rateOfSameContent == 0)
  }

  @Test func survivesJSON() throws {
    let churn = Churn(from: columns([[1, 2]]), to: columns([[1, 3]]), previousRow: [0])
    #expect(try JSONDecoder().decode(Churn.self, from: JSONEncoder().encode(churn)) == churn)
  }
}
