import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

private final class EpochCounter {
  private(set) var count = 0

  func observe(_ progress: GeneratorTraining.Progress) {
    if case .epoch = progress { count += 1 }
  }
}

/// Users whose last item follows from one that stands far back: their first, or the only one that they liked.
private struct FarBackWorld {
  static let items = 24
  let tokens: ItemTokens
  let split: TrainingSplit
  let validation: [NextItemQuery]

  init(users: Int = 300) throws {
    tokens = try uniqueTokens(items: Self.items, sizes: [5, 4, 4])
    var random = RandomSource(seed: 40)
    var (rows, marks): ([Int32], ContiguousArray<Bool>) = ([], [])
    for _ in 0..<users {
      let key = Int.random(in: 0..<12, using: &random)
      // Noise that tells nothing, then what the key asks for.
      rows.append(Int32(key))
      for place in 0..<6 { rows.append(Int32(12 + (place * 5 + Int.random(in: 0..<4, using: &random)) % 12)) }
      rows.append(Int32(12 + key))
      marks += [true] + Array(repeating: false, count: 7)
    }
    let history = try InteractionHistory(
      users: rows.indices.map { Int32($0 / 8) }, items: rows, times: rows.indices.map { Double($0) }, positives: marks,
      userCount: users, itemCount: Self.items)
    // Three quarters of the users teach all that they did: a window by time cuts between users here.
    split = try TrainingSplit(history, window: .until(Double(rows.count / 8 * 8 * 3 / 4)))
    validation = (users * 3 / 4..<users).map { user in
      let events = history.events(ofUser: user)
      return NextItemQuery(
        user: user,
        after: UserEvents(
          items: ContiguousArray(events.items.dropLast()), times: ContiguousArray(events.times.dropLast()),
          positives: ContiguousArray(events.positives.dropLast())), target: events.items[events.items.count - 1])
    }
  }

  static func configuration(_ change: (inout UserPathways) -> Void) -> GeneratorConfiguration {
    var configuration = CircleFixture.configuration
    configuration.backbone = .encoderDecoder
    configuration.decoderLayers = 1
    configuration.maximumHistory = 2
    configuration.dropout = 0
    var pathways = UserPathways()
    change(&pathways)
    configuration.pathways = pathways == UserPathways() ? nil : pathways
    return configuration
  }

  static func parameters(epochs: Int) -> GeneratorTraining.Parameters {
    var parameters = CircleFixture.parameters(epochs: epochs)
    parameters.positionsPerBatch = 128
    parameters.cutsPerSequence = 8
    return parameters
  }

  /// - Parameter stoppingAfter: epochs; nil for to the end.
  func train(_ training: GeneratorTraining, checkpoint: String? = nil, stoppingAfter: Int? = nil) throws -> Generator {
    let epochs = EpochCounter()
    return try training.train(
      tokens, split: split, validation: validation, checkpoint: checkpoint,
      isCancelled: { epochs.count == stoppingAfter }, observe: { epochs.observe($0) }
    ).generator
  }

  func recall(_ change: (inout UserPathways) -> Void) throws -> Double {
    try recall(
      GeneratorTraining(Self.configuration(change), parameters: Self.parameters(epochs: 25)).train(
        tokens, split: split
      ).generator)
  }

  func recall(_ generator: Generator) throws -> Double {
    let answers = try generator.recommend(validation[...], count: 1, filter: .init())
    return Double(zip(validation, answers).count { $1.first?.item == $0.target }) / Double(validation.count)
  }
}

@Suite struct PathwayTrainingTests {
  @Test func whatStandsFarBackIsReadByItsPathwayAlone() throws {
    let world = try FarBackWorld()
    let blind = try world.recall { _ in }
    let liked = try world.recall { $0.positiveItems = 1 }
    let lifelong = try world.recall {
      $0.lifelongItems = 10
      $0.lifelongQueries = 2
    }
    #expect(blind < 0.5 && liked > 0.7 && lifelong > 0.7, "\(blind), liked \(liked), lifelong \(lifelong)")
  }

  /// What a run that is stopped behind its second epoch and goes on ends with, beside one that is not stopped.
  private func generators(_ directory: String) throws -> (whole: Generator, resumed: Generator) {
    let world = try FarBackWorld(users: 60)
    let training = try GeneratorTraining(
      FarBackWorld.configuration { $0 = UserPathwayTests.all }, parameters: FarBackWorld.parameters(epochs: 3))
    let path = directory + "/run.safetensors"
    let stopped = try? world.train(training, checkpoint: path, stoppingAfter: 2)
    #expect(stopped == nil)
    let resumed = try withThreads(3) { try world.train(training, checkpoint: path) }
    return (try withThreads(1) { try world.train(training) }, resumed)
  }

  @Test func aRunThatWasStoppedGoesOnBitForBit() throws {
    let found = try withTemporaryDirectory { try generators($0) }
    #expect(found.resumed.fingerprint == found.whole.fingerprint)
  }

  @Test func aGeneratorWithPathwaysIsReadAsItWasWritten() throws {
    let world = try FarBackWorld(users: 60)
    let training = try GeneratorTraining(
      FarBackWorld.configuration { $0 = UserPathwayTests.all }, parameters: FarBackWorld.parameters(epochs: 1))
    let whole = try world.train(training)
    let again = try withTemporaryDirectory { directory in
      try whole.write(to: directory + "/generator.safetensors")
      return try Generator(contentsOf: directory + "/generator.safetensors", tokens: world.tokens)
    }
    #expect(again.configuration == whole.configuration && again.fingerprint == whole.fingerprint)
    let answers = try whole.recommend(world.validation[...], count: 5, filter: .init())
    let others = try again.recommend(world.validation[...], count: 5, filter: .init())
    #expect(answers == others)
  }

  @Test func aCheckpointOfOtherPathwaysIsRefused() throws {
    let world = try FarBackWorld(users: 60)
    let parameters = FarBackWorld.parameters(epochs: 2)
    let whole = try GeneratorTraining(
      FarBackWorld.configuration { $0 = UserPathwayTests.all }, parameters: parameters)
    let fewer = try GeneratorTraining(FarBackWorld.configuration { $0.positiveItems = 2 }, parameters: parameters)
    let message = try withTemporaryDirectory { directory in
      let path = directory + "/run.safetensors"
      _ = try? world.train(whole, checkpoint: path, stoppingAfter: 1)
      do {
        _ = try world.train(fewer, checkpoint: path)
        return ""
      } catch let error as RecommenderError {
        return error.message
      }
    }
    #expect(message.contains("other settings"))
  }
}
