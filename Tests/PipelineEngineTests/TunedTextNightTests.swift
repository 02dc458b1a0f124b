import Foundation
import ItemCatalog
import ItemEncoders
import PipelineEngine
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Nights whose text encoder is tuned with the aligner.
@Suite("Nights with a tuned text encoder")
struct TunedTextNightTests {
  private static func section(_ keys: String = "text: { trainable: last:1 }, encoderRate: 0.02") -> String {
    "{ steps: 20, batch: 64, width: 16, heads: 2, layers: 1, validationShare: 0.001, \(keys) }"
  }

  /// Words of one letter, which are all that the model knows.
  private static func sentence(_ seed: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    return (0..<7).map { String(letters[(seed * 5 + $0 * (seed % 7 + 3)) % letters.count]) }.joined(separator: " ")
  }

  private static func fixture(_ folder: String, align: String = section(), quantize: String? = nil) throws
    -> PairsFixture
  {
    let model = URL(fileURLWithPath: #filePath)
      .appending(path: "../../ItemEncodersTests/Fixtures/text-model").standardizedFileURL.path
    try FileManager.default.copyItem(atPath: model, toPath: folder + "/model")
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.text = "{ model: model }"
    for index in 0..<60 { fixture.pipeline.set("item-\(index)", sentence(index)) }
    if let quantize { fixture.pipeline.quantize = quantize }
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }\nalign: \(align)\nreport: {}"
    return fixture
  }

  private static func metrics(_ summary: RunSummary) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == .align }).metrics
  }

  private static func tunedFingerprint(_ folder: String) throws -> String? {
    let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
    let current = try store.currentGeneration()
    return try store.generations().first { $0.generation == current }?.artifacts["tuned.text"]
  }

  /// The vectors that the align stage left, and what the tuned encoder makes of the items it is of.
  private static func checkVectors(_ folder: String, of ids: [String], _ fixture: PairsFixture) throws {
    let fingerprint = try #require(try tunedFingerprint(folder))
    let weights = try TunedTextWeights(contentsOf: folder + "/work/models/\(fingerprint).safetensors")
    let encoder = try PretrainedTextEncoder(folder: folder + "/model", tuned: weights)
    #expect(encoder.fingerprint == fingerprint)
    let items = ids.map { Item(id: $0, title: $0, text: fixture.pipeline.items[$0] ?? "") }
    let wanted = try encoder.encode(items).vectors.elements
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/align/text.f32"))
    let start = bytes.count - 4 * wanted.count
    let found = bytes.withUnsafeBytes { bytes in
      wanted.indices.map { bytes.loadUnaligned(fromByteOffset: start + 4 * $0, as: Float.self) }
    }
    #expect(found.count == wanted.count)
    expectClose(found, wanted, tolerance: 1e-6)
    let untuned = try PretrainedTextEncoder(folder: folder + "/model").encode(items).vectors.elements
    #expect(zip(found, untuned).contains { abs($0 - $1) > 1e-3 })
  }

  @Test func textsAreEncodedWithTheWeightsThatWereTuned() throws {
    try withTemporaryDirectory { folder in
      let fixture = try Self.fixture(folder)
      let metrics = try Self.metrics(try fixture.run())
      #expect(metrics["steps"] == 20 && metrics["textsEncoded"] == 60)
      #expect(try #require(metrics["tunedTensors"]) > 10)
      #expect(metrics["aligned.recall@10"] != nil)
      try Self.checkVectors(folder, of: fixture.pipeline.order, fixture)
    }
  }

  /// New texts of a later night go through the same tuned weights, and nothing else moves.
  @Test func laterNightsKeepTheTunedWeights() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder)
      _ = try fixture.run()
      let (before, fingerprint) = (try fixture.pipeline.records(), try Self.tunedFingerprint(folder))
      #expect(!ran(try fixture.run()).contains(.align))
      fixture.pipeline.set("item-3", "z y x w v u")
      fixture.pipeline.set("new-item", "q w e r t y")
      let metrics = try Self.metrics(try fixture.run())
      #expect(metrics["steps"] == nil && metrics["textsEncoded"] == 2)
      #expect(try Self.tunedFingerprint(folder) == fingerprint)
      try Self.checkVectors(folder, of: ["item-3", "new-item"], fixture)
      let after = try fixture.pipeline.records()
      #expect(after["new-item"] != nil)
      for (id, record) in before where id != "item-3" { #expect(after[id]?.semanticID == record.semanticID, "\(id)") }
    }
  }

  /// Codebooks that are trained anew need all items: their tuned vectors are in the cache, under a key of their own.
  @Test func refittedCodebooksTakeTunedVectorsFromTheCache() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder, quantize: "{ sizes: [8, 8], iterations: 5, refit: always }")
      _ = try fixture.run()
      fixture.pipeline.set("new-item", "q w e r t y")
      let metrics = try Self.metrics(try fixture.run())
      #expect(metrics["steps"] == nil && metrics["textsEncoded"] == 1)
      try Self.checkVectors(folder, of: fixture.pipeline.order, fixture)
    }
  }

  @Test func anotherDepthTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder)
      _ = try fixture.run()
      let fingerprint = try Self.tunedFingerprint(folder)
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(of: "last:1", with: "all")
      #expect(try Self.metrics(try fixture.run())["steps"] == 20)
      #expect(try Self.tunedFingerprint(folder) != fingerprint)
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(
        of: "text: { trainable: all }, encoderRate: 0.02", with: "")
      #expect(try Self.metrics(try fixture.run())["textsEncoded"] == nil)
      #expect(try Self.tunedFingerprint(folder) == nil)
    }
  }

  @Test func tunedWeightsThatAreGoneEndTheNight() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder)
      _ = try fixture.run()
      let fingerprint = try #require(try Self.tunedFingerprint(folder))
      try FileManager.default.removeItem(atPath: folder + "/work/models/\(fingerprint).safetensors")
      fixture.pipeline.set("new-item", "q w e r t y")
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains("tuned text encoder") == true)
      #expect(error?.message.contains("--force align") == true)
      #expect(try Self.metrics(try fixture.run(force: .align))["steps"] == 20)
    }
  }

  @Test(arguments: [
    ("{ model: builtin }", "text: { trainable: last:1 }", "encode.text is built in"),
    ("{ command: [python3] }", "text: { trainable: all }", "encode.text is another program"),
    ("[{ model: model }]", "text: { trainable: last:1 }", "encode.text is a list of rules"),
    ("{ model: model }", "text: { trainable: last:0 }", "expected head, all, or last:N"),
    ("{ model: model }", "text: { trainable: some }", "expected head, all, or last:N"),
    ("{ model: model }", "encoderRate: 0.1", "align.encoderRate: no encoder learns"),
    ("{ model: model }", "text: { trainable: last:9 }", "the model has 2"),
  ])
  func whatCannotBeTunedIsRefused(text: String, keys: String, expected: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder, align: Self.section(keys))
      fixture.pipeline.text = text
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
      #expect(error?.code == .invalidData)
    }
  }

  /// Generations from before there was anything to tune keep their aligner.
  @Test func sayingTheDefaultChangesNothing() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder, align: Self.section("text: { trainable: head }"))
      _ = try fixture.run()
      #expect(try Self.tunedFingerprint(folder) == nil)
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(of: "text: { trainable: head }", with: "")
      #expect(!ran(try fixture.run()).contains(.align))
    }
  }
}
