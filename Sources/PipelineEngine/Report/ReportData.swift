public import Quantizers

/// All that a run's report shows: the engine fills it in, `ReportPage` draws it, and it is written as `report.json`.
public struct ReportData: Sendable, Equatable, Codable {
  /// Version of this layout, for programs that read `report.json`.
  public var format = 1
  public var pipeline: String
  public var generation: UInt64
  /// The generation that tonight's builds on; nil on a first night.
  public var parent: UInt64?
  /// When the run ended, ISO 8601.
  public var createdAt: String
  /// The figures in the order in which they are shown; the headline ones are cards at the top of the page.
  public var figures: [ReportFigure] = []
  public var buckets: BucketMetrics?
  public var levels: [ReportLevel] = []
  /// How tonight's rq-vae was trained, epoch by epoch; nil where none was.
  public var training: [ResidualAutoencoder.EpochStatistics]?
  /// The codes of the first level with the most items, and below them those of the next.
  public var prefixes: [ReportPrefix] = []
  /// The fullest buckets, the fullest first.
  public var worstBuckets: [ReportBucket] = []
  public var rejected = ReportRejected()
  public var encoders: [ReportEncoder] = []
  /// Of the items encoded tonight, those whose text no rule takes; nil where texts are not routed.
  public var textsWithoutRoute: Int?
  /// What was mined from behavior; nil where the pipeline mines nothing.
  public var pairs: ReportPairs?
  /// What training the aligner changed; nil where it was not trained here.
  public var alignment: ReportAlignment?
  /// Nil where no recommender was trained.
  public var recommender: ReportRecommender?
  /// What tuning codes through it came to: the codes of this generation, or others that it stayed before; nil where none
  /// were tuned.
  public var tuning: ReportTuning?
  /// What aligning that recommender with a reward came to; nil where it was not.
  public var preference: ReportPreference?
  public var stages: [ReportStage] = []
  /// Versions, compute path, seed and other facts about the run, in sections.
  public var details: [ReportDetails] = []
  /// The pipeline file as it was.
  public var configuration = ""

  public init(pipeline: String, generation: UInt64, parent: UInt64?, createdAt: String) {
    self.pipeline = pipeline
    self.generation = generation
    self.parent = parent
    self.createdAt = createdAt
  }
}

/// One item as the report shows it.
public struct ReportItem: Sendable, Equatable, Codable {
  public var id: String
  public var title: String
  /// As text, such as `12-7-255`.
  public var semanticID: String
  /// The image's absolute path, nil where the item has none. It is read when the page is drawn and is not in the JSON.
  public var imagePath: String?

  public init(id: String, title: String, semanticID: String, imagePath: String? = nil) {
    self.id = id
    self.title = title
    self.semanticID = semanticID
    self.imagePath = imagePath
  }

  private enum CodingKeys: String, CodingKey { case id, title, semanticID }
}

/// How one level's codes are used.
public struct ReportLevel: Sendable, Equatable, Codable {
  public struct CodeCount: Sendable, Equatable, Codable {
    public var code: Int
    public var items: Int

    public init(code: Int, items: Int) {
      self.code = code
      self.items = items
    }
  }

  /// Counted from 1, as people read it; files and databases count levels from 0.
  public var level: Int
  public var items: Int
  public var size: Int
  public var used: Int
  public var utilization: Double
  /// In nats.
  public var entropy: Double
  public var perplexity: Double
  public var gini: Double
  public var dead: Int
  public var overfull: Int
  /// Items of the codes, the fullest first; a sample over all ranks where the level has more codes than columns.
  public var occupancy: [Int]
  public var fullest: [CodeCount]

  /// The most columns that a chart has.
  public static let columns = 256

  public init(level: Int, _ metrics: LevelMetrics) {
    self.level = level
    items = metrics.occupancy.reduce(0, +)
    size = metrics.size
    used = metrics.used
    utilization = metrics.utilization
    entropy = metrics.entropy
    perplexity = metrics.perplexity
    gini = metrics.gini
    dead = metrics.deadCodes.count
    overfull = metrics.overfullCodes.count
    let descending = metrics.occupancy.sorted(by: >)
    occupancy =
      descending.count <= Self.columns
      ? descending : (0..<Self.columns).map { descending[$0 * (descending.count - 1) / (Self.columns - 1)] }
    let counts = metrics.occupancy.enumerated().map { CodeCount(code: $0.offset, items: $0.element) }
    fullest = Array(counts.sorted { ($1.items, $0.code) < ($0.items, $1.code) }.prefix(5)).filter { $0.items > 0 }
  }
}

/// A prefix of codes and the items below it.
public struct ReportPrefix: Sendable, Equatable, Codable {
  /// The codes from the first level on, such as `12-7`.
  public var prefix: String
  public var items: Int
  /// Some items below the prefix.
  public var examples: [ReportItem]
  /// The fullest prefixes that are one code longer, the fullest first.
  public var children: [ReportPrefix]

  public init(prefix: String, items: Int, examples: [ReportItem] = [], children: [ReportPrefix] = []) {
    self.prefix = prefix
    self.items = items
    self.examples = examples
    self.children = children
  }
}

/// Items that share the codes of all levels.
public struct ReportBucket: Sendable, Equatable, Codable {
  public var codes: String
  public var size: Int
  /// Why they collide, in a word or two: `same content`, `close vectors`.
  public var reason: String
  /// The same in a sentence with its figures, empty where there is no more to say.
  public var explanation: String
  /// Some of the bucket's items.
  public var items: [ReportItem]

  public init(codes: String, size: Int, reason: String, explanation: String = "", items: [ReportItem]) {
    self.codes = codes
    self.size = size
    self.reason = reason
    self.explanation = explanation
    self.items = items
  }
}

/// What the catalogue stage left out, and what it kept without a part.
public struct ReportRejected: Sendable, Equatable, Codable {
  public struct Reason: Sendable, Equatable, Codable {
    public var reason: String
    /// `error` where records were left out, `warning` where they were kept.
    public var severity: String
    public var count: Int

    public init(reason: String, severity: String, count: Int) {
      self.reason = reason
      self.severity = severity
      self.count = count
    }
  }

  public struct Example: Sendable, Equatable, Codable {
    public var severity: String
    public var file: String
    public var line: Int
    public var field: String
    public var reason: String
    public var found: String
    public var expected: String

    public init(
      severity: String, file: String, line: Int, field: String, reason: String, found: String, expected: String
    ) {
      self.severity = severity
      self.file = file
      self.line = line
      self.field = field
      self.reason = reason
      self.found = found
      self.expected = expected
    }
  }

  /// Records left out.
  public var records = 0
  /// Records kept without a part of them.
  public var warnings = 0
  public var reasons: [Reason] = []
  /// The first few.
  public var examples: [Example] = []

  public init() {}
}

/// One stage of the run.
public struct ReportStage: Sendable, Equatable, Codable {
  public var name: String
  /// `ran`, `skipped`, or another word.
  public var status: String
  public var seconds: Double
  /// What it did or why it was skipped, in a few words.
  public var note: String

  public init(name: String, status: String, seconds: Double, note: String = "") {
    self.name = name
    self.status = status
    self.seconds = seconds
    self.note = note
  }
}

/// A table of facts.
public struct ReportDetails: Sendable, Equatable, Codable {
  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public var title: String
  public var rows: [Row]

  public init(title: String, rows: [(name: String, value: String)]) {
    self.title = title
    self.rows = rows.map { Row(name: $0.name, value: $0.value) }
  }
}
