import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct CarryingTests {
  /// Items 0 to 5 with three codes each; prefixes of two and of three codes have vectors.
  private static let former: [[UInt16]] = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 1]]
  private static let later: [[UInt16]] = [
    [0, 0, 0],  // as before, but alone below (0, 0)
    [1, 2, 1],  // moved, alone before and after
    [0, 1, 1],  // another last code
    [1, 0, 0],  // with item 4, as before
    [1, 0, 0],
    [0, 0, 1],  // moved to where item 1 was
  ]

  private func tokens(_ codes: [[UInt16]]) throws -> ItemTokens {
    try ItemTokens(
      sizes: [3, 3, 3], codes: ContiguousArray(codes.joined()), isPresent: codes.map { _ in true })
  }

  private func row(_ fixture: Generator, _ length: Int, of item: UInt32) throws -> [Float] {
    let parameters = fixture.parameters
    let table = try #require(parameters.parameter(named: "prefixes.\(length).weight"))
    return Array(parameters[table].row(Int(fixture.vocabulary.trie.prefix(ofItem: item, length: length))))
  }

  @Test func vectorsGoWithItemsAndElseWithCodes() throws {
    let old = try NetworkFixture(tokens(Self.former)).generator()
    let new = try old.carried(to: tokens(Self.later))
    let zeros = [Float](repeating: 0, count: 8)
    // At full length: with the items that had it alone, or together, wherever they are.
    for item: UInt32 in [0, 1, 2, 3, 4, 5] { #expect(try row(new, 3, of: item) == row(old, 3, of: item), "\(item)") }
    // Below: (0, 1), (1, 0), (1, 2) and what was (1, 1) have the items that they had.
    #expect(try row(new, 2, of: 2) == row(old, 2, of: 2))
    #expect(try row(new, 2, of: 3) == row(old, 2, of: 3))
    // Items 0 and 1 shared (0, 0); 0 and 5 share it now, and it is the same codes.
    #expect(try row(new, 2, of: 0) == row(old, 2, of: 0))
    // Nobody else was below (1, 2).
    #expect(try row(new, 2, of: 1) == zeros)
  }

  @Test func aBucketThatGainsOrLosesAnItemBeginsAtZeros() throws {
    let old = try NetworkFixture(tokens(Self.former)).generator()
    var codes = Self.former
    codes[1] = [0, 0, 0]  // joins item 0
    codes[4] = [2, 2, 2]  // leaves item 3
    let new = try old.carried(to: tokens(codes))
    let zeros = [Float](repeating: 0, count: 8)
    for item: UInt32 in [0, 1, 3, 4] { #expect(try row(new, 3, of: item) == zeros, "\(item)") }
    for item: UInt32 in [2, 5] { #expect(try row(new, 3, of: item) == row(old, 3, of: item), "\(item)") }
  }

  @Test func aVectorThatItsItemsTookAlongIsNotGivenTwice() throws {
    let old = try NetworkFixture(tokens(Self.former)).generator()
    var codes = Self.former
    codes[2] = [2, 2, 0]  // takes the vector of (0, 1) along
    codes[5] = [0, 1, 0]  // and what comes there takes that of (1, 1)
    codes[0] = [0, 1, 1]
    let new = try old.carried(to: tokens(codes))
    #expect(try row(new, 2, of: 2) == row(old, 2, of: 2))
    #expect(try row(new, 2, of: 5) == [Float](repeating: 0, count: 8))
  }

  @Test func everythingElseStays() throws {
    let old = try NetworkFixture(tokens(Self.former), hasDenseHead: true).generator(popularity: [1, 2, 3, 4, 5, 6])
    let new = try old.carried(to: tokens(Self.later))
    for entry in old.parameters.entries where !entry.name.hasPrefix("prefixes") {
      let parameter = try #require(new.parameters.parameter(named: entry.name))
      #expect(new.parameters[parameter] == entry.value, "\(entry.name)")
    }
    #expect(new.configuration == old.configuration)
    #expect(new.vocabulary.tokens == (try tokens(Self.later)))
    // To the same codes it is the same generator.
    #expect(try old.carried(to: tokens(Self.former)).fingerprint == old.fingerprint)
  }

  @Test func otherItemsOrCodebooksAreRefused() throws {
    let old = try NetworkFixture(tokens(Self.former)).generator()
    let fewer = try tokens(Array(Self.later.dropLast()))
    #expect(throws: RecommenderError.self) { try old.carried(to: fewer) }
    let sizes = try ItemTokens(
      sizes: [4, 3, 3], codes: ContiguousArray(Self.later.joined()), isPresent: Self.later.map { _ in true })
    let error = #expect(throws: RecommenderError.self) { try old.carried(to: sizes) }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("train anew") == true)
  }
}

@Suite struct WarmStartTests {
  private func train(
    _ fixture: CircleFixture, _ parameters: GeneratorTraining.Parameters, from start: Generator?,
    checkpoint: String? = nil, isCancelled: () -> Bool = { false },
    observe: (GeneratorTraining.Progress) -> Void = { _ in }
  ) throws -> GeneratorTraining.Result {
    try GeneratorTraining(CircleFixture.configuration, parameters: parameters).train(
      fixture.tokens, split: fixture.split, validation: fixture.validation, startingFrom: start, checkpoint: checkpoint,
      isCancelled: isCancelled, observe: observe)
  }

  @Test func trainingGoesOnFromWhatWasLearned() throws {
    let fixture = try CircleFixture()
    let first = try fixture.train(CircleFixture.parameters(epochs: 10))
    var events: [TrainingEvent] = []
    let second = try train(
      fixture, CircleFixture.parameters(epochs: 2), from: first.generator,
      observe: { progress in
        if case .step(let event) = progress { events.append(event) }
      })
    #expect(events[0].loss < 0.7 * Float(first.measurements[0].loss))
    #expect(second.measurements[0].loss < first.measurements[0].loss)
    // The learning rate begins anew, with its warm-up.
    #expect(abs(events[0].learningRate - 5e-4) < 1e-9)
    #expect(events.map(\.learningRate).max()! <= 5e-3)
    // And it is no start for nothing: without steps of any size the parameters stay.
    var still = CircleFixture.parameters(epochs: 1)
    still.learningRate = 1e-30
    still.weightDecay = 0
    #expect(try train(fixture, still, from: first.generator).generator.fingerprint == first.generator.fingerprint)
  }

  @Test func aStartOfOtherCodesOrAnotherConfigurationIsRefused() throws {
    let fixture = try CircleFixture(), parameters = CircleFixture.parameters(epochs: 1)
    let other = try CircleFixture(generation: 4).train(parameters).generator
    let error = #expect(throws: RecommenderError.self) { try train(fixture, parameters, from: other) }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("carry it over") == true)
    #expect(try train(fixture, parameters, from: other.carried(to: fixture.tokens)).epoch == 1)
    var configuration = CircleFixture.configuration
    configuration.hidden = 32
    let small = try fixture.train(parameters, configuration: configuration).generator
    let refused = #expect(throws: RecommenderError.self) { try train(fixture, parameters, from: small) }
    #expect(refused?.message.contains("another configuration") == true)
  }

  @Test func aRunFromAStartGoesOnBitForBitAndFromNoOther() throws {
    try withTemporaryDirectory { directory in
      let fixture = try CircleFixture(), path = directory + "/run.safetensors"
      let start = try fixture.train(CircleFixture.parameters(epochs: 1)).generator
      let whole = try train(fixture, CircleFixture.parameters(epochs: 3), from: start)
      var epochs = 0
      #expect(throws: RecommenderError.self) {
        try train(
          fixture, CircleFixture.parameters(epochs: 3), from: start, checkpoint: path, isCancelled: { epochs == 1 },
          observe: { progress in
            if case .epoch = progress { epochs += 1 }
          })
      }
      let error = #expect(throws: RecommenderError.self) {
        try train(fixture, CircleFixture.parameters(epochs: 3), from: nil, checkpoint: path)
      }
      #expect(error?.code == .unreadableModel)
      let resumed = try train(fixture, CircleFixture.parameters(epochs: 3), from: start, checkpoint: path)
      #expect(resumed.generator.fingerprint == whole.generator.fingerprint)
    }
  }
}
