import BehaviorAlignment
import NeuralNetworks
import PipelineEngine
import Recommenders
import Testing

/// The keys of `train` that choose a network and the sizes of a sweep.
@Suite struct TrainSectionTests {
  /// Line 5 is the first of the section.
  private static func yaml(_ section: String) -> String {
    """
    name: a
    catalog: { items: x.jsonl, interactions: log.csv }
    encode: { text: {} }
    train:
    \(section)
    represent: {}
    quantize: {}
    resolve: {}
    publish: {}
    """
  }

  private static func train(_ section: String) throws -> PipelineConfiguration.Train {
    try #require(try configuration(yaml(section)).train)
  }

  private static let all = """
      backbone: encoder-decoder
      width: 64
      layers: 3
      decoderLayers: 4
      hidden: 192
      tiesTables: false
      targetItems: 5
      cutsPerSequence: 7
      experts: { count: 8, selected: 3, hidden: 48 }
    """

  @Test func everyKeyReachesTheNetworkAndItsTraining() throws {
    let train = try Self.train(Self.all)
    #expect(train.shape.backbone == .encoderDecoder)
    #expect(train.shape.width == 64 && train.shape.layers == 3 && train.shape.decoderLayers == 4)
    #expect(train.shape.hidden == 192 && !train.shape.tiesTables && train.shape.targetItems == 5)
    #expect(train.shape.experts == MixtureOfExperts.Configuration(count: 8, selected: 3, hidden: 48))
    #expect(train.training.cutsPerSequence == 7)
  }

  @Test func theSoftmaxOfTrainingIsThatOfAlignmentUnlessItSaysOtherwise() throws {
    func legality(_ train: String, _ preference: String) throws -> [CodeLegality] {
      let found = try configuration(Self.yaml("  { \(train) }") + "\npreference: { \(preference) }")
      let preference = try #require(found.preference).parameters
      return [try #require(found.train).training.legality, preference.training.legality, preference.legality]
    }
    #expect(try legality("", "") == [.constrained, .constrained, .constrained])
    #expect(try legality("softmax: live", "softmax: live") == [.constrained, .constrained, .constrained])
    #expect(try legality("softmax: all", "") == [.unconstrained, .unconstrained, .unconstrained])
    #expect(try legality("softmax: all", "softmax: live") == [.unconstrained, .unconstrained, .constrained])
    #expect(try legality("", "softmax: all") == [.constrained, .constrained, .unconstrained])
  }

  @Test func theSoftmaxOfAlignmentIsInItsFingerprint() throws {
    func inputs(_ preference: String) throws -> String {
      let found = try configuration(Self.yaml("  {}") + "\npreference: { \(preference) }")
      return try #require(found.preference).stageInputs.map(\.value).joined()
    }
    #expect(try inputs("softmax: all") != inputs(""))
    #expect(try inputs("softmax: live") == inputs(""))
  }

  @Test func expertsHaveDefaults() throws {
    let many = try Self.train("  { backbone: encoder-decoder, hidden: 96, experts: { count: 6 } }")
    #expect(many.shape.experts == MixtureOfExperts.Configuration(count: 6, selected: 2, hidden: 96))
    let one = try Self.train("  { backbone: encoder-decoder, experts: { count: 1 } }")
    #expect(one.shape.experts?.selected == 1)
  }

  @Test func theKeysOfTheFeedReachIt() throws {
    let train = try Self.train(
      "  { backbone: encoder-decoder, targetItems: 4, sessions: { gap: 1.5h, minimumItems: 3, maximumItems: 40, "
        + "minimumDuration: 90, minimumPositives: 1 }, positive: { minimumRating: 4, minimumWeight: 0.5, "
        + "events: [like, buy] } }")
    let rules = try #require(train.training.sessions)
    #expect(rules.gap == 5400 && rules.minimumItems == 3 && rules.maximumItems == 40)
    #expect(rules.minimumDuration == 90 && rules.minimumPositives == 1)
    #expect(train.positive?.minimumRating == 4 && train.positive?.minimumWeight == 0.5)
    #expect(train.positive?.events == ["like", "buy"])
    let bare = try Self.train("  { backbone: encoder-decoder, targetItems: 2, sessions: {} }")
    #expect(bare.training.sessions == SessionRules() && bare.positive == nil)
  }

  @Test func theKeysOfPathwaysReachTheNetwork() throws {
    let train = try Self.train(
      "  { backbone: encoder-decoder, pathways: { traits: true, positive: 64, lifelong: 512, queries: 8 } }")
    let pathways = try #require(train.shape.pathways)
    #expect(pathways.hasTraits && pathways.positiveItems == 64)
    #expect(pathways.lifelongItems == 512 && pathways.lifelongQueries == 8)
    #expect(train.shape.queryHistory == .max && GeneratorConfiguration().queryHistory == 30)
    let one = try Self.train("  { backbone: encoder-decoder, pathways: { lifelong: 9 } }").shape.pathways
    #expect(one?.hasTraits == false && one?.positiveItems == 0 && one?.lifelongQueries == 16)
  }

  @Test(arguments: [("0", 0), ("45", 45), ("0.5", 0.5), ("30s", 30), ("30m", 1800), ("2h", 7200), ("1.5d", 129_600)])
  func aLengthOfTimeIsANumberOrHasAUnit(text: String, seconds: Double) throws {
    let train = try Self.train("  { backbone: encoder-decoder, targetItems: 2, sessions: { gap: \(text) } }")
    #expect(train.training.sessions?.gap == seconds)
  }

  @Test(arguments: ["-5", "m", "5 m", "5w", "1e3", "0x10", "nan", "inf", "1.2.3h", "\"\"", "[3]", "１h"])
  func whatIsNoLengthOfTimeIsAnError(text: String) {
    let found = message(
      Self.yaml("  backbone: encoder-decoder\n  targetItems: 2\n  sessions: { gap: \(text) }"))
    #expect(
      found.contains("/jobs/job.yaml:7: train.sessions.gap: expected a length of time such as 30m"), "\(text): \(found)"
    )
  }

  @Test func withoutTheKeysTheNetworkIsTheOneOfBefore() throws {
    let train = try Self.train("  {}")
    #expect(train.shape == GeneratorConfiguration())
    #expect(train.training == GeneratorTraining.Parameters())
  }

  private static let mistakes: [(section: String, expected: String)] = [
    (
      "  epochs: 2\n  experts: { count: 4 }",
      "/jobs/job.yaml:6: train.experts: is for 'backbone: encoder-decoder', and the backbone is one-position; choose "
        + "that or leave the key out"
    ),
    (
      "  epochs: 2\n  width: 64\n  targetItems: 3",
      "/jobs/job.yaml:7: train.targetItems: is for 'backbone: encoder-decoder'"
    ),
    ("  decoderLayers: 3", "/jobs/job.yaml:5: train.decoderLayers: is for 'backbone: encoder-decoder'"),
    ("  backbone: one-position\n  cutsPerSequence: 3", "/jobs/job.yaml:6: train.cutsPerSequence: is for"),
    (
      "  backbone: encoder-decoder\n  experts:\n    count: 4\n    selected: 5",
      "/jobs/job.yaml:8: train.experts.selected: 5 of 4 experts; select at most 'count'"
    ),
    (
      "  backbone: encoder-decoder\n  experts: { selected: 2 }",
      "/jobs/job.yaml:6: 'train.experts' lacks the key 'count': expected a whole number from 1 to 4096"
    ),
    (
      "  backbone: encoder\n",
      "/jobs/job.yaml:5: train.backbone: expected one of encoder-decoder, one-position, found 'encoder'"
    ),
    ("  sessions: {}", "/jobs/job.yaml:5: train.sessions: is for 'backbone: encoder-decoder'"),
    (
      "  backbone: encoder-decoder\n  sessions: {}",
      "/jobs/job.yaml:6: train.sessions: a session is written item by item, and 'train.targetItems' is 1"
    ),
    (
      "  backbone: encoder-decoder\n  targetItems: 3\n  sessions:\n    minimumItems: 5\n    maximumItems: 4",
      "/jobs/job.yaml:9: train.sessions.maximumItems: 4 is below minimumItems, 5"
    ),
    (
      "  backbone: encoder-decoder\n  targetItems: 3\n  sessions: { minimumPositives: 1 }",
      "/jobs/job.yaml:7: train.sessions.minimumPositives: every event is positive feedback unless 'train.positive'"
    ),
    ("  pathways: { traits: true }", "/jobs/job.yaml:5: train.pathways: is for 'backbone: encoder-decoder'"),
    (
      "  backbone: encoder-decoder\n  pathways: { traits: false }",
      "/jobs/job.yaml:6: train.pathways: expected 'traits: true', 'positive' or 'lifelong'"
    ),
    (
      "  backbone: encoder-decoder\n  pathways:\n    positive: 4\n    queries: 4",
      "/jobs/job.yaml:8: train.pathways.queries: is for 'lifelong'"
    ),
    ("  positive: {}", "/jobs/job.yaml:5: train.positive: expected minimumRating, minimumWeight or events"),
    ("  prefixDropout: 1", "/jobs/job.yaml:5: train.prefixDropout: expected a number from 0.0 to 0.9, found '1'"),
    (
      "  prefixDropout: 0.2\n  prefixTables: none",
      "prefixDropout is for items' prefix tables, and prefixTables leaves none"
    ),
    (
      "  prefixOutputs: true\n  prefixTables: none",
      "prefixOutputs is for the vectors of prefixes, and prefixTables leaves none"
    ),
    ("  targetItems: 300", "/jobs/job.yaml:5: train.targetItems: expected a whole number from 1 to 256, found '300'"),
    ("  tiesTables: yes", "/jobs/job.yaml:5: train.tiesTables: expected true or false, found 'yes'"),
    ("  width: 30\n  heads: 4", "/jobs/job.yaml:6: train.heads: 4 does not divide train.width, 30"),
    (
      "  sweep:\n    - { width: 32 }\n    - { width: 30 }",
      "/jobs/job.yaml:7: train.sweep[1].width: 30 is no multiple of train.heads, 4"
    ),
    ("  sweep: [ { layers: 2 } ]", "'train.sweep[0]' lacks the key 'width'"),
    ("  sweep: []", "/jobs/job.yaml:5: train.sweep: expected a list of 1 to 64"),
    ("  sweep: [ { width: 32, heads: 2 } ]", "unknown key 'heads' in 'train.sweep[0]'"),
  ]

  @Test(arguments: mistakes)
  func whatANetworkCannotBeIsAnErrorAtItsLine(section: String, expected: String) {
    let text = message(Self.yaml(section))
    #expect(text.contains(expected), "\(text)")
  }

  @Test func allMistakesAreNamedAtOnce() {
    let text = message(Self.yaml("  decoderLayers: 3\n  targetItems: 2\n  cutsPerSequence: 2\n  experts: { count: 2 }"))
    #expect(text.split(separator: "\n").count == 4, "\(text)")
  }

  // MARK: Fingerprints

  /// A recommender of a pipeline that has none of the keys stays up to date: nothing of its fingerprint moved.
  @Test func keysThatAreNotUsedAreNotInTheFingerprint() throws {
    let inputs = try Self.train("  {}").stageInputs
    #expect(
      inputs.map(\.name) == ["train.window", "train.shape", "train.training", "train.evaluation", "train.sasrec"])
    #expect(
      inputs[1].value
        == "width 128, layers 2, heads 4, hidden 512, dropout 0.4, maximumHistory 30, prefixTables all, denseHead false"
    )
    #expect(
      inputs[2].value
        == "epochs 12, positionsPerBatch 1024, learningRate 0.002, warmup 200, precision f32, weightDecay 0.05, seed 1")
  }

  @Test(arguments: [
    "  { backbone: one-position }", "  { tiesTables: true }", "  { softmax: live }", "  { prefixDropout: 0 }",
    "  { prefixOutputs: false }",
    "  { sweep: [ { width: 16 }, { width: 64, layers: 3 } ] }",
  ])
  func defaultsThatAreWrittenDownChangeNothing(section: String) throws {
    let fingerprint = { (train: PipelineConfiguration.Train) in
      StageFingerprint(codeVersion: 1, configuration: train.stageInputs, inputs: []).digest
    }
    #expect(fingerprint(try Self.train(section)) == fingerprint(try Self.train("  {}")))
  }

  @Test func everyKeyOfAnEncoderDecoderIsInTheFingerprint() throws {
    let sections = [
      "backbone: encoder-decoder", "backbone: encoder-decoder, decoderLayers: 3",
      "backbone: encoder-decoder, targetItems: 2", "backbone: encoder-decoder, cutsPerSequence: 4",
      "backbone: encoder-decoder, experts: { count: 4 }", "backbone: encoder-decoder, experts: { count: 5 }",
      "backbone: encoder-decoder, experts: { count: 4, selected: 1 }",
      "backbone: encoder-decoder, experts: { count: 4, hidden: 16 }", "tiesTables: false", "epochs: 12",
      "backbone: encoder-decoder, targetItems: 2, sessions: {}",
      "backbone: encoder-decoder, targetItems: 2, sessions: { gap: 1h }",
      "backbone: encoder-decoder, targetItems: 2, sessions: { minimumItems: 3 }",
      "backbone: encoder-decoder, targetItems: 2, sessions: { maximumItems: 3 }",
      "backbone: encoder-decoder, targetItems: 2, sessions: { minimumDuration: 3 }",
      "backbone: encoder-decoder, pathways: { traits: true }", "backbone: encoder-decoder, pathways: { positive: 2 }",
      "backbone: encoder-decoder, pathways: { lifelong: 2 }",
      "backbone: encoder-decoder, pathways: { lifelong: 2, queries: 3 }", "positive: { minimumRating: 4 }",
      "positive: { minimumWeight: 4 }", "positive: { events: [like] }", "softmax: all",
      "prefixDropout: 0.1", "prefixDropout: 0.2", "prefixOutputs: true",
    ]
    let digests = try sections.map { section in
      let inputs = try Self.train("  { \(section) }").stageInputs
      return StageFingerprint(codeVersion: 1, configuration: inputs, inputs: []).digest
    }
    #expect(Set(digests).count == sections.count)
  }

  // MARK: Sweeps

  @Test func withoutAListSizesLieAroundThePipelinesOwn() throws {
    let sweep = try Self.train("  { width: 64, hidden: 160, heads: 4, layers: 3 }").sweep
    #expect(sweep.map(\.width) == [16, 32, 64, 128])
    #expect(sweep.map(\.hidden) == [40, 80, 160, 320])
    #expect(sweep.allSatisfy { $0.layers == 3 && $0.heads == 4 })
  }

  @Test(arguments: [(8, 4), (12, 6), (8, 8), (4096, 64), (40, 5), (66, 3)])
  func everySizeOfTheDefaultIsOneThatCanBeTrained(width: Int, heads: Int) throws {
    let sweep = try Self.train("  { width: \(width), heads: \(heads) }").sweep
    #expect(!sweep.isEmpty && Set(sweep.map(\.width)).count == sweep.count)
    for shape in sweep {
      #expect(shape.width >= 8 && shape.width <= 4096)
      #expect(throws: Never.self) { try GeneratorTraining(shape) }
    }
  }

  @Test func sizesThatAreListedKeepWhatTheyDoNotName() throws {
    let sweep = try Self.train(
      "  { backbone: encoder-decoder, width: 32, hidden: 64, layers: 3, experts: { count: 4, hidden: 24 }, "
        + "sweep: [ { width: 16 }, { width: 64, layers: 1, hidden: 96 } ] }"
    ).sweep
    #expect(sweep.map(\.width) == [16, 64] && sweep.map(\.layers) == [3, 1] && sweep.map(\.hidden) == [32, 96])
    #expect(sweep.map { $0.experts?.hidden } == [12, 36])
    #expect(sweep.allSatisfy { $0.backbone == .encoderDecoder && $0.experts?.count == 4 })
  }
}
