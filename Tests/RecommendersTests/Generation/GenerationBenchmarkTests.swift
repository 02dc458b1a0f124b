import Foundation
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The product's side of the beam-search benchmark.
@Suite struct GenerationBenchmarkTests {
  private static func shape(users: Int = 70) -> GenerationBenchmark.Shape {
    var shape = GenerationBenchmark.Shape()
    (shape.items, shape.size, shape.history, shape.beam, shape.users) = (300, 16, 5, 10, users)
    shape.configuration.width = 16
    shape.configuration.layers = 1
    shape.configuration.heads = 2
    shape.configuration.hidden = 32
    shape.configuration.maximumHistory = 5
    return shape
  }

  @Test func figuresHaveThePeersKeys() throws {
    let result = try GenerationBenchmark.run(Self.shape(), precision: .single)
    #expect(result.usersPerSecond > 0 && result.illegalIDs == 0 && result.bestScore < 0)
    let text = String(decoding: try JSONEncoder().encode(result), as: UTF8.self)
    for key in ["precision", "items", "history", "beam", "users", "users_per_s", "best_score", "illegal_ids"] {
      #expect(text.contains("\"\(key)\""), "\(key)")
    }
  }

  @Test func itemsHaveIDsOfTheirOwnAndSharePrefixes() throws {
    var shape = GenerationBenchmark.Shape()
    let tokens = try GenerationBenchmark.tokens(shape)
    #expect(tokens.itemCount == 12_101 && tokens.sizes == [256, 256, 256])
    let ids = Set((0..<UInt32(12_101)).map { Array(tokens.codes(ofItem: $0)) })
    #expect(ids.count == 12_101)
    let pairs = Set(ids.map { Array($0.prefix(2)) })
    #expect(pairs.count > 4000 && pairs.count <= 24 * 256, "\(pairs.count)")
    for (levels, items) in [(1, 200), (2, 500), (4, 500)] {
      (shape.levels, shape.items) = (levels, items)
      let tokens = try GenerationBenchmark.tokens(shape)
      #expect(Set((0..<UInt32(items)).map { Array(tokens.codes(ofItem: $0)) }).count == items)
    }
  }

  @Test func weightsAndAnswersAreTheSameEveryTime() throws {
    try withTemporaryDirectory { folder in
      let (first, second) = (folder + "/a.safetensors", folder + "/b.safetensors")
      let one = try GenerationBenchmark.run(Self.shape(), precision: .single, weights: first)
      let two = try GenerationBenchmark.run(Self.shape(), precision: .single, weights: second)
      #expect(one.bestScore == two.bestScore)
      #expect(FileManager.default.contentsEqual(atPath: first, andPath: second))
    }
  }

  /// Rounded factors move scores a little, and never to an ID that is not there.
  @Test(arguments: [WeightPrecision.half, .brain])
  func roundedProductsAnswerNearly(precision: WeightPrecision) throws {
    let exact = try GenerationBenchmark.run(Self.shape(), precision: .single)
    let rounded = try GenerationBenchmark.run(Self.shape(), precision: precision)
    #expect(abs(rounded.bestScore - exact.bestScore) < 0.02 * abs(exact.bestScore))
    #expect(rounded.illegalIDs == 0 && rounded.precision == PackedMatrix.effective(precision).rawValue)
  }
}
