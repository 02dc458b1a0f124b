import BehaviorAlignment
import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct GeneratorTrainingTests {
  @Test func whatFollowsAnItemIsLearned() throws {
    let fixture = try CircleFixture()
    var events: [TrainingEvent] = []
    let result = try fixture.train(
      CircleFixture.parameters(epochs: 30),
      observe: { progress in
        if case .step(let event) = progress { events.append(event) }
      })
    let last = try #require(result.measurements.last)
    #expect(try #require(last.validationRecall) > 0.95)
    #expect(last.loss < 0.5 * result.measurements[0].loss)
    #expect(events.count == result.steps)
    #expect(events.map(\.step) == Array(1...result.steps))
    #expect(result.tokensPerSecond > result.positionsPerSecond)
    // The very next item is the first of the answer, for most.
    let answers = try result.generator.recommend(
      fixture.validation[...], count: 1, filter: RecommendationFilter(excludesHistory: true))
    let hits = zip(fixture.validation, answers).count { $1.first?.item == $0.target }
    #expect(Double(hits) > 0.6 * Double(fixture.validation.count))
  }

  @Test func theBestEpochIsKept() throws {
    let fixture = try CircleFixture()
    let result = try fixture.train(CircleFixture.parameters(epochs: 6))
    let best = try #require(result.measurements.compactMap(\.validationNDCG).max())
    #expect(result.measurements[result.epoch - 1].validationNDCG == best)
    #expect(result.measurements.map(\.epoch) == Array(1...6))
  }

  @Test func theSeedDecidesAndTheThreadsDoNot() throws {
    let fixture = try CircleFixture()
    var parameters = CircleFixture.parameters()
    let first = try withThreads(1) { try fixture.train(parameters) }
    let second = try withThreads(3) { try fixture.train(parameters) }
    #expect(first.generator.fingerprint == second.generator.fingerprint)
    #expect(first.measurements == second.measurements)
    parameters.seed = 2
    #expect(try fixture.train(parameters).generator.fingerprint != first.generator.fingerprint)
  }

  /// Every item of a long sequence is a target once, whatever the windows.
  @Test func longSequencesAreCutIntoWindowsThatLoseNothing() throws {
    let tokens = try randomTokens(items: 50, sizes: [5, 4, 3])
    for length in [1, 2, 6, 7, 8, 12, 13, 14, 40] {
      let log = try split([Array(0..<length), [49]], itemCount: 50)
      let targets = try targets(log, tokens)
      #expect(targets.sorted() == (Array(0..<Int32(length)) + [49]).sorted())
    }
  }

  @Test func itemsWithoutCodesAreNotLearnedFrom() throws {
    let tokens = try randomTokens(items: 10, sizes: [3, 3], without: [4])
    #expect(try targets(split([[1, 4, 2], [4]], itemCount: 10), tokens).sorted() == [1, 2])
    let error = #expect(throws: RecommenderError.self) {
      try GeneratorTraining(CircleFixture.configuration).train(tokens, split: split([[4]], itemCount: 10))
    }
    #expect(error?.code == .nothingToLearn)
  }

  private func targets(_ split: TrainingSplit, _ tokens: ItemTokens) throws -> [Int32] {
    let vocabulary = try GeneratorVocabulary(tokens, CircleFixture.configuration)
    let sequences = TrainingSequences(split, vocabulary, maximumHistory: 6)
    return sequences.batches(epoch: 0, seed: 1, positions: 16).flatMap { batch in
      #expect(batch.positions <= 16)
      return sequences.sequences(batch).next.filter { $0 >= 0 }
    }
  }

  @Test func onlyTheTrainingWindowIsLearnedFrom() throws {
    let fixture = try CircleFixture()
    let rows = (0..<fixture.split.history.userCount).map { fixture.split.trainingItems(ofUser: $0).map { Int($0) } }
    let cut = try split(rows, itemCount: CircleFixture.items)
    let training = try GeneratorTraining(CircleFixture.configuration, parameters: CircleFixture.parameters(epochs: 1))
    let (whole, part) = (
      try training.train(fixture.tokens, split: fixture.split), try training.train(fixture.tokens, split: cut)
    )
    #expect(whole.generator.fingerprint == part.generator.fingerprint)
  }

  @Test func aRunThatWasStoppedGoesOnBitForBit() throws {
    try withTemporaryDirectory { directory in
      let fixture = try CircleFixture(), parameters = CircleFixture.parameters(epochs: 4)
      let whole = try fixture.train(parameters)
      let path = directory + "/run.safetensors"
      var epochs = 0
      let error = #expect(throws: RecommenderError.self) {
        try fixture.train(
          parameters, checkpoint: path, isCancelled: { epochs == 2 },
          observe: { progress in
            if case .epoch = progress { epochs += 1 }
          })
      }
      #expect(error?.code == .cancelled)
      let resumed = try fixture.train(
        parameters, checkpoint: path,
        observe: { progress in
          if case .epoch = progress { epochs += 1 }
        })
      #expect(epochs == 4)
      #expect(resumed.generator.fingerprint == whole.generator.fingerprint)
      #expect(resumed.measurements == whole.measurements)
      #expect(resumed.steps == whole.steps)
      #expect(resumed.epoch == whole.epoch)
      // And one that is over has nothing left to do.
      let again = try fixture.train(parameters, checkpoint: path, isCancelled: { true })
      #expect(again.generator.fingerprint == whole.generator.fingerprint)
    }
  }

  @Test func aCheckpointOfOtherCodesIsRefused() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/run.safetensors", parameters = CircleFixture.parameters(epochs: 1)
      _ = try CircleFixture(generation: 3).train(parameters, checkpoint: path)
      let error = #expect(throws: RecommenderError.self) {
        try CircleFixture(generation: 4).train(parameters, checkpoint: path)
      }
      #expect(error?.code == .otherGeneration)
      #expect(error?.message.contains("generation 3, or train anew") == true)
      var other = CircleFixture.parameters(epochs: 1)
      other.learningRate = 1e-4
      let refused = #expect(throws: RecommenderError.self) { try CircleFixture().train(other, checkpoint: path) }
      #expect(refused?.code == .unreadableModel)
      #expect(refused?.message.contains("other settings") == true)
    }
  }

  @Test func aDamagedCheckpointIsRefused() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/run.safetensors", parameters = CircleFixture.parameters(epochs: 1)
      let fixture = try CircleFixture()
      _ = try fixture.train(parameters, checkpoint: path)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var random = RandomSource(seed: 4)
      for _ in 0..<60 {
        // The header only: a number that was changed elsewhere is another number.
        var bytes = [UInt8](whole)
        bytes[Int.random(in: 0..<600, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        try Data(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))).write(to: URL(fileURLWithPath: path))
        #expect(throws: RecommenderError.self) { try fixture.train(parameters, checkpoint: path) }
      }
    }
  }

  @Test func aRunThatDivergesAtOnceSaysWhatToDo() throws {
    let fixture = try CircleFixture()
    var parameters = CircleFixture.parameters(epochs: 3)
    parameters.learningRate = 1e30
    parameters.warmup = 0
    let error = #expect(throws: RecommenderError.self) { try fixture.train(parameters) }
    #expect(error?.code == .diverged)
    #expect(error?.message.contains("learning rate") == true)
  }

  @Test func aRunThatDivergesLaterKeepsTheLastGoodEpoch() throws {
    let fixture = try CircleFixture()
    var parameters = CircleFixture.parameters(epochs: 40)
    // Nothing is learned, so that the loss only varies about the least one that a batch happens to have; and an epoch has
    // too few steps to be given up in.
    parameters.learningRate = 1e-12
    parameters.divergence = TrainingMonitor.Parameters(factor: 1.0001, patience: 20)
    let result = try fixture.train(parameters)
    let reason = try #require(result.stopReason)
    #expect(reason.contains("the generator of epoch \(result.epoch) is kept"))
    #expect((1..<40).contains(result.measurements.count))
    #expect((1...result.measurements.count).contains(result.epoch))
  }

  @Test func parametersOutOfRangeAreRefused() {
    let changes: [(inout GeneratorTraining.Parameters) -> Void] = [
      { $0.epochs = 0 }, { $0.positionsPerBatch = 0 }, { $0.learningRate = .nan }, { $0.warmup = -1 }, { $0.beta1 = 1 },
      { $0.beta2 = -0.1 }, { $0.weightDecay = -1 }, { $0.clip = 0 }, { $0.validationQueries = 0 },
      { $0.denseWeight = -1 }, { $0.denseNegatives = -1 }, { $0.validationBeam = 0 }, { $0.divergence.factor = 1 },
      { $0.divergence.patience = 0 },
    ]
    for change in changes {
      var parameters = GeneratorTraining.Parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try GeneratorTraining(parameters: parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }
}
