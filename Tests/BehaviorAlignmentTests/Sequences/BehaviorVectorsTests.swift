import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct BehaviorVectorsTests {
  /// Ids are bytes: what Unicode holds for the same text may be two items.
  @Test func idsThatOnlyLookAlikeHaveVectorsOfTheirOwn() throws {
    let ids = ["\u{E9}", "e\u{301}"]
    let vectors = BehaviorVectors(ids: ids, vectors: Matrix(rows: 2, columns: 2, elements: [1, 0, 0, 1]))
    #expect(vectors.batch(of: ids.reversed()).vectors.elements == [0, 1, 1, 0])
    try withTemporaryDirectory { folder in
      try vectors.write(to: folder + "/vectors")
      #expect(try BehaviorVectors(contentsOf: folder + "/vectors") == vectors)
    }
  }

  private func vectors(_ count: Int = 6, dimensions: Int = 4) -> BehaviorVectors {
    var random = RandomSource(seed: 3)
    return BehaviorVectors(
      ids: (0..<count).map { "item ü \($0)" },
      vectors: Initializer.normal(deviation: 1).matrix(rows: count, columns: dimensions, using: &random))
  }

  @Test func rowsHaveUnitLength() {
    let vectors = vectors()
    for row in 0..<6 {
      let square = vectors.vectors.row(row).reduce(0) { $0 + $1 * $1 }
      expectClose([square], [1], tolerance: 1e-5)
    }
  }

  @Test func anItemIsFoundByItsIdAndOthersAreMissing() {
    let vectors = vectors()
    let batch = vectors.batch(of: ["item ü 4", "nobody", "item ü 0"])
    #expect(batch.isPresent == [true, false, true])
    #expect(Array(batch.vectors.row(0)) == Array(vectors.vectors.row(4)))
    #expect(batch.vectors.row(1).allSatisfy { $0 == 0 })
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryDirectory { folder in
      let vectors = vectors()
      try vectors.write(to: folder + "/vectors")
      #expect(try BehaviorVectors(contentsOf: folder + "/vectors") == vectors)
    }
  }

  @Test func otherNumbersHaveAnotherFingerprint() {
    #expect(vectors().fingerprint == vectors().fingerprint)
    #expect(vectors().fingerprint != vectors(5).fingerprint)
  }

  @Test func damageIsAnErrorThatSaysWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/vectors"
      try vectors().write(to: path)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 8)
      var refused = 0
      for _ in 0..<10_000 {
        let damaged = TestSupport.damaged(bytes, using: &random)
        guard damaged != bytes, let file = try? SafetensorsFile(bytes: damaged) else { continue }
        do {
          #expect(try BehaviorVectors(file) == vectors())
        } catch let error as AlignmentError {
          refused += 1
          #expect(error.code == .unreadableModel)
          #expect(error.message.contains("run the stage 'behavior' again"))
        }
      }
      #expect(refused > 300)
    }
  }
}

@Suite struct JoinedRepresentationTests {
  /// Two clusters by content; behavior splits each in two more.
  private func items(_ count: Int) -> (content: ModalityBatch, behavior: ModalityBatch) {
    var random = RandomSource(seed: 1)
    var content = Matrix(rows: count, columns: 6), behavior = Matrix(rows: count, columns: 4)
    for row in 0..<count {
      for column in 0..<6 { content[row, column] = 0.1 * random.nextNormal() }
      for column in 0..<4 { behavior[row, column] = 0.1 * random.nextNormal() }
      content[row, row % 2] += 1
      behavior[row, row % 4] += 1
    }
    behavior.normalizeRows()
    let everywhere = Array(repeating: true, count: count)
    return (
      ModalityBatch(name: "text", vectors: content, isPresent: everywhere),
      ModalityBatch(name: BehaviorVectors.modality, vectors: behavior, isPresent: everywhere)
    )
  }

  private func fitted(_ content: ModalityBatch, _ behavior: ModalityBatch, weight: Float = 0.7) throws
    -> JoinedRepresentation
  {
    let model = try RepresentationModel.fit([content])
    var fitting = try JoinedRepresentation.Fitting(content: model, dimensions: 8, weight: weight)
    fitting.add([content, behavior])
    return try fitting.finish()
  }

  private func cosine(_ x: Matrix, _ first: Int, _ second: Int) -> Float {
    zip(x.row(first), x.row(second)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test func itemsOfOneContentAreToldApartByBehavior() throws {
    let (content, behavior) = items(80)
    let joined = try fitted(content, behavior)
    let x = joined.represent([content, behavior])
    #expect(x.columns == joined.dimensions)
    // Rows 0 and 4 share both parts, rows 0 and 2 only their content.
    #expect(cosine(x, 0, 4) > cosine(x, 0, 2) + 0.3)
    #expect(cosine(x, 0, 2) > cosine(x, 0, 1))
  }

  @Test func anItemWithoutBehaviorGetsWhatItsContentPredicts() throws {
    let (content, behavior) = items(80)
    let joined = try fitted(content, behavior)
    var isPresent = behavior.isPresent
    isPresent[0] = false
    let cold = ModalityBatch(name: behavior.name, vectors: behavior.vectors, isPresent: isPresent)
    let x = joined.represent([content, cold])
    #expect(x.row(0).contains { $0 != 0 })
    #expect(cosine(x, 0, 2) > cosine(x, 0, 1))
    let alone = joined.represent([content])
    expectClose(Array(alone.row(0)), Array(x.row(0)), tolerance: 1e-5)
  }

  @Test func theWeightSaysHowMuchBehaviorCounts() throws {
    let (content, behavior) = items(80)
    let little = try fitted(content, behavior, weight: 0.1).represent([content, behavior])
    let much = try fitted(content, behavior, weight: 2).represent([content, behavior])
    #expect(cosine(little, 0, 2) > cosine(much, 0, 2) + 0.2)
  }

  @Test func bothPartsAreInTheFingerprint() throws {
    let (content, behavior) = items(80)
    let first = try fitted(content, behavior), second = try fitted(content, behavior, weight: 0.5)
    #expect(first.fingerprint == JoinedRepresentation(content: first.content, joint: first.joint).fingerprint)
    #expect(first.fingerprint != second.fingerprint)
    #expect(first.fingerprint != first.content.fingerprint)
  }
}
