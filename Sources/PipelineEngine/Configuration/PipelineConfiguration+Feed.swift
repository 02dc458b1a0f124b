internal import BehaviorAlignment
internal import Recommenders

/// The keys of `train` that say how events become examples.

extension SessionRules {
  init(_ section: CheckedSection) {
    self.init()
    if let value = section.number("gap") { gap = value }
    if let value = section.integer("minimumItems") { minimumItems = value }
    maximumItems = section.integer("maximumItems")
    if let value = section.number("minimumDuration") { minimumDuration = value }
    if let value = section.integer("minimumPositives") { minimumPositives = value }
  }
}

extension UserPathways {
  init(_ section: CheckedSection) {
    self.init()
    hasTraits = section.boolean("traits") ?? false
    positiveItems = section.integer("positive") ?? 0
    lifelongItems = section.integer("lifelong") ?? 0
    if let value = section.integer("queries") { lifelongQueries = value }
  }
}

extension PositiveFeedback {
  init(_ section: CheckedSection) {
    self.init(
      minimumRating: section.number("minimumRating").map { Float($0) },
      minimumWeight: section.number("minimumWeight").map { Float($0) }, events: section.texts("events"))
  }
}

extension PipelineConfiguration.Train {
  /// What makes another recommender than the pipelines of before these keys did; absent where the keys are.
  var feedInputs: [StageInput] {
    var inputs: [StageInput] = []
    if let rules = training.sessions {
      inputs.append(
        StageInput(
          name: "train.sessions",
          value: "gap \(rules.gap), minimumItems \(rules.minimumItems), maximumItems "
            + "\(rules.maximumItems.map { "\($0)" } ?? "any"), minimumDuration \(rules.minimumDuration), "
            + "minimumPositives \(rules.minimumPositives)"))
    }
    if let pathways = shape.pathways {
      inputs.append(
        StageInput(
          name: "train.pathways",
          value:
            "traits \(pathways.hasTraits), positive \(pathways.positiveItems), lifelong \(pathways.lifelongItems) by "
            + "\(pathways.lifelongQueries) queries"))
    }
    if let positive {
      inputs.append(
        StageInput(
          name: "train.positive",
          value: "minimumRating \(positive.minimumRating.map { "\($0)" } ?? "none"), minimumWeight "
            + "\(positive.minimumWeight.map { "\($0)" } ?? "none"), events \(positive.events)"))
    }
    return inputs
  }

  func checkFeed(_ section: CheckedSection, validator: inout ConfigurationValidator) {
    func line(_ key: String) -> Int { section.lines[key] ?? 1 }
    if let rules = training.sessions {
      if shape.backbone == .encoderDecoder, shape.targetItems < 2 {
        validator.report(
          line("sessions"),
          "train.sessions: a session is written item by item, and 'train.targetItems' is 1; set that to 2 or more")
      }
      if let most = rules.maximumItems, most < rules.minimumItems {
        validator.report(
          section.section("sessions")?.lines["maximumItems"] ?? line("sessions"),
          "train.sessions.maximumItems: \(most) is below minimumItems, \(rules.minimumItems)")
      }
      if rules.minimumPositives > 0, positive == nil {
        validator.report(
          section.section("sessions")?.lines["minimumPositives"] ?? line("sessions"),
          "train.sessions.minimumPositives: every event is positive feedback unless 'train.positive' says which are; add "
            + "that")
      }
    }
    if let pathways = shape.pathways {
      if !pathways.hasTraits, pathways.positiveItems == 0, pathways.lifelongItems == 0 {
        validator.report(line("pathways"), "train.pathways: expected 'traits: true', 'positive' or 'lifelong'")
      } else if let section = section.section("pathways"), section.has("queries"), pathways.lifelongItems == 0 {
        validator.report(
          section.lines["queries"] ?? line("pathways"), "train.pathways.queries: is for 'lifelong'; add that")
      }
    }
    if let section = section.section("positive"), section.values.isEmpty {
      validator.report(line("positive"), "train.positive: expected minimumRating, minimumWeight or events")
    }
  }
}
