import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct CodeRevisionTests {
  /// Codebooks whose first level lost the use of a centroid: its items go to the next one.
  private func moved(_ items: CodedItems) throws -> ResidualCodebooks {
    var levels = items.codebooks.levels
    var centroids = levels[0].centroids
    for column in 0..<centroids.columns { centroids[0, column] = 100 }
    levels[0] = Codebook(centroids: centroids, prices: levels[0].prices)
    return try ResidualCodebooks(levels: levels)
  }

  private func revision(
    _ items: CodedItems, _ tokens: ItemTokens, to codebooks: ResidualCodebooks, vectors: Matrix? = nil,
    suffixes: ContiguousArray<UInt16>? = nil,
    resolve: (CodeRevision.Unresolved) throws -> ResolvedCodes = CodeRevision.keeping
  ) throws -> CodeRevision {
    try CodeRevision(
      from: tokens, codebooks: items.codebooks, to: codebooks, formerVectors: items.vectors,
      vectors: vectors ?? items.vectors, suffixes: suffixes, generation: 7, resolve: resolve)
  }

  @Test(arguments: [ResidualQuantizer.Method.kMeans, .balanced])
  func trainingAndServingAgree(_ method: ResidualQuantizer.Method) throws {
    let items = try CodedItems(items: 1500, dimensions: 16, sizes: [16, 16, 16], method: method)
    let revision = try revision(items, items.tokens, to: moved(items))
    #expect(revision.trainingAgreement.identical == 1)
    #expect(revision.trainingAgreement.rows == 1500)
  }

  @Test func unchangedCodebooksChangeNothing() throws {
    let items = try CodedItems()
    let revision = try revision(items, items.tokens, to: items.codebooks)
    #expect(revision.tokens.codes == items.nearest.elements)
    #expect(revision.tokens.generation == 7)
    #expect(revision.churn.rate == 0)
    #expect(revision.before == revision.after)
  }

  @Test func churnAndUseAreThoseOfTheCodes() throws {
    let items = try CodedItems()
    let revision = try revision(items, items.tokens, to: moved(items))
    let losers = (0..<30).count { items.nearest[$0, 0] == 0 }
    #expect(losers > 0)
    #expect(revision.churn.sameContent.firstChangeByLevel[0] == losers)
    #expect(abs(revision.churn.rate - Double(losers) / 30) < 1e-9)
    #expect(revision.before.levels[0].utilization == 1)
    #expect(revision.after.levels[0].utilization == 0.75)
    #expect(revision.after.levels[0].deadCodes == [0])
    let expected = try ResidualQuantizer(codebooks: moved(items)).encode(items.vectors).codes
    #expect(revision.tokens.codes == expected.elements)
  }

  @Test func itemsThatTuningDidNotMoveKeepWhatTheCollisionPolicyGaveThem() throws {
    let items = try CodedItems()
    let tokens = try items.tokens(moving: [2, 11])
    let same = try revision(items, tokens, to: items.codebooks)
    #expect(same.tokens.codes == tokens.codes)
    #expect(same.churn.rate == 0)
    // They are fixed for the policy, with distances to where they are.
    _ = try revision(items, tokens, to: items.codebooks) { unresolved in
      #expect(unresolved.fixed.isFixed.allSatisfy { $0 })
      let decoded = try ResidualQuantizer(codebooks: items.codebooks).decode(unresolved.codes)
      for row in 0..<30 {
        let square = zip(items.vectors.row(row), decoded.row(row)).reduce(Float(0)) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
        #expect(abs(unresolved.distances[row] - square.squareRoot()) < 1e-4)
      }
      return try CodeRevision.keeping(unresolved)
    }
  }

  @Test func aCollisionPolicyIsAppliedToWhatMoved() throws {
    let items = try CodedItems(items: 40, sizes: [4, 4, 8])
    let resolver = try CollisionResolver(CollisionResolver.Parameters(policy: .relocate))
    let revision = try revision(
      items, items.tokens, to: moved(items), suffixes: ContiguousArray(repeating: 0, count: 40),
      resolve: CodeRevision.applying(resolver))
    let report = revision.resolved.report
    #expect(report.policy == .relocate)
    #expect(report.fixedItems == (0..<40).count { items.nearest[$0, 0] != 0 })
    #expect(report.after.collidingItems <= report.before.collidingItems)
    #expect(revision.suffixes.count == 40)
    #expect(revision.after.buckets.collidingItems == report.after.collidingItems)
  }

  @Test func itemsWithoutCodesStayWithout() throws {
    let items = try CodedItems()
    var codes = items.nearest.elements
    for level in 0..<3 { codes[5 * 3 + level] = 0 }
    let tokens = try ItemTokens(sizes: [4, 3, 3], codes: codes, isPresent: (0..<30).map { $0 != 5 })
    var vectors = items.vectors
    // What an item without codes has for a vector is never looked at.
    for column in 0..<vectors.columns { vectors[5, column] = .nan }
    let revision = try CodeRevision(
      from: tokens, codebooks: items.codebooks, to: moved(items), formerVectors: vectors, vectors: vectors,
      resolve: CodeRevision.keeping)
    #expect(revision.tokens.isPresent == tokens.isPresent)
    #expect(Array(revision.tokens.codes(ofItem: 5)) == [0, 0, 0])
    #expect(revision.churn.previousItems == 29)
    #expect(revision.after.items == 29)
  }

  @Test func vectorsThatMovedAreEncodedWhereTheyAre() throws {
    let items = try CodedItems()
    var vectors = items.vectors
    // The first two items change places.
    for column in 0..<vectors.columns {
      (vectors[0, column], vectors[1, column]) = (items.vectors[1, column], items.vectors[0, column])
    }
    let revision = try revision(items, items.tokens, to: items.codebooks, vectors: vectors)
    #expect(Array(revision.tokens.codes(ofItem: 0)) == Array(items.nearest.row(1)))
    #expect(Array(revision.tokens.codes(ofItem: 1)) == Array(items.nearest.row(0)))
  }

  @Test func partsThatDoNotBelongTogetherAreRefused() throws {
    let items = try CodedItems(), tokens = try items.tokens
    let other = try CodedItems(sizes: [4, 3]).codebooks
    let wrong: [() throws -> CodeRevision] = [
      { try revision(items, tokens, to: other) },
      { try revision(items, tokens, to: items.codebooks, vectors: Matrix(rows: 3, columns: 6)) },
      { try revision(items, tokens, to: items.codebooks, suffixes: [1]) },
      {
        try revision(items, tokens, to: items.codebooks) { unresolved in
          try CollisionResolver(CollisionResolver.Parameters(policy: .keep)).resolve(
            codes: unresolved.codes.rows(0..<4), distances: [0, 0, 0, 0], fixed: .none(count: 4))
        }
      },
    ]
    for make in wrong {
      let error = #expect(throws: RecommenderError.self) { try make() }
      #expect(error?.code == .invalidParameter)
    }
  }
}
