extension ResidualQuantizer {
  /// How a level's centroids are found.
  public enum Method: String, Sendable, CaseIterable, Codable {
    /// Lloyd's k-means per level.
    case kMeans = "residual-kmeans"

    /// K-means whose clusters carry prices that keep occupancies even; training and serving share one rule.
    case balanced = "balanced"

    /// OneRec's Algorithm 1 as printed, for comparison; codes are assigned by the serving rule afterwards.
    case balancedGreedy = "balanced-greedy"
  }

  public struct Parameters: Sendable, Equatable {
    public var method: Method

    /// Centroids per level, 1 to 65,536 each.
    public var sizes: [Int]

    /// Lloyd iterations per level; fewer where no assignment changes.
    public var iterations: Int

    /// Seeds the sample of rows and the first centroids.
    public var seed: UInt64

    /// Train on at most this many rows, drawn without replacement.
    public var sampleLimit: Int

    /// `balanced` only: a cluster may hold this share more than the mean occupancy.
    public var capacitySlack: Float

    public init(
      method: Method = .kMeans, sizes: [Int] = [256, 256, 256, 256], iterations: Int = 20, seed: UInt64 = 1,
      sampleLimit: Int = 262_144, capacitySlack: Float = 0.04
    ) {
      self.method = method
      self.sizes = sizes
      self.iterations = iterations
      self.seed = seed
      self.sampleLimit = sampleLimit
      self.capacitySlack = capacitySlack
    }
  }

  /// Where training stands; passed to the progress closure after every iteration.
  public struct TrainingProgress: Sendable, Equatable {
    /// Zero-based.
    public let level: Int
    public let levelCount: Int
    public let iteration: Int
    public let iterationCount: Int

    /// Mean over the training rows of `‖r − c‖²`, prices left out.
    public let objective: Double

    public init(level: Int, levelCount: Int, iteration: Int, iterationCount: Int, objective: Double) {
      self.level = level
      self.levelCount = levelCount
      self.iteration = iteration
      self.iterationCount = iterationCount
      self.objective = objective
    }
  }

  /// What one level's training did.
  public struct LevelStatistics: Sendable, Equatable {
    /// One entry per iteration, in order.
    public let iterations: [KMeansIteration]

    /// Mean of `‖residual‖²` of the training rows after this level, coded by the serving rule.
    public let meanSquaredError: Double

    /// Training rows per centroid by the serving rule.
    public let occupancy: [Int]

    public init(iterations: [KMeansIteration], meanSquaredError: Double, occupancy: [Int]) {
      self.iterations = iterations
      self.meanSquaredError = meanSquaredError
      self.occupancy = occupancy
    }
  }

  /// A trained quantiser and how it came about.
  public struct TrainingResult: Sendable {
    public let quantizer: ResidualQuantizer

    /// One entry per level.
    public let statistics: [LevelStatistics]

    /// Rows that were trained on.
    public let sampleCount: Int

    public init(quantizer: ResidualQuantizer, statistics: [LevelStatistics], sampleCount: Int) {
      self.quantizer = quantizer
      self.statistics = statistics
      self.sampleCount = sampleCount
    }
  }
}

/// What one Lloyd iteration did.
public struct KMeansIteration: Sendable, Equatable, Codable {
  /// Mean over the rows of `‖x − c‖²`, prices left out, with the centroids that the iteration began with.
  public let objective: Double

  /// Rows whose centroid changed.
  public let moved: Int

  /// Clusters found empty, or with `balanced` far below their share, and re-seeded by splitting another.
  public let repaired: Int

  public init(objective: Double, moved: Int, repaired: Int) {
    self.objective = objective
    self.moved = moved
    self.repaired = repaired
  }
}
