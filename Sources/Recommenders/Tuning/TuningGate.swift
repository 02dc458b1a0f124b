internal import RealModule

/// Whether tuned codes may replace those that are served: only if they recommend better by more than chance, and nothing
/// else got worse than allowed.
///
/// Pure: figures in, a decision with its reasons out. A figure that is missing or no number keeps what is served.
public struct TuningGate: Sendable, Equatable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// How far the mean validation NDCG@10 must rise, in standard deviations of its noise (``Evidence/noise``).
    public var minimumGain = 1.0
    /// The share of items that may change their semantic ID.
    public var maximumChurn = 0.5
    /// By how much the share of items that share an ID may rise.
    public var maximumCollisionIncrease = 0.01
    /// What must be left of each level's utilization.
    public var minimumUtilizationRatio = 0.98

    public init() {}
  }

  /// What two arms of an experiment came to: the served codes and the tuned ones, with as many steps of training.
  public struct Evidence: Sendable, Equatable, Codable {
    /// Validation NDCG@10 of each arm, one a seed; the same seeds in the same order.
    public var servedNDCG: [Double]
    public var tunedNDCG: [Double]
    /// Of the difference between the arms' NDCG, from the queries that it was measured on
    /// (``TuningGate/standardError(served:tuned:)``); needed with a single seed, a floor with several.
    public var standardError: Double?
    /// The share of items whose semantic ID would change.
    public var churn: Double
    /// The share of items that share an ID.
    public var servedCollisionRate: Double
    public var tunedCollisionRate: Double
    /// The share of codes that some item has, by level.
    public var servedUtilization: [Double]
    public var tunedUtilization: [Double]

    public init(
      servedNDCG: [Double], tunedNDCG: [Double], standardError: Double? = nil, churn: Double,
      servedCollisionRate: Double, tunedCollisionRate: Double, servedUtilization: [Double], tunedUtilization: [Double]
    ) {
      self.servedNDCG = servedNDCG
      self.tunedNDCG = tunedNDCG
      self.standardError = standardError
      self.churn = churn
      self.servedCollisionRate = servedCollisionRate
      self.tunedCollisionRate = tunedCollisionRate
      self.servedUtilization = servedUtilization
      self.tunedUtilization = tunedUtilization
    }

    /// The mean rise of NDCG@10.
    public var gain: Double { mean(tunedNDCG) - mean(servedNDCG) }

    /// One standard deviation of NDCG@10: over the seeds, of both arms pooled, since either may have been lucky; at least
    /// the standard error, where there is one, for a few seeds may agree by chance. Nil where neither is known.
    public var noise: Double? {
      guard servedNDCG.count > 1, servedNDCG.count == tunedNDCG.count else { return standardError }
      let pooled = ((variance(servedNDCG) + variance(tunedNDCG)) / 2).squareRoot()
      return max(pooled, standardError ?? 0)
    }
  }

  public enum Decision: Sendable, Equatable {
    case publish
    /// What is served stays. Each reason is a sentence that says what was found and what was expected.
    case keep(reasons: [String])
  }

  public let parameters: Parameters

  /// - Throws: ``RecommenderError/Code/invalidParameter`` for limits that are no numbers or out of range.
  public init(_ parameters: Parameters = Parameters()) throws(RecommenderError) {
    func check(_ value: Double, _ range: ClosedRange<Double>, _ name: String) throws(RecommenderError) {
      guard range.contains(value) else {
        throw RecommenderError(
          .invalidParameter, "gate: \(name) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
      }
    }
    try check(parameters.minimumGain, 0...1000, "minimumGain")
    try check(parameters.maximumChurn, 0...1, "maximumChurn")
    try check(parameters.maximumCollisionIncrease, 0...1, "maximumCollisionIncrease")
    try check(parameters.minimumUtilizationRatio, 0...1, "minimumUtilizationRatio")
    self.parameters = parameters
  }

  /// The standard error of the mean difference between two arms that answered the same queries.
  /// - Parameters:
  ///   - served: NDCG@10 of each query.
  ///   - tuned: of the same queries.
  /// - Returns: nil for fewer than two queries, or for queries that do not match.
  public static func standardError(served: [Double], tuned: [Double]) -> Double? {
    guard served.count == tuned.count, served.count > 1 else { return nil }
    return (variance(zip(served, tuned).map { $1 - $0 }) / Double(served.count)).squareRoot()
  }

  public func decide(_ evidence: Evidence) -> Decision {
    let missing = missing(evidence)
    guard missing.isEmpty else { return .keep(reasons: missing) }
    var reasons = qualityReasons(evidence)
    if evidence.churn > parameters.maximumChurn {
      reasons.append(
        "\(percent(evidence.churn)) of the items would change their semantic ID, expected at most "
          + "\(percent(parameters.maximumChurn)).")
    }
    let rise = evidence.tunedCollisionRate - evidence.servedCollisionRate
    if rise > parameters.maximumCollisionIncrease {
      reasons.append(
        "\(percent(evidence.tunedCollisionRate)) of the items would share a semantic ID, "
          + "\(percent(evidence.servedCollisionRate)) do now, expected a rise of at most "
          + "\(percent(parameters.maximumCollisionIncrease)).")
    }
    for (level, (served, tuned)) in zip(evidence.servedUtilization, evidence.tunedUtilization).enumerated()
    where tuned < parameters.minimumUtilizationRatio * served {
      reasons.append(
        "Level \(level + 1) would use \(percent(tuned)) of its codes, it uses \(percent(served)) now, expected at least "
          + "\(percent(parameters.minimumUtilizationRatio * served)).")
    }
    return reasons.isEmpty ? .publish : .keep(reasons: reasons)
  }

  private func qualityReasons(_ evidence: Evidence) -> [String] {
    guard let noise = evidence.noise else {
      return [
        "NDCG@10 is known of one seed and without a sampling error, expected either two seeds or the error, for a gain "
          + "of \(figure(evidence.gain)) says nothing without."
      ]
    }
    let needed = parameters.minimumGain * noise
    // Without noise, or with no gain asked for, it must rise all the same.
    guard evidence.gain > 0, evidence.gain >= needed else {
      return [
        "NDCG@10 went from \(figure(mean(evidence.servedNDCG))) to \(figure(mean(evidence.tunedNDCG))), a gain of "
          + "\(figure(evidence.gain)), expected more than 0 and at least \(figure(needed)), which is "
          + "\(parameters.minimumGain) standard deviations of \(figure(noise))."
      ]
    }
    return []
  }

  /// What cannot be judged.
  private func missing(_ evidence: Evidence) -> [String] {
    var reasons: [String] = []
    func require(_ values: [Double], _ range: ClosedRange<Double>, _ name: String) {
      if let value = values.first(where: { !range.contains($0) }) {
        reasons.append("\(name) is \(value), expected a number from \(range.lowerBound) to \(range.upperBound).")
      }
    }
    if evidence.servedNDCG.isEmpty || evidence.servedNDCG.count != evidence.tunedNDCG.count {
      reasons.append(
        "NDCG@10 is known of \(evidence.servedNDCG.count) seeds with the served codes and of "
          + "\(evidence.tunedNDCG.count) with the tuned ones, expected as many of both and at least one.")
    }
    if evidence.servedUtilization.isEmpty || evidence.servedUtilization.count != evidence.tunedUtilization.count {
      reasons.append(
        "Utilization is known of \(evidence.servedUtilization.count) served levels and of "
          + "\(evidence.tunedUtilization.count) tuned ones, expected as many of both and at least one.")
    }
    require(evidence.servedNDCG, 0...1, "NDCG@10 with the served codes")
    require(evidence.tunedNDCG, 0...1, "NDCG@10 with the tuned codes")
    require(evidence.standardError.map { [$0] } ?? [], 0...1, "The standard error of NDCG@10")
    require([evidence.churn], 0...1, "The churn")
    require([evidence.servedCollisionRate], 0...1, "The collision rate of the served codes")
    require([evidence.tunedCollisionRate], 0...1, "The collision rate of the tuned codes")
    require(evidence.servedUtilization, 0...1, "The utilization of a served level")
    require(evidence.tunedUtilization, 0...1, "The utilization of a tuned level")
    return reasons
  }
}

private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

/// Of a sample.
private func variance(_ values: [Double]) -> Double {
  let center = mean(values)
  return values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(max(1, values.count - 1))
}

/// With four significant digits.
private func figure(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return "\(value)" }
  let digits = 3 - Int(Double.log10(abs(value)).rounded(.down))
  let scale = Double.pow(10, Double(digits))
  return "\((value * scale).rounded() / scale)"
}

private func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }
