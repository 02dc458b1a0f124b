import Foundation
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct GeneratorPersistenceTests {
  @Test func aGeneratorThatIsReadIsTheOneThatWasWritten() throws {
    try withTemporaryDirectory { directory in
      let fixture = try CircleFixture()
      let generator = try fixture.train(CircleFixture.parameters(epochs: 1)).generator
      try generator.write(to: directory + "/generator.safetensors")
      let again = try Generator(contentsOf: directory + "/generator.safetensors", tokens: fixture.tokens)
      #expect(again.fingerprint == generator.fingerprint)
      #expect(again.configuration == generator.configuration)
      let queries = fixture.validation.prefix(20)
      #expect(
        try again.recommend(queries, count: 10, filter: .init())
          == generator.recommend(queries, count: 10, filter: .init()))
    }
  }

  @Test func aGeneratorOfOtherCodesIsRefused() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/generator.safetensors"
      try NetworkFixture(randomTokens(items: 20, sizes: [4, 4], generation: 7)).generator().write(to: path)
      let others: [(ItemTokens, String)] = [
        (try randomTokens(items: 20, sizes: [4, 4], generation: 8), "generation 7, or train anew"),
        (try randomTokens(items: 20, sizes: [4, 4], generation: 7, seed: 2), "same generation number"),
        (try randomTokens(items: 21, sizes: [4, 4], generation: 7), "same generation number"),
      ]
      for (tokens, message) in others {
        let error = #expect(throws: RecommenderError.self) { try Generator(contentsOf: path, tokens: tokens) }
        #expect(error?.code == .otherGeneration)
        #expect(error?.message.contains(message) == true)
      }
    }
  }

  @Test func aDamagedGeneratorIsRefused() throws {
    try withTemporaryDirectory { directory in
      let tokens = try randomTokens(items: 20, sizes: [4, 4]), path = directory + "/generator.safetensors"
      try NetworkFixture(tokens).generator().write(to: path)
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 4)
      for _ in 0..<2000 {
        let bytes = damaged(whole, using: &random)
        guard bytes != whole else { continue }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        // Space in the header may be damaged and say the same.
        do {
          let read = try Generator(contentsOf: path, tokens: tokens)
          #expect(read.fingerprint == (try NetworkFixture(tokens).generator().fingerprint))
        } catch let error as RecommenderError {
          #expect(error.code == .unreadableModel || error.code == .otherGeneration || error.code == .invalidParameter)
        }
      }
    }
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    let tokens = try randomTokens(items: 20, sizes: [4, 4])
    let error = #expect(throws: RecommenderError.self) {
      try Generator(contentsOf: "/nowhere/generator.safetensors", tokens: tokens)
    }
    #expect(error?.code == .unreadableModel)
    #expect(error?.message.contains("/nowhere/generator.safetensors") == true)
  }
}
