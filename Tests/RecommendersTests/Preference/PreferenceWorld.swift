import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath

/// A generator that learned what users of a ``RewardWorld`` meet, liked or not, and two reward models made of other users
/// each: one to learn from, one to judge.
struct PreferenceWorld: Sendable {
  let generator: Generator
  let split: TrainingSplit
  let validation: [NextItemQuery]
  let reward: RewardModel
  let judge: RewardModel

  /// Made once; nothing changes them.
  static let onePosition = Result { try PreferenceWorld(.onePosition) }
  static let encoderDecoder = Result { try PreferenceWorld(.encoderDecoder) }

  init(_ backbone: GeneratorConfiguration.Backbone) throws {
    let world = try RewardWorld()
    split = try world.trainingSplit()
    validation = split.nextItemQueries(place: 1)
    reward = try RewardWorld(firstUser: 240, seed: 2).model()
    judge = try RewardWorld(firstUser: 480, seed: 3).model(seed: 2)
    var configuration = CircleFixture.configuration
    configuration.backbone = backbone
    configuration.maximumHistory = 10
    if backbone == .encoderDecoder {
      configuration.decoderLayers = 1
      configuration.targetItems = 2
    }
    var parameters = CircleFixture.parameters(epochs: 6)
    parameters.positionsPerBatch = 256
    generator = try GeneratorTraining(configuration, parameters: parameters).train(
      world.tokens, split: split, validation: validation
    ).generator
  }

  static func parameters(
    _ method: PreferenceOptimization.Method,
    _ change: (inout PreferenceOptimization.Parameters) -> Void = { _ in }
  ) -> PreferenceOptimization.Parameters {
    var parameters = PreferenceOptimization.Parameters()
    parameters.method = method
    parameters.training.positionsPerBatch = 256
    parameters.training.learningRate = 2e-3
    parameters.training.epochs = 3
    parameters.training.warmup = 2
    parameters.share = 1
    parameters.users = 24
    parameters.weight = 0.5
    parameters.guards.ndcgTolerance = 0.25
    parameters.guards.legalityTolerance = 1
    parameters.legalityQueries = 40
    parameters.legalityDraws = 16
    change(&parameters)
    return parameters
  }

  static func direct(candidates: Int = 32, beta: Float = 0.3) -> PreferenceOptimization.Method {
    var direct = PreferenceOptimization.DirectPreference()
    (direct.candidates, direct.beta) = (candidates, beta)
    return .ipa(direct)
  }

  static func group(_ sampling: CodeSampling? = nil, size: Int = 32) -> PreferenceOptimization.Method {
    var group = PreferenceOptimization.GroupPolicy()
    (group.groupSize, group.sampling) = (size, sampling)
    return .ecpo(group)
  }

  func optimize(
    _ parameters: PreferenceOptimization.Parameters, reward: RewardModel? = nil, judge: RewardModel? = nil,
    isCancelled: () -> Bool = { false }, observe: (PreferenceOptimization.Progress) -> Void = { _ in }
  ) throws -> PreferenceOptimization.Result {
    try PreferenceOptimization(parameters).optimize(
      generator, reward: reward ?? self.reward, judge: judge ?? self.judge, split: split, validation: validation,
      isCancelled: isCancelled, observe: observe)
  }
}
