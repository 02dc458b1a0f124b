import PipelineEngine
import Testing

/// What must hold of every key of a pipeline file, whoever adds the next one.
@Suite struct EveryKeyTests {
  private func text(_ tree: PipelineTree) -> String { message(tree.written().yaml) }

  /// The line of the error that a value at a key causes, and what the error says after it.
  private func mistake(_ key: SchemaKey, _ value: String) -> (line: Int?, text: String) {
    let tree = PipelineTree.complete.setting(key.path, to: .scalar(value))
    return (tree.written().lines[key.name], text(tree))
  }

  @Test func theTreeWithoutChangesIsAPipeline() throws {
    let job = try configuration(PipelineTree.complete.written().yaml)
    #expect(job.align != nil && job.behavior != nil && job.train != nil && job.finetune != nil)
    #expect(job.preference != nil && job.report != nil && job.export.count == 1)
    #expect(SchemaKey.leaves.count > 150 && SchemaKey.sections.count > 20)
  }

  @Test(arguments: SchemaKey.leaves) func aValueOfAnotherKindIsNamedAtItsLine(key: SchemaKey) {
    // A list where a scalar stands, a word where a list does; where both may stand, a section.
    var value = "[{ a: 1 }, b]"
    var found = "a list of 2"
    if SchemaKey.mayBeLists.contains(key.name) { (value, found) = ("{ a: 1 }", "a section with a") }
    if case .list = key.shape { (value, found) = ("word", "'word'") }
    let (line, text) = mistake(key, value)
    #expect(
      text.contains("/jobs/job.yaml:\(line ?? 0): \(key.name): expected ") && text.contains(", found \(found)"),
      "\(text)")
  }

  @Test(arguments: SchemaKey.sections) func aSectionIsNoWord(key: SchemaKey) {
    // A path stands for a section with nothing else.
    guard key.name != "catalog.interactions" else { return }
    let (line, text) = mistake(key, "word")
    #expect(text.contains("/jobs/job.yaml:\(line ?? 0): \(key.name): expected "), "\(text)")
  }

  @Test(arguments: SchemaKey.sections) func aKeyThatASectionDoesNotHaveIsNamedWithThoseItHas(key: SchemaKey) throws {
    guard case .section(let keys) = key.shape else { return }
    let tree = PipelineTree.complete.setting(key.path + ["qqqqqqqqqq"], to: .scalar("1"))
    let line = try #require(tree.written().lines[key.name + ".qqqqqqqqqq"])
    let names = keys.map(\.name).joined(separator: ", ")
    #expect(
      text(tree).contains(
        "/jobs/job.yaml:\(line): unknown key 'qqqqqqqqqq' in '\(key.name)'; valid keys are \(names)"), "\(text(tree))")
  }

  @Test(arguments: SchemaKey.sections) func aSlipOfTheFingerIsPutRight(key: SchemaKey) {
    guard case .section(let keys) = key.shape else { return }
    for own in keys where own.name.count > 4 {
      // The last two letters swapped.
      var letters = Array(own.name)
      letters.swapAt(letters.count - 1, letters.count - 2)
      let slip = String(letters)
      // Where another key is as near, either may be meant.
      guard slip != own.name, !keys.contains(where: { $0.name + "s" == own.name }) else { continue }
      let text = text(PipelineTree.complete.setting(key.path + [slip], to: .scalar("1")))
      #expect(text.contains("unknown key '\(slip)' in '\(key.name)'; did you mean '\(own.name)'?"), "\(text)")
    }
  }

  @Test(arguments: SchemaKey.all.filter(\.isRequired)) func whatIsRequiredIsMissedAtTheLineOfItsSection(key: SchemaKey)
  {
    guard key.path.count > 1, let name = key.path.last else { return }
    let section = Array(key.path.dropLast())
    let empty = SchemaKey(path: section, shape: key.shape, isRequired: false).name
    let text = text(PipelineTree.complete.setting(section, to: .section([])))
    #expect(text.contains("'\(empty)' lacks the key '\(name)': expected "), "\(text)")
  }

  @Test(arguments: SchemaKey.leaves) func wholeNumbersHaveTheirBounds(key: SchemaKey) {
    guard case .integer(let range) = key.shape else { return }
    let words =
      range.upperBound == .max
      ? "a whole number of at least \(range.lowerBound)"
      : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    var outside = [
      "\(range.lowerBound - 1)", "99999999999999999999", "-99999999999999999999", "1.5", "1e1", "0x1", "''",
    ]
    if range.upperBound < .max { outside.append("\(range.upperBound + 1)") }
    for value in outside {
      let (line, text) = mistake(key, value)
      #expect(text.contains("/jobs/job.yaml:\(line ?? 0): \(key.name): expected \(words), found "), "\(value): \(text)")
    }
    for value in [range.lowerBound, range.upperBound] {
      #expect(!mistake(key, "\(value)").text.contains("\(key.name): expected \(words)"), "\(key.name): \(value)")
    }
  }

  @Test(arguments: SchemaKey.leaves) func numbersHaveTheirBounds(key: SchemaKey) {
    guard case .number(let range) = key.shape else { return }
    let words = "a number from \(range.lowerBound) to \(range.upperBound)"
    let outside = [
      "\(range.lowerBound.nextDown)", "\(range.upperBound.nextUp)", "nan", "inf", "-inf", "1e999", "1,5", "'1'",
    ]
    for value in outside {
      let (line, text) = mistake(key, value)
      #expect(text.contains("/jobs/job.yaml:\(line ?? 0): \(key.name): expected \(words), found "), "\(value): \(text)")
    }
    for value in [range.lowerBound, range.upperBound] {
      #expect(!mistake(key, "\(value)").text.contains("\(key.name): expected \(words)"), "\(key.name): \(value)")
    }
  }

  @Test(arguments: SchemaKey.leaves) func wordsAreThoseOfTheSchema(key: SchemaKey) {
    switch key.shape {
    case .choice(let words):
      for word in words {
        #expect(!mistake(key, word).text.contains(" \(key.name): expected"), "\(key.name): \(word)")
        let (line, text) = mistake(key, word + "x")
        #expect(
          text.contains("/jobs/job.yaml:\(line ?? 0): \(key.name): expected ")
            && text.contains(", found '\(word)x'; did you mean '"), "\(text)")
      }
    case .boolean:
      for word in ["yes", "True", "1", "'true'"] {
        #expect(mistake(key, word).text.contains(" \(key.name): expected true or false, found "), "\(word)")
      }
    case .text:
      #expect(mistake(key, "''").text.contains("expected text of 1 to 4096 bytes without null characters, found text"))
      #expect(mistake(key, String(repeating: "a", count: 4097)).text.contains("expected text of 1 to 4096 bytes"))
      #expect(!mistake(key, String(repeating: "a", count: 4096)).text.contains("expected text of"))
      #expect(mistake(key, "\"a\\0b\"").text.contains("expected text of 1 to 4096 bytes without null"))
    default: break
    }
  }

  @Test(arguments: SchemaKey.leaves) func listsHaveTheirLength(key: SchemaKey) {
    guard case .list(let element, let count) = key.shape else { return }
    // Elements that are wrong are named one by one, so any will do here.
    let word: String =
      switch element {
      case .integer(let range): "\(range.lowerBound)"
      case .number(let range): "\(range.lowerBound)"
      case .choice(let words): words[0]
      default: "a"
      }
    func text(_ length: Int) -> String {
      mistake(key, "[" + Array(repeating: word, count: length).joined(separator: ", ") + "]").text
    }
    let words = " \(key.name): expected a list of \(count.lowerBound) to \(count.upperBound) ("
    if count.lowerBound > 0 { #expect(text(count.lowerBound - 1).contains(words)) }
    #expect(text(count.upperBound + 1).contains(words))
    for length in [count.lowerBound, count.upperBound] { #expect(!text(length).contains(words), "\(length)") }
  }

  @Test(arguments: SchemaKey.leaves) func aValueMayComeFromTheEnvironment(key: SchemaKey) {
    let tree = PipelineTree.complete.setting(key.path, to: .scalar("${TESSERA_NOT_SET}"))
    guard let line = tree.written().lines[key.name] else {
      Issue.record("\(key.name) was not written")
      return
    }
    if case .list = key.shape { return }
    #expect(
      text(tree).contains(
        "/jobs/job.yaml:\(line): \(key.name): the environment variable TESSERA_NOT_SET is not set"), "\(text(tree))")
  }
}

/// Whether what a file says reaches the stages that it is about.
@Suite struct EveryKeyIsReadTests {
  /// Keys that change how a run works, or what happens around it, and none of what its stages make.
  private static let withoutEffectOnStages: Set<String> = [
    "name", "workspace", "threads", "compute", "keepRuns", "encode.cache.keepNights", "encode.cache.maxMegabytes",
    "encode.text.timeout", "encode.image.timeout",
    // The files that are read are inputs of the stages that read them.
    "catalog.interactions.path", "catalog.interactions.minimumRating",
    // Of commands that are not stages.
    "train.sweep", "train.sweep[0].width", "train.sweep[0].layers", "train.sweep[0].hidden",
  ]

  /// Keys that mean something beside a pretrained encoder, a two-tower model or an encoder-decoder alone: the tests of
  /// those read them.
  static func needsAnotherPipeline(_ name: String) -> Bool {
    let prefixes = [
      "align.text", "align.encoderRate", "behavior.pooling", "behavior.negatives", "behavior.temperature",
      "behavior.frequencyCorrection", "train.sessions", "train.pathways",
    ]
    return prefixes.contains { name.hasPrefix($0) }
  }

  private static func isAside(_ name: String) -> Bool {
    withoutEffectOnStages.contains(name) || name.hasPrefix("finetune") || name.hasPrefix("preference")
  }

  /// What has to stand in the file for a key to mean something.
  private static func background(of name: String) -> PipelineTree {
    var tree = PipelineTree.complete
    func set(_ path: String, _ value: String) {
      tree = tree.setting(path.split(separator: ".").map(String.init), to: .scalar(value))
    }
    if name.hasPrefix("quantize.autoencoder") { set("quantize.method", "rq-vae") }
    if name == "quantize.driftThreshold" { set("quantize.refit", "on-drift") }
    if ["train.decoderLayers", "train.targetItems", "train.cutsPerSequence"].contains(name)
      || name.hasPrefix("train.experts")
    {
      set("train.backbone", "encoder-decoder")
      tree = tree.setting(["finetune"], to: .section([])).without("finetune").without("preference")
    }
    if name.hasPrefix("train.experts") { set("train.experts.count", "4") }
    if name == "preference.sessionItems" {
      // Sessions are written by a recommender that learned to write some items one behind another.
      set("train.backbone", "encoder-decoder")
      set("train.targetItems", "8")
      tree = tree.without("finetune")
    }
    if name.hasPrefix("preference.exposure") {
      set("preference.exposure.popular", "0.1")
      set("preference.exposure.share", "0.1")
    }
    if name.hasPrefix("train.sasrec") { tree = tree.setting(["train", "baselines"], to: .list([.scalar("sasrec")])) }
    if name.hasPrefix("train.sweep[0]"), name != "train.sweep[0].width" {
      tree = tree.setting(["train", "sweep", "[0]", "width"], to: .scalar("64"))
    }
    for modality in ["text", "image"] {
      if name == "encode.\(modality).precision" { set("encode.\(modality).model", "folder") }
      if ["version", "timeout"].contains(where: { name == "encode.\(modality).\($0)" }) {
        tree = tree.setting(["encode", modality, "command"], to: .list([.scalar("program")]))
      }
    }
    if name == "train.backbone" { tree = tree.without("finetune").without("preference") }
    if name == "train.prefixOutputs" {
      set("train.prefixTables", "all")
      tree = tree.without("finetune")
    }
    if name == "behavior.hidden" || name.hasSuffix("sasrec.hidden") { return tree }
    return tree
  }

  /// Values that a key may have, of which one at least is not its default.
  private static func candidates(_ shape: ConfigurationShape) -> [PipelineTree] {
    switch shape {
    case .text: [.scalar("other-word"), .scalar("\"{title}, {text}\"")]
    case .identifier: [.scalar("other")]
    case .choice(let words): words.reversed().map { .scalar($0) }
    case .boolean: [.scalar("true"), .scalar("false")]
    case .duration: [.scalar("45m"), .scalar("2d")]
    case .integer(let range):
      [32, 8, 3, 1, 1000, range.lowerBound, range.lowerBound + 1].filter(range.contains).map { .scalar("\($0)") }
    case .number(let range):
      [0.3, 0.7, 2.5, range.lowerBound, range.upperBound].filter(range.contains).map { .scalar("\($0)") }
    case .list(of: let element, count: let count):
      candidates(element).flatMap { value in
        [.list(Array(repeating: value, count: max(1, count.lowerBound))), .list([value, value])]
      }
    case .section, .either: []
    }
  }

  private static func description(_ job: PipelineConfiguration) -> String {
    var job = job
    job.source = ""
    return contents(of: job)
  }

  /// All that a value holds, in an order that is its own: two dictionaries of one content may list it in two orders.
  private static func contents(of value: Any) -> String {
    let mirror = Mirror(reflecting: value)
    guard !mirror.children.isEmpty else { return String(reflecting: value) }
    var parts = mirror.children.map { child in (child.label ?? "") + ":" + contents(of: child.value) }
    if mirror.displayStyle == .dictionary || mirror.displayStyle == .set { parts.sort() }
    return "(" + parts.joined(separator: ",") + ")"
  }

  private static func settings(_ job: PipelineConfiguration) -> [StageName: [StageInput]] {
    let pipeline = Pipeline(job)
    return Dictionary(
      uniqueKeysWithValues: StageName.allCases.compactMap { stage in pipeline.settings(of: stage).map { (stage, $0) } })
  }

  @Test func aFileReadTwiceIsTheSame() throws {
    let yaml = PipelineTree.complete.written().yaml
    let first = Self.description(try configuration(yaml))
    for _ in 0..<20 { #expect(Self.description(try configuration(yaml)) == first) }
  }

  /// A key that nothing reads would be a promise that nobody keeps; one that is in no stage's settings would leave what
  /// was made by other settings in place.
  @Test(arguments: SchemaKey.leaves.filter { !EveryKeyIsReadTests.needsAnotherPipeline($0.name) })
  func everyKeyChangesWhatIsReadAndWhichStagesRun(key: SchemaKey) throws {
    let tree = Self.background(of: key.name)
    let before = try configuration(tree.written().yaml)
    var values = Self.candidates(key.shape)
    if key.name == "train.sweep" { values = [.list([.section([("width", .scalar("64"))])])] }
    if key.name == "export" { values = [.list([.section([("format", .scalar("npy")), ("path", .scalar("x"))])])] }
    let changed = values.compactMap { value in
      try? configuration(tree.setting(key.path, to: value).written().yaml)
    }.filter { Self.description($0) != Self.description(before) }
    #expect(!changed.isEmpty, "nothing reads \(key.name)")
    let settings = Self.settings(before)
    let isSetting = changed.contains { Self.settings($0) != settings }
    #expect(isSetting == !Self.isAside(key.name), "\(key.name)")
  }

  /// Each stage by the section that is about it, and no other stage by it.
  @Test(arguments: [
    ("pairs.maxEventsPerUser", "2048", StageName.pairs), ("align.steps", "9", .align),
    ("behavior.epochs", "9", .behavior),
    ("represent.dimensions", "9", .represent), ("quantize.iterations", "9", .quantize),
    ("resolve.suffixCapacity", "9", .resolve), ("publish.keepGenerations", "9", .publish),
    ("train.epochs", "9", .train),
    ("report.buckets", "9", .report), ("catalog.limits.recordBytes", "2048", .catalog),
    ("catalog.limits.imagePixels", "2048", .encode), ("encode.text.dimensions", "9", .encode),
  ])
  func aSettingIsOneStagesOwn(name: String, value: String, stage: StageName) throws {
    let tree = PipelineTree.complete
    let before = Self.settings(try configuration(tree.written().yaml))
    let path = name.split(separator: ".").map(String.init)
    let after = Self.settings(try configuration(tree.setting(path, to: .scalar(value)).written().yaml))
    let changed = StageName.allCases.filter { before[$0] != after[$0] }
    // Pairs' window of events is the recommender's too, where that has none of its own; an aligner makes its vectors as
    // long as they are to be.
    let more: [String: [StageName]] = [
      "pairs.maxEventsPerUser": [.pairs, .train], "represent.dimensions": [.align, .represent],
    ]
    #expect(changed == more[name] ?? [stage])
  }

  @Test func onePipelinesSeedIsEveryStagesUnlessItHasItsOwn() throws {
    let tree = PipelineTree.complete
    let before = Self.settings(try configuration(tree.written().yaml))
    let after = Self.settings(try configuration(tree.setting(["seed"], to: .scalar("9")).written().yaml))
    #expect(
      StageName.allCases.filter { before[$0] != after[$0] } == [.pairs, .align, .behavior, .quantize, .train])
    var own = tree
    for section in ["align", "behavior", "quantize", "train"] {
      own = own.setting([section, "seed"], to: .scalar("5"))
    }
    let fixed = Self.settings(try configuration(own.written().yaml))
    let moved = Self.settings(try configuration(own.setting(["seed"], to: .scalar("9")).written().yaml))
    #expect(StageName.allCases.filter { fixed[$0] != moved[$0] } == [.pairs])
  }
}

extension PipelineTree {
  /// Without a key of the top level.
  func without(_ key: String) -> PipelineTree {
    guard case .section(let pairs) = self else { return self }
    return .section(pairs.filter { $0.key != key })
  }
}
