import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct TwoTowerModelTests {
  private func model(_ pooling: TwoTowerModel.Configuration.Pooling = .attention) throws -> TwoTowerModel {
    var configuration = TwoTowerFixture.configuration
    configuration.pooling = pooling
    return try TwoTowerTraining(configuration, parameters: TwoTowerFixture.parameters(epochs: 1))
      .train(try TwoTowerFixture.split(users: 40, groups: 2)).model
  }

  @Test func anItemThatNobodyMetHasNoVector() throws {
    let model = try model()
    let rows = model.rowVectors, known = model.itemVectors
    #expect(rows.rows == 23 && known.rows == model.vocabulary.count)
    for row in 0..<rows.rows {
      if let number = model.vocabulary.number(ofRow: UInt32(row)) {
        #expect(Array(rows.row(row)) == Array(known.row(number)))
      } else {
        #expect(rows.row(row).allSatisfy { $0 == 0 })
      }
    }
    expectClose(known.rowSquaredNorms(), Array(repeating: 1, count: known.rows), tolerance: 1e-5)
  }

  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func aUsersVectorDoesNotDependOnTheOthersAskedWithIt(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let model = try model(pooling)
    let histories: [ContiguousArray<UInt32>] = [[1, 2, 3], [], [22], [5, 22, 4], [6, 1, 2, 3, 4, 5, 6, 7, 8, 9]]
    let together = model.userVectors(histories)
    for (row, history) in histories.enumerated() {
      expectClose(Array(together.row(row)), Array(model.userVectors([history]).row(0)), tolerance: 1e-5)
    }
    // Nobody met item 22; a history of nothing known has no vector; only the latest eight count.
    #expect(together.row(1).allSatisfy { $0 == 0 } && together.row(2).allSatisfy { $0 == 0 })
    expectClose(Array(together.row(3)), Array(model.userVectors([[5, 4]]).row(0)), tolerance: 1e-5)
    expectClose(
      Array(together.row(4)), Array(model.userVectors([[2, 3, 4, 5, 6, 7, 8, 9]]).row(0)), tolerance: 1e-5)
  }

  @Test func aUserWithoutAHistoryAsksForWhatIsPopular() throws {
    let model = try model()
    let scores = NextItemScorer(model).scores([[]]).row(0)
    let popular = try #require(model.vocabulary.counts.max())
    #expect(scores.firstIndex(of: scores.max() ?? 0) == model.vocabulary.counts.firstIndex(of: popular))
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryDirectory { folder in
      let model = try model()
      try model.write(to: folder + "/model")
      let read = try TwoTowerModel(contentsOf: folder + "/model", itemCount: 23)
      #expect(read.fingerprint == model.fingerprint && read.configuration == model.configuration)
      #expect(read.vocabulary == model.vocabulary)
      #expect(read.userVectors([[1, 2, 3]]) == model.userVectors([[1, 2, 3]]))
      expectAlignmentError(.unreadableModel, folder, "train the two-tower model again") {
        _ = try TwoTowerModel(contentsOf: folder + "/model", itemCount: 5)
      }
      expectAlignmentError(.unreadableModel) { _ = try TwoTowerModel(contentsOf: folder + "/none", itemCount: 23) }
      expectAlignmentError(.unwritableModel) { try model.write(to: folder + "/none/model") }
    }
  }

  @Test func anotherKindOfFileIsRefused() throws {
    try withTemporaryDirectory { folder in
      let vectors = BehaviorVectors(ids: ["a"], vectors: Matrix(rows: 1, columns: 1, elements: [1]))
      try vectors.write(to: folder + "/vectors")
      expectAlignmentError(.unreadableModel, "train the two-tower model again") {
        _ = try TwoTowerModel(contentsOf: folder + "/vectors", itemCount: 23)
      }
    }
  }

  @Test func damageIsAnErrorThatSaysWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/model", model = try model()
      try model.write(to: path)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let fingerprint = model.fingerprint
      var random = RandomSource(seed: 8)
      var refused = 0
      for _ in 0..<10_000 {
        let damaged = TestSupport.damaged(bytes, using: &random)
        guard damaged != bytes, let file = try? SafetensorsFile(bytes: damaged) else { continue }
        do {
          #expect(try TwoTowerModel(file, itemCount: 23).fingerprint == fingerprint)
        } catch let error as AlignmentError {
          refused += 1
          #expect(error.code == .unreadableModel)
          #expect(error.message.contains("train the two-tower model again"))
        }
      }
      #expect(refused > 300)
    }
  }
}
