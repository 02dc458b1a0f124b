internal import Recommenders

/// What aligning a recommender with a reward came to, as a report shows it.
public struct ReportPreference: Sendable, Equatable, Codable {
  /// A model that scores recommendations.
  public struct Model: Sendable, Equatable, Codable {
    /// On events that it did not learn from; nil where it could not be measured.
    public var area: Double?
    /// Those of its objectives, by name.
    public var objectives: [String: Double]

    package init(area: Double?, objectives: [String: Double]) { (self.area, self.objectives) = (area, objectives) }
  }

  /// After an epoch; the first is before alignment.
  public struct Epoch: Sendable, Equatable, Codable {
    public var epoch: Int
    /// The mean reward of what is recommended: by the model that is learned from, and by the judge, which is another.
    public var reward: Double?
    public var judgeReward: Double?
    /// Of written sessions, likewise.
    public var sessionReward: Double?
    public var sessionJudgeReward: Double?
    public var ndcg: Double?
    public var recall: Double?
    /// The share of drawn codes that are an ID.
    public var legality: Double?
    /// The share of the most popular items in what is recommended, where they are held down.
    public var exposure: Double?

    package init(epoch: Int) { self.epoch = epoch }
  }

  public var generation: Int
  public var rewardModel: Model
  public var judge: Model
  public var epochs: [Epoch]
  /// The epoch that is served; 0 for the recommender as it was.
  public var served: Int
  public var stopReason: String?

  init(_ outcome: PreferenceOutcome) {
    func model(_ quality: RewardQuality) -> Model {
      Model(
        area: quality.reward,
        objectives: Dictionary(
          quality.objectives.compactMap { objective in objective.auc.map { (objective.name, $0) } },
          uniquingKeysWith: { first, _ in first }))
    }
    generation = Int(outcome.generation)
    (rewardModel, judge) = (model(outcome.reward), model(outcome.judge))
    (served, stopReason) = (outcome.epoch, outcome.stopReason)
    epochs = outcome.measurements.map { measurement in
      var epoch = Epoch(epoch: measurement.epoch)
      (epoch.reward, epoch.judgeReward) = (measurement.reward, measurement.judgeReward)
      (epoch.sessionReward, epoch.sessionJudgeReward) = (measurement.sessionReward, measurement.sessionJudgeReward)
      (epoch.ndcg, epoch.recall, epoch.legality) = (measurement.ndcg, measurement.recall, measurement.legality)
      epoch.exposure = measurement.exposure
      return epoch
    }
  }

  package init(generation: Int, rewardModel: Model, judge: Model, epochs: [Epoch], served: Int, stopReason: String?) {
    (self.generation, self.rewardModel, self.judge) = (generation, rewardModel, judge)
    (self.epochs, self.served, self.stopReason) = (epochs, served, stopReason)
  }
}

extension ReportPage {
  var preferenceSection: Section? {
    guard let preference = data.preference, !preference.epochs.isEmpty else { return nil }
    let stop: HTML =
      preference.stopReason.map { "It was stopped: \($0)." } ?? "All epochs were made."
    let served: HTML =
      preference.served > 0
      ? "The recommender of epoch \(figure(preference.served, at: "preference.served")) is served."
      : "The recommender stays as it was."
    return Section(
      id: "preference", title: "Alignment with a reward",
      lead: """
        The recommender of generation \(figure(preference.generation, at: "preference.generation")) learned to prefer \
        what a reward model scores high. The judge learned from other users, and had no part in it. Area under the curve \
        on held-out events: reward model \(area(preference.rewardModel, at: "preference.rewardModel")), judge \
        \(area(preference.judge, at: "preference.judge")). \(stop) \(served)
        """,
      body: "\(preferenceTable(preference))<div class=\"levels\">\(preferenceCurves(preference))</div>")
  }

  private func area(_ model: ReportPreference.Model, at place: String) -> HTML {
    model.area.map { figure($0, .decimal, at: place + ".area") } ?? "not known"
  }

  private func preferenceTable(_ preference: ReportPreference) -> HTML {
    let hasSessions = preference.epochs.contains { $0.sessionReward != nil }
    let hasLimit = preference.epochs.contains { $0.exposure != nil }
    let rows: [HTML] = preference.epochs.enumerated().map { index, epoch in
      let place = "preference.epochs.\(index)"
      func cell(_ value: Double?, _ name: String, _ kind: ReportFigure.Kind = .decimal) -> HTML {
        let text: HTML = value.map { figure($0, kind, at: "\(place).\(name)") } ?? "–"
        return "<td>\(text)</td>"
      }
      let name: HTML =
        epoch.epoch == 0 ? "before" : "epoch \(figure(epoch.epoch, at: place + ".epoch"))"
      let mark: HTML = epoch.epoch == preference.served ? ", served" : .empty
      let sessions: HTML =
        hasSessions
        ? "\(cell(epoch.sessionReward, "sessionReward"))\(cell(epoch.sessionJudgeReward, "sessionJudgeReward"))"
        : .empty
      return """
        <tr><th scope="row">\(name)\(mark)</th>\(cell(epoch.reward, "reward"))\(cell(epoch.judgeReward, "judgeReward"))\
        \(sessions)\(cell(epoch.ndcg, "ndcg"))\(cell(epoch.recall, "recall", .percent))\
        \(cell(epoch.legality, "legality", .percent))\(hasLimit ? cell(epoch.exposure, "exposure", .percent) : .empty)</tr>
        """
    }
    let sessions: HTML =
      hasSessions ? "<th scope=\"col\">sessions' reward</th><th scope=\"col\">sessions, by the judge</th>" : .empty
    let limited: HTML = hasLimit ? "<th scope=\"col\">popular items</th>" : .empty
    return """
      <table><thead><tr><th scope="col">recommender</th><th scope="col">reward</th><th scope="col">reward by the judge</th>\
      \(sessions)<th scope="col">NDCG@10</th><th scope="col">among 10</th><th scope="col">legal draws</th>\(limited)</tr></thead>\
      <tbody>\(rows)</tbody></table>
      """
  }

  private func preferenceCurves(_ preference: ReportPreference) -> HTML {
    let extent = "\(max(0, preference.epochs.count - 1)) epochs"
    let judged = curve(
      "Reward by the judge", "The mean over what is recommended to validation users.",
      preference.epochs.compactMap(\.judgeReward), over: extent)
    let gain = curve(
      "NDCG@10 on validation", "A guard ends the alignment where it falls.", preference.epochs.compactMap(\.ndcg),
      over: extent)
    let legality = curve(
      "Legality", "The share of drawn codes that are an ID, nothing held back.",
      preference.epochs.compactMap(\.legality), over: extent)
    return "\(judged)\(gain)\(legality)"
  }
}
