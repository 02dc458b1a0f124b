package import Recommenders

extension PipelineConfiguration {
  /// How `tessera train --stage preference` aligns the recommender with a reward.
  public struct Preference: Sendable {
    package var parameters: PreferenceOptimization.Parameters
    /// Ratings at or above which an event is good, an objective each; empty for what is met at all.
    var ratings: [Float]
    /// Of each reward model.
    var rewardEpochs: Int
    /// Nil for nothing that is cut.
    var exposure: Exposure?

    /// Which items are held down where they are too much of what is recommended: the most popular.
    struct Exposure: Sendable, Equatable {
      var popular: Double
      var share: Double
      var factor: Double
    }
  }

  /// What the schema cannot say of `preference`.
  func checkPreference(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard let preference else { return }
    let line = root.lines["preference"] ?? 1
    guard let train else {
      validator.report(line, "'preference' aligns a trained recommender: add the section 'train'")
      return
    }
    let items = preference.parameters.sessionItems
    if items > train.shape.targetItems {
      validator.report(
        root.section("preference")?.lines["sessionItems"] ?? line,
        "preference.sessionItems: sessions of \(items) items, and the recommender learns to write "
          + "\(train.shape.targetItems) one behind another; set train.targetItems to \(items), with "
          + "'backbone: encoder-decoder', or ask for fewer")
    }
  }
}

extension PipelineConfiguration.Preference {
  /// - Parameter train: whose batches, validation and beam hold here too.
  init(_ section: CheckedSection, train: PipelineConfiguration.Train?, seed: UInt64) {
    parameters = PreferenceOptimization.Parameters()
    let candidates = section.integer("candidates") ?? 64
    if section.text("method") == "ipa" {
      var direct = PreferenceOptimization.DirectPreference()
      direct.candidates = candidates
      parameters.method = .ipa(direct)
    } else {
      var group = PreferenceOptimization.GroupPolicy()
      group.groupSize = candidates
      parameters.method = .ecpo(group)
    }
    ratings = (section.list("ratings") ?? []).compactMap { value in
      guard case .number(let number) = value else { return nil }
      return Float(number)
    }
    rewardEpochs = section.integer("rewardEpochs") ?? RewardTraining.Parameters().epochs
    if let train {
      parameters.training.positionsPerBatch = train.training.positionsPerBatch
      parameters.training.precision = train.training.precision
      parameters.training.weightDecay = train.training.weightDecay
      parameters.training.sessions = train.training.sessions
      parameters.training.legality = train.training.legality
      parameters.legality = train.training.legality
      parameters.excludesHistory = train.excludesHistory
    }
    parameters.training.epochs = section.integer("epochs") ?? 3
    if let value = section.number("learningRate") { parameters.training.learningRate = Float(value) }
    parameters.training.seed = section.integer("seed").map { UInt64($0) } ?? seed
    parameters.share = section.number("share") ?? 0.1
    if let value = section.integer("users") { parameters.users = value }
    parameters.weight = Float(section.number("weight") ?? 1)
    if let value = section.integer("sessionItems") { parameters.sessionItems = value }
    if let value = section.text("softmax").flatMap({ PipelineSchema.softmaxes[$0] }) { parameters.legality = value }
    if let weight = section.number("formatWeight"), weight > 0 {
      var format = PreferenceOptimization.FormatReward()
      format.weight = Float(weight)
      parameters.format = format
    }
    if let limit = section.section("exposure"), let popular = limit.number("popular"), let share = limit.number("share")
    {
      exposure = Exposure(popular: popular, share: share, factor: limit.number("factor") ?? 0.5)
    }
    let guards = section.section("guards")
    if let value = guards?.number("minimumRewardAUC") { parameters.guards.minimumRewardAUC = value }
    if let value = guards?.number("ndcgTolerance") { parameters.guards.ndcgTolerance = value }
    if let value = guards?.number("legalityTolerance") { parameters.guards.legalityTolerance = value }
  }

  /// The parameters with the items that are held down, which are those of a log.
  /// - Parameter popularity: of the log's items, by the share of them that is the head; not asked where nothing is cut.
  package func parameters(
    counting popularity: (_ headShare: Double) -> ItemPopularity
  ) -> PreferenceOptimization.Parameters {
    guard let exposure else { return parameters }
    let popularity = popularity(exposure.popular)
    let items = (0..<UInt32(popularity.itemCount)).filter { !popularity.isCold($0) && !popularity.isLongTail($0) }
    var result = parameters
    result.exposure = .init(items: Set(items), share: exposure.share, factor: Float(exposure.factor))
    return result
  }

  /// What decides about what an alignment makes.
  package var stageInputs: [StageInput] {
    let method =
      switch parameters.method {
      case .ipa(let direct): "ipa of \(direct.candidates)"
      case .ecpo(let group): "ecpo of \(group.groupSize)"
      }
    let (training, guards) = (parameters.training, parameters.guards)
    let softmax = parameters.legality == .unconstrained ? ", softmax all" : ""
    let limits = exposure.map {
      [StageInput(name: "preference.exposure", value: "popular \($0.popular), share \($0.share), factor \($0.factor)")]
    }
    return [
      StageInput(
        name: "preference.method",
        value: "\(method), sessionItems \(parameters.sessionItems), share \(parameters.share), users "
          + "\(parameters.users), weight \(parameters.weight), formatWeight \(parameters.format?.weight ?? 0)\(softmax)"
      ),
      StageInput(name: "preference.ratings", value: "\(ratings), rewardEpochs \(rewardEpochs)"),
      StageInput(
        name: "preference.training",
        value: "epochs \(training.epochs), learningRate \(training.learningRate), seed \(training.seed)"),
      StageInput(
        name: "preference.guards",
        value: "minimumRewardAUC \(guards.minimumRewardAUC), ndcgTolerance \(guards.ndcgTolerance), "
          + "legalityTolerance \(guards.legalityTolerance)"),
    ] + (limits ?? [])
  }
}
