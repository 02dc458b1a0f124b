import Foundation
import ItemCatalog
import PipelineEngine
import Recommenders
import Testing

/// The keys of `finetune`.
@Suite struct FinetuneSectionTests {
  /// Line 9 is the section's.
  private static func yaml(_ section: String, train: String = "train: {}") -> String {
    """
    name: a
    catalog: { items: x.jsonl, interactions: log.csv }
    encode: { text: {} }
    represent: {}
    quantize: {}
    resolve: {}
    publish: {}
    \(train)
    finetune: \(section)
    """
  }

  private static func finetune(_ section: String) throws -> PipelineConfiguration.Finetune {
    try #require(try configuration(yaml(section)).finetune)
  }

  @Test func withoutKeysTheDefaultsHold() throws {
    let finetune = try Self.finetune("{}")
    #expect(finetune.cycles == 1 && finetune.epochs == nil && finetune.seeds == 2 && finetune.firstEpochs == nil)
    #expect(finetune.tuning == CodeTuning.Parameters())
    #expect(finetune.gate == TuningGate.Parameters())
  }

  @Test func thePipelineWithoutTheSectionHasNone() throws {
    let yaml = Self.yaml("{}").replacingOccurrences(of: "\nfinetune: {}", with: "")
    #expect(try configuration(yaml).finetune == nil)
  }

  @Test func everyKeyIsRead() throws {
    let finetune = try Self.finetune(
      """
      { cycles: 3, firstEpochs: 6, epochs: 4, seeds: 5, steps: 60, learningRate: 0.5, temperature: 7, seed: 8,
        alignerLearningRate: 0.25,
        weights: { recommender: 9, commitment: 10, reconstruction: 11, evenness: 12, anchor: 13,
          contrast: 14 },
        gate: { minimumGain: 14, maximumChurn: 0.15, maximumCollisionIncrease: 0.16, minimumUtilizationRatio: 0.17 } }
      """)
    #expect(finetune.cycles == 3 && finetune.epochs == 4 && finetune.seeds == 5 && finetune.firstEpochs == 6)
    #expect(finetune.tuning.steps == 60 && finetune.tuning.learningRate == 0.5)
    #expect(finetune.tuning.temperature == 7 && finetune.tuning.seed == 8)
    #expect(finetune.tuning.representationLearningRate == 0.25 && !finetune.tunesAligner)
    let weights = finetune.tuning.weights
    #expect(weights.recommender == 9 && weights.commitment == 10 && weights.reconstruction == 11)
    #expect(weights.evenness == 12 && weights.anchor == 13 && weights.contrast == 14)
    #expect(finetune.gate.minimumGain == 14 && finetune.gate.maximumChurn == 0.15)
    #expect(finetune.gate.maximumCollisionIncrease == 0.16 && finetune.gate.minimumUtilizationRatio == 0.17)
  }

  @Test func anAlignerCanBeTunedWhereVectorsMayMove() throws {
    func job(_ quantize: String, _ align: String) throws -> PipelineConfiguration {
      try configuration(
        Self.yaml("{ aligner: true }", train: "train: {}\npairs: {}" + align)
          .replacingOccurrences(of: "quantize: {}", with: "quantize: \(quantize)"))
    }
    #expect(try job("{}", "\nalign: {}").finetune?.tunesAligner == true)
    #expect(try job("{ neighbors: {} }", "\nalign: {}").finetune?.tunesAligner == true)
    let mistakes = [
      ("{}", "", "finetune.aligner: there is no aligner to tune; add the section 'align'"),
      ("{ method: rq-vae }", "\nalign: {}", "finetune.aligner: the codes of rq-vae are of its own vectors"),
    ]
    for (quantize, align, expected) in mistakes {
      let error = #expect(throws: PipelineError.self) { try job(quantize, align) }
      #expect(error?.code == .invalidData && error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }
  }

  @Test func thePipelinesSeedIsItsOwnUnlessItHasOne() throws {
    let job = try configuration("seed: 77\n" + Self.yaml("{}"))
    #expect(job.finetune?.tuning.seed == 77)
  }

  private static let mistakes: [(section: String, expected: String)] = [
    ("{ epoch: 3 }", "/jobs/job.yaml:9: unknown key 'epoch' in 'finetune'; did you mean 'epochs'?"),
    (
      "{ gate: { minimumgain: 3 } }",
      "/jobs/job.yaml:9: unknown key 'minimumgain' in 'finetune.gate'; did you mean 'minimumGain'?"
    ),
    ("{ weights: { ankor: 3 } }", "unknown key 'ankor' in 'finetune.weights'; did you mean 'anchor'?"),
    ("{ cycles: 0 }", "/jobs/job.yaml:9: finetune.cycles: expected a whole number from 1 to 100, found '0'"),
    ("{ seeds: 101 }", "finetune.seeds: expected a whole number from 1 to 100, found '101'"),
    ("{ steps: 0 }", "finetune.steps: expected a whole number from 1 to 1000000, found '0'"),
    ("{ learningRate: 2 }", "finetune.learningRate: expected a number from"),
    ("{ temperature: 0 }", "finetune.temperature: expected a number from"),
    ("{ weights: { anchor: -1 } }", "finetune.weights.anchor: expected a number from 0.0 to 1000.0, found '-1'"),
    ("{ gate: { maximumChurn: 1.5 } }", "finetune.gate.maximumChurn: expected a number from 0.0 to 1.0, found '1.5'"),
    ("{ gate: { minimumGain: nan } }", "finetune.gate.minimumGain: expected a number from 0.0 to 1000.0, found 'nan'"),
    ("3", "/jobs/job.yaml:9: finetune: expected a section with cycles, firstEpochs, epochs, seeds, steps"),
  ]

  @Test(arguments: mistakes)
  func mistakesAreNamedWithTheirLine(section: String, expected: String) {
    let text = message(Self.yaml(section))
    #expect(text.contains(expected), "\(text)")
  }

  @Test func theRecommenderIsNeeded() {
    #expect(
      message(Self.yaml("{}", train: "report: {}"))
        == "/jobs/job.yaml:9: 'finetune' tunes by a recommender's gradients: add the section 'train'")
  }

  @Test func onlyTheOnePositionBackboneCanTuneCodes() {
    #expect(
      message(Self.yaml("{}", train: "train: { backbone: encoder-decoder }"))
        == "/jobs/job.yaml:9: 'finetune' works through the one-position backbone: set train.backbone to one-position")
  }

  @Test func aRecommenderThatChoosesByPrefixesCannotTuneCodes() {
    #expect(
      message(Self.yaml("{}", train: "train: { prefixOutputs: true }"))
        == "/jobs/job.yaml:9: 'finetune' works through what codes say: leave train.prefixOutputs out")
  }
}

/// `align.components`, which images have a default for.
@Suite struct AlignComponentsTests {
  private static func align(_ section: String, encode: String) throws -> PipelineConfiguration.Align {
    let yaml = """
      name: a
      catalog: { items: x.jsonl, interactions: log.csv }
      encode: \(encode)
      pairs: {}
      align: \(section)
      represent: {}
      """
    return try #require(try configuration(yaml).align)
  }

  private static let texts = "{ text: {} }"
  private static let both = "{ text: {}, image: {} }"

  @Test func imagesAreReducedUnlessTheSectionSaysOtherwise() throws {
    #expect(try Self.align("{}", encode: Self.both).components == [.image: 64])
    #expect(try Self.align("{ components: { image: 32 } }", encode: Self.both).components == [.image: 32])
    #expect(try Self.align("{ components: { text: 96 } }", encode: Self.both).components == [.image: 64, .text: 96])
  }

  @Test func aPipelineOfTextsHasNoDefault() throws {
    #expect(try Self.align("{}", encode: Self.texts).components.isEmpty)
    #expect(try Self.align("{ components: { text: 16 } }", encode: Self.texts).components == [.text: 16])
  }

  /// Its fingerprint is that of before the key: nothing of a pipeline that has no images is trained anew.
  @Test func theFingerprintOfTextsDoesNotMentionThem() throws {
    let inputs = try Self.align("{}", encode: Self.texts).stageInputs
    #expect(inputs.map(\.name) == ["align.shape", "align.training", "align.validationShare", "align.itemLimit"])
    #expect(!inputs.contains { $0.value.contains("components") })
  }

  @Test func theFingerprintOfImagesHasThemByName() throws {
    let inputs = try Self.align("{ components: { text: 96 } }", encode: Self.both).stageInputs
    #expect(
      inputs.suffix(2) == [
        StageInput(name: "align.components.image", value: "64"), StageInput(name: "align.components.text", value: "96"),
      ])
    let written = try Self.align("{ components: { image: 64 } }", encode: Self.both).stageInputs
    #expect(try Self.align("{}", encode: Self.both).stageInputs == written)
  }

  @Test func countsHaveARange() {
    let text = message(
      "name: a\ncatalog: { items: x.jsonl, interactions: l.csv }\nencode: { text: {} }\npairs: {}\nrepresent: {}\n"
        + "align: { components: { text: 0, imge: 3 } }\n")
    #expect(text.contains("align.components.text: expected a whole number from 1 to 65536, found '0'"), "\(text)")
    #expect(text.contains("unknown key 'imge' in 'align.components'; did you mean 'image'?"), "\(text)")
  }
}
