import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

/// What a training does to new items at its worst: it moves the known ones to places of their own, and leaves the new
/// ones where none of these is.
private struct Moved: Representation {
  static let kinds = 4
  let dimensions = 2 * kinds
  let fingerprint = "moved"

  /// The last column of a text tells known items.
  func represent(_ modalities: [ModalityBatch]) -> Matrix {
    let text = modalities[0]
    var result = Matrix(rows: text.vectors.rows, columns: dimensions)
    for row in 0..<result.rows where text.isPresent[row] {
      let kind = (0..<Self.kinds).max { text.vectors[row, $0] < text.vectors[row, $1] } ?? 0
      result[row, text.vectors[row, Self.kinds] > 0 ? kind : Self.kinds + kind] = 1
    }
    return result
  }
}

@Suite struct UntrainedContentTests {
  private static let count = 120
  private let text: ModalityBatch
  private let behavior: ModalityBatch
  private let isNew = (0..<count).map { $0 % 10 == 3 }

  init() {
    var random = RandomSource(seed: 4)
    var vectors = Matrix(rows: Self.count, columns: Moved.kinds + 1)
    var behavior = normalMatrix(Self.count, 5, using: &random)
    for row in 0..<Self.count {
      for column in 0..<Moved.kinds { vectors[row, column] = 0.2 * random.nextNormal() }
      vectors[row, row % Moved.kinds] += 1
      vectors[row, Moved.kinds] = isNew[row] ? 0 : 0.1
      behavior[row, row % Moved.kinds] += 3
    }
    behavior.normalizeRows()
    text = ModalityBatch(name: "text", vectors: vectors, isPresent: (0..<Self.count).map { $0 != 7 })
    let known = isNew
    self.behavior = ModalityBatch(
      name: BehaviorVectors.modality, vectors: behavior, isPresent: (0..<Self.count).map { !known[$0] && $0 != 7 })
  }

  private func joined(_ weight: Float?, behavior: ModalityBatch? = nil) throws -> JoinedRepresentation {
    let untrained = try RepresentationModel.fit([text])
    var fitting = try JoinedRepresentation.Fitting(
      content: Moved(), untrained: weight == nil ? nil : untrained, untrainedWeight: weight ?? 1, dimensions: 12,
      weight: 0.7)
    fitting.add([text] + (behavior.map { [$0] } ?? []))
    return try fitting.finish()
  }

  /// Known items of another kind that are nearer to a new one than some of its own.
  private func strangers(_ x: Matrix) -> Int {
    var count = 0
    for new in 0..<Self.count where isNew[new] {
      let known = (0..<Self.count).filter { !isNew[$0] && $0 != 7 }.sorted {
        x.row(new).dot(x.row($0)) > x.row(new).dot(x.row($1))
      }
      count += known.prefix(10).count { $0 % Moved.kinds != new % Moved.kinds }
    }
    return count
  }

  @Test func newItemsFindTheirLikesThoughTrainingMovedThese() throws {
    let without = try joined(nil, behavior: behavior).represent([text, behavior])
    let with = try joined(0.6, behavior: behavior).represent([text, behavior])
    #expect(strangers(with) * 3 < strangers(without) + 3)
    #expect(strangers(with) <= 12)
  }

  @Test func contentIsJoinedWithoutBehaviorToo() throws {
    let joined = try joined(0.6)
    #expect(joined.joint.modalities == ["content", "untrained content"])
    let x = joined.represent([text])
    #expect(strangers(x) <= 12)
    #expect(x.row(7).allSatisfy { $0 == 0 }, "an item without content has no representation")
    #expect(abs(x.row(8).dot(x.row(8)) - 1) < 1e-4)
  }

  @Test func theWeightSaysHowMuchTheUntrainedPartCounts() throws {
    // Rows 3 (new) and 11 (known) are of one kind, and training took them apart.
    func cosine(_ weight: Float) throws -> Float {
      let x = try joined(weight).represent([text])
      return x.row(3).dot(x.row(11))
    }
    #expect(try cosine(0.2) + 0.2 < cosine(1))
  }

  @Test func aRepresentationDoesNotDependOnTheOthers() throws {
    let joined = try joined(0.6, behavior: behavior)
    let all = joined.represent([text, behavior])
    let some = [3, 7, 50]
    let alone = joined.represent([text.selecting(some), behavior.selecting(some)])
    for (place, row) in some.enumerated() { expectClose(alone.row(place), all.row(row), tolerance: 1e-5) }
  }

  @Test func thePartIsInTheFingerprintAndComesBackFromFiles() throws {
    let first = try joined(0.6, behavior: behavior), other = try joined(0.7, behavior: behavior)
    #expect(first.fingerprint != other.fingerprint)
    #expect(try first.fingerprint != joined(nil, behavior: behavior).fingerprint)
    try withTemporaryDirectory { folder in
      let untrained = try #require(first.untrained)
      try untrained.write(to: folder + "/untrained")
      try first.joint.write(to: folder + "/joint")
      let read = JoinedRepresentation(
        content: Moved(), untrained: try RepresentationModel(contentsOf: folder + "/untrained"),
        joint: try RepresentationModel(contentsOf: folder + "/joint"))
      #expect(read.fingerprint == first.fingerprint)
      #expect(read.represent([text, behavior]) == first.represent([text, behavior]))
    }
  }

  @Test func aWeightOfNothingIsRefused() {
    expectAlignmentError(.invalidParameter, "untrained content", "positive") { _ = try joined(0) }
  }
}

extension ArraySlice<Float> {
  fileprivate func dot(_ other: ArraySlice<Float>) -> Float { zip(self, other).reduce(0) { $0 + $1.0 * $1.1 } }
}
