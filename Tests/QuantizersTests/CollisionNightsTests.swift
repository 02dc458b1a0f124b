import Quantizers
import TensorMath
import Testing

/// A catalogue that changes from night to night, resolved the way a pipeline does: published rows are fixed.
private struct Nights {
  struct Entry {
    let name: Int
    var content: UInt64
    var vector: [Float]
    var published: (codes: [UInt16], suffix: UInt16)?
  }

  let codebooks: ResidualCodebooks
  var entries: [Entry] = []
  var source: RandomSource
  private var names = 0

  init(seed: UInt64) throws {
    var source = RandomSource(seed: seed)
    func centroids(_ scale: Float) -> Matrix {
      Matrix(rows: 12, columns: 3, elements: ContiguousArray((0..<36).map { _ in scale * source.nextNormal() }))
    }
    codebooks = try ResidualCodebooks(levels: [Codebook(centroids: centroids(1)), Codebook(centroids: centroids(0.3))])
    self.source = source
  }

  mutating func drift(adding: Int, removing: Int, changing: Int) {
    for _ in 0..<min(removing, entries.count) {
      entries.remove(at: Int.random(in: 0..<entries.count, using: &source))
    }
    for _ in 0..<min(changing, entries.count) {
      let index = Int.random(in: 0..<entries.count, using: &source)
      entries[index].content += 1
      entries[index].vector = newVector()
      entries[index].published = nil
    }
    for _ in 0..<adding {
      names += 1
      entries.append(Entry(name: names, content: 1, vector: newVector()))
    }
    entries.shuffle(using: &source)
  }

  private mutating func newVector() -> [Float] { (0..<3).map { _ in (source.nextNormal() * 2).rounded() / 2 } }

  private func nearest(_ vector: [Float], _ centroids: Matrix) -> Int {
    (0..<centroids.rows).min {
      squared(vector, centroids.row($0)) < squared(vector, centroids.row($1))
    } ?? 0
  }

  private func squared(_ left: [Float], _ right: ArraySlice<Float>) -> Float {
    zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  /// Encodes what is new, resolves, publishes, and returns the outcome.
  mutating func publish(_ policy: CollisionPolicy) throws -> ResolvedCodes {
    var codes = CodeMatrix(count: entries.count, levels: 2)
    var distances = ContiguousArray<Float>()
    for (row, entry) in entries.enumerated() {
      let first = nearest(entry.vector, codebooks.levels[0].centroids)
      let residual = zip(entry.vector, codebooks.levels[0].centroids.row(first)).map { $0 - $1 }
      let second = nearest(residual, codebooks.levels[1].centroids)
      (codes[row, 0], codes[row, 1]) = (UInt16(first), UInt16(second))
      if let published = entry.published { (codes[row, 0], codes[row, 1]) = (published.codes[0], published.codes[1]) }
      distances.append(squared(residual, codebooks.levels[1].centroids.row(second)).squareRoot())
    }
    let fixed = FixedRows(
      isFixed: ContiguousArray(entries.map { $0.published != nil }),
      suffixes: ContiguousArray(entries.map { $0.published?.suffix ?? 0 }))
    let vectors = Matrix(rows: entries.count, columns: 3, elements: ContiguousArray(entries.flatMap(\.vector)))
    let resolved = try CollisionResolver(.init(policy: policy)).resolve(
      codes: codes, distances: distances, fixed: fixed,
      lastLevel: LastLevelDistances(codebooks: codebooks, codes: codes) { vectors.selectingRows($0) })
    for row in entries.indices {
      entries[row].published = (Array(resolved.codes.row(row)), resolved.suffixes[row])
    }
    return resolved
  }

  func columns() -> Churn.Columns {
    Churn.Columns(
      codes: CodeMatrix(
        count: entries.count, levels: 2,
        elements: ContiguousArray(entries.flatMap { $0.published?.codes ?? [0, 0] })),
      suffixes: ContiguousArray(entries.map { $0.published?.suffix ?? 0 }),
      contentHashes: ContiguousArray(entries.map(\.content)))
  }
}

@Suite struct CollisionNightsTests {
  @Test(arguments: [CollisionPolicy.suffix, .relocate], [1, 2, 3] as [UInt64])
  func noPublishedIDEverChangesAndAllStayUnique(policy: CollisionPolicy, seed: UInt64) throws {
    var nights = try Nights(seed: seed)
    nights.drift(adding: 90, removing: 0, changing: 0)
    _ = try nights.publish(policy)
    for _ in 0..<8 {
      let before = nights.columns()
      let rows = Dictionary(uniqueKeysWithValues: nights.entries.enumerated().map { ($1.name, $0) })
      nights.drift(adding: 12, removing: 10, changing: 5)
      let resolved = try nights.publish(policy)
      let matches = ContiguousArray(nights.entries.map { rows[$0.name] ?? -1 })
      let churn = Churn(from: before, to: nights.columns(), previousRow: matches)
      #expect(churn.rateOfSameContent == 0)
      #expect(churn.added == 12 && churn.removed == 10)
      #expect(uniqueIDs(resolved) == nights.entries.count)
      #expect(resolved.report.sharedIDItems == 0)
      #expect(resolved.report.fixedItems == churn.sameContent.items)
    }
  }

  @Test func relocationLeavesFewerSharedCodesThanSuffixes() throws {
    var relocated = try Nights(seed: 9), suffixed = try Nights(seed: 9)
    relocated.drift(adding: 80, removing: 0, changing: 0)
    suffixed.drift(adding: 80, removing: 0, changing: 0)
    let left = try relocated.publish(.relocate), right = try suffixed.publish(.suffix)
    #expect(left.report.before == right.report.before)
    #expect(left.report.after.collidingItems < right.report.after.collidingItems)
    #expect(left.report.suffixedItems < right.report.suffixedItems)
    #expect(left.report.movedItems > 0 && left.report.totalDistanceAdded > 0)
    #expect(left.report.largestDistanceAdded >= left.report.meanDistanceAdded)
  }

  @Test func aSwitchOfPolicyKeepsWhatWasPublishedAndReportsSharedIDs() throws {
    var nights = try Nights(seed: 4)
    nights.drift(adding: 60, removing: 0, changing: 0)
    let kept = try nights.publish(.keep)
    #expect(kept.report.sharedIDItems > 0)
    let before = nights.columns()
    let resolved = try nights.publish(.relocate)
    #expect(resolved.codes == before.codes && resolved.report.movedItems == 0)
    #expect(resolved.report.sharedIDItems == kept.report.sharedIDItems)
    #expect(resolved.report.touchedPrefixes == 0)
  }
}
