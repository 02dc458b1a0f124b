import PipelineEngine
import Testing

/// What one section of a pipeline file says against another, word by word and at its line.
@Suite struct CrossCheckTests {
  /// Sections begin at line 9, `encode` is line 3, `pairs` 4 and `quantize` 6.
  private static func found(
    _ sections: String = "", encode: String = "{ text: {} }", pairs: String = "", quantize: String = ""
  ) -> String {
    message(
      """
      name: a
      catalog: { items: x, interactions: y }
      encode: \(encode)
      pairs: \(pairs)
      represent:
      quantize: \(quantize)
      resolve:
      publish:
      \(sections)
      """)
  }

  @Test func thePipelineWithoutMistakesIsOne() {
    #expect(Self.found() == "no error")
    #expect(Self.found("align:\nbehavior:\ntrain:\npreference:\nfinetune:\nreport:") == "no error")
  }

  private static let trainable = "/jobs/job.yaml:11: align.text.trainable: "

  @Test(arguments: ["some", "last:0", "last:-1", "last:x", "last:1:2", "LAST:1", "\"last:\"", "\"last: 2\"", "Head"])
  func aDepthThatIsNoneIsToldWithThoseThereAre(word: String) {
    let shown = word.filter { $0 != "\"" }
    #expect(
      Self.found("align:\n  text:\n    trainable: \(word)")
        == Self.trainable + "expected head, all, or last:N for the last N layers, found '\(shown)'")
  }

  private static let encoders = [
    ("{ text: {} }", "is built in"), ("{ text: { model: builtin, dimensions: 8 } }", "is built in"),
    ("{ text: { command: [program] } }", "is another program"), ("{ image: {} }", "is missing"),
    ("{ text: [ { when: { script: Arabic }, model: folder }, { model: other } ] }", "is a list of rules"),
  ]

  @Test(arguments: encoders) func onlyAPretrainedEncoderIsTuned(encode: String, reason: String) {
    for word in ["all", "last:3"] {
      #expect(
        Self.found("align:\n  text:\n    trainable: \(word)", encode: encode)
          == Self.trainable + "'\(word)' tunes one pretrained text encoder, but encode.text \(reason); give it the "
          + "'model' of one, or leave 'trainable' at head")
    }
    #expect(Self.found("align:\n  text:\n    trainable: head", encode: encode) == "no error")
  }

  @Test func aRateOfAnEncoderNeedsOneThatLearns() {
    let pretrained = "{ text: { model: folder } }"
    #expect(
      Self.found("align:\n  steps: 9\n  encoderRate: 0.0001", encode: pretrained)
        == "/jobs/job.yaml:11: align.encoderRate: no encoder learns; set align.text.trainable, or leave the rate out")
    #expect(
      Self.found("align: { text: { trainable: \"last:2\" }, encoderRate: 0.0001 }", encode: pretrained) == "no error")
  }

  @Test(arguments: ["pooling: mean", "temperature: 0.1", "negatives: 5", "frequencyCorrection: 0.5"])
  func aKeyOfTwoTowersIsNoneOfTheOtherModel(key: String) {
    let name = key.prefix { $0 != ":" }
    #expect(
      Self.found("behavior:\n  \(key)")
        == "/jobs/job.yaml:10: behavior.\(name) is of the two-tower model: remove it, or add 'model: two-tower'")
    #expect(Self.found("behavior:\n  \(key)\n  model: two-tower") == "no error")
  }

  @Test(arguments: ["layers: 2", "heads: 2"]) func aKeyOfTheOtherModelIsNoneOfTwoTowers(key: String) {
    let name = key.prefix { $0 != ":" }
    #expect(
      Self.found("behavior:\n  \(key)\n  model: two-tower")
        == "/jobs/job.yaml:10: behavior.\(name) is of the model sasrec: remove it, or 'model: two-tower'")
    #expect(Self.found("behavior:\n  \(key)\n  model: sasrec") == "no error")
  }

  @Test(arguments: ["{}", "{ leaveLast: 1, fraction: 0.5 }", "{ until: 5, fraction: 0.5 }"])
  func aWindowIsOneOfThree(window: String) {
    #expect(
      Self.found("train:\n  epochs: 3\n  window: \(window)")
        == "/jobs/job.yaml:11: train.window: expected exactly one of leaveLast, until and fraction")
    #expect(
      Self.found(pairs: "{ window: \(window) }")
        == "/jobs/job.yaml:4: pairs.window: expected exactly one of leaveLast, until and fraction")
  }

  @Test(arguments: ["{ leaveLast: 0 }", "{ until: -5 }", "{ fraction: 0.999 }"])
  func eachWindowIsTakenAlone(window: String) {
    #expect(Self.found("train: { window: \(window) }", pairs: "{ window: \(window) }") == "no error")
  }

  private static let quantizers = [
    ("{ method: rq-vae, iterations: 3 }", "iterations: rq-vae has none; set quantize.autoencoder.epochs instead"),
    (
      "{ autoencoder: {} }",
      "autoencoder: the method 'residual-kmeans' has none; write method: rq-vae or remove it"
    ),
    (
      "{ method: balanced, autoencoder: {} }",
      "autoencoder: the method 'balanced' has none; write method: rq-vae or remove it"
    ),
    (
      "{ method: rq-vae, autoencoder: { latentDimensions: 0, hidden: [4] } }",
      "autoencoder: hidden layers need latentDimensions above 0; 0 quantizes the vectors themselves"
    ),
  ]

  @Test(arguments: quantizers) func aQuantizersKeysAreThoseOfItsMethod(quantize: String, expected: String) {
    #expect(Self.found(quantize: quantize) == "/jobs/job.yaml:6: quantize." + expected)
  }

  @Test func sessionsAreNoLongerThanWhatIsLearnedToBeWritten() {
    #expect(
      Self.found("train:\npreference:\n  users: 9\n  sessionItems: 3")
        == "/jobs/job.yaml:12: preference.sessionItems: sessions of 3 items, and the recommender learns to write 1 one "
        + "behind another; set train.targetItems to 3, with 'backbone: encoder-decoder', or ask for fewer")
    let writer = "train: { backbone: encoder-decoder, targetItems: 3 }\n"
    #expect(Self.found(writer + "preference: { sessionItems: 3 }") == "no error")
    #expect(Self.found(writer + "preference: { sessionItems: 4 }").contains("learns to write 3 one behind another"))
  }
}
