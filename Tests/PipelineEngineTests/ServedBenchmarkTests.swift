import Foundation
import PipelineEngine
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The speed of a served recommender: `tessera bench recommend --pipeline`.
@Suite struct ServedBenchmarkTests {
  private struct Input: Decodable {
    var codes: [[Int]]
    var histories: [[Int]]
    var sizes: [Int]
    var width: Int
    var layers: Int
    var heads: Int
    var hidden: Int
    var history: Int
  }

  @Test func whatIsMeasuredIsWrittenForThePeer() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: nil).published(until: .train)
      let (weights, data) = (folder + "/weights.safetensors", folder + "/data.json")
      let result = try ServedRecommender(pipeline).benchmark(
        users: 12, beam: 6, precision: .single, weights: weights, input: data)
      let input = try JSONDecoder().decode(Input.self, from: Data(contentsOf: URL(fileURLWithPath: data)))
      #expect(result.users == 12 && input.histories.count == 12)
      #expect(result.beam == 6 && result.illegalIDs == 0 && result.usersPerSecond > 0 && result.bestScore < 0)
      #expect(result.items == input.codes.count)
      for codes in input.codes {
        #expect(codes.count == input.sizes.count)
        #expect(zip(codes, input.sizes).allSatisfy { code, size in code < size })
      }
      #expect(input.histories.joined().allSatisfy { input.codes.indices.contains($0) })
      let read = input.histories.reduce(0) { $0 + $1.count }
      #expect(read > 0 && abs(result.history - Double(read) / 12) < 1e-9)
      #expect(input.histories.allSatisfy { $0.count <= input.history })
      #expect(input.width == 16 && input.layers == 1 && input.heads == 2 && input.hidden == 32)
      #expect(FileManager.default.fileExists(atPath: weights))
    }
  }

  @Test func noMoreUsersAreAskedThanThereAre() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: nil).published(until: .train)
      let served = try ServedRecommender(pipeline)
      let all = try served.benchmark(users: .max, beam: 3, precision: .single)
      #expect(all.users > 12 && all.users < 100_000)
      let fewer = try served.benchmark(users: all.users - 1, beam: 3, precision: .single)
      #expect(fewer.users == all.users - 1)
    }
  }

  @Test func anEncoderDecoderIsRefused() throws {
    try withTemporaryDirectory { folder in
      let train = PreferenceAlignmentTests.train.replacing("epochs: 3,", with: "backbone: encoder-decoder, epochs: 1,")
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: nil, train: train).published(
        until: .train)
      let served = try ServedRecommender(pipeline)
      let error = #expect(throws: PipelineError.self) { try served.benchmark(users: 2, beam: 2, precision: .single) }
      #expect(error?.code == .invalidData && error?.message.contains("encoder-decoder") == true)
    }
  }
}
