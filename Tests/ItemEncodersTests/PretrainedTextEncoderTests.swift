import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// A model folder in, vectors out: against transformers and tokenizers (tools/fixtures/text_models.py).
@Suite struct PretrainedTextEncoderTests {
  private struct Expected: Decodable {
    let texts: [String]
    let vectors: [[Float]]
  }

  static func folder(_ name: String = "text-model") throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
  }

  private func items(_ texts: [String]) -> [Item] {
    texts.enumerated().map { Item(id: "\($0)", title: "t", text: $1) }
  }

  @Test(arguments: ["text-model", "text-model-cls"])
  func vectorsEqualTheReference(name: String) throws {
    let folder = try Self.folder(name)
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json")))
    let encoder = try PretrainedTextEncoder(folder: folder)
    let batch = try encoder.encode(items(expected.texts))
    #expect(encoder.dimensions == 16 && encoder.maximumLength == 12)
    for (found, wanted) in zip(batch.vectors.elements, expected.vectors.joined()) {
      #expect(abs(found - wanted) < 1e-5)
    }
    for precision in [WeightPrecision.half, .brain] {
      let rounded = try PretrainedTextEncoder(folder: folder, precision: precision).encode(items(expected.texts))
      for row in 0..<expected.texts.count {
        let cosine = zip(rounded.vectors.row(row), expected.vectors[row]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(cosine > 0.999, "text \(row) in \(precision.rawValue): \(cosine)")
      }
    }
  }

  @Test func itConformsToWhatEveryEncoderKeeps() throws {
    var texts = (0..<90).map { "a b \($0 % 10) " + String(repeating: "c ", count: $0 % 14) }
    texts[4] = " \n"
    texts[33] = ""
    var shop = items(texts)
    for index in [4, 33] { shop[index].title = "" }
    try checkConformance(PretrainedTextEncoder(folder: Self.folder()), items: shop, absent: [4, 33])
  }

  @Test func oneAndTwoThreadsGiveTheSameBits() throws {
    let encoder = try PretrainedTextEncoder(folder: Self.folder())
    let shop = items((0..<300).map { "x \($0 % 7) y z" })
    let one = try withThreads(1) { try encoder.encode(shop) }
    let two = try withThreads(2) { try encoder.encode(shop) }
    #expect(one == two)
  }

  @Test func whatTheVectorsDependOnChangesTheFingerprint() throws {
    let folder = try Self.folder()
    let plain = try PretrainedTextEncoder(folder: folder)
    let template = try TextTemplate("{title} {text}")
    #expect(try plain.fingerprint == PretrainedTextEncoder.fingerprint(folder: folder))
    #expect(try plain.fingerprint != PretrainedTextEncoder.fingerprint(folder: folder, template: template))
    #expect(try plain.fingerprint != PretrainedTextEncoder.fingerprint(folder: folder, prefix: "query: "))
    #expect(try plain.fingerprint != PretrainedTextEncoder.fingerprint(folder: Self.folder("text-model-cls")))
  }

  /// Whatever folder modules.json names for it.
  @Test func thePoolingIsPartOfTheFingerprint() throws {
    try withTemporaryDirectory { directory in
      let copy = directory + "/model"
      try FileManager.default.copyItem(atPath: Self.folder(), toPath: copy)
      try FileManager.default.moveItem(atPath: copy + "/1_Pooling", toPath: copy + "/pool")
      try #"[{"type": "a.b.Pooling", "path": "pool"}]"#.write(
        toFile: copy + "/modules.json", atomically: true, encoding: .utf8)
      let mean = try PretrainedTextEncoder.fingerprint(folder: copy)
      try #"{"pooling_mode_cls_token": true}"#.write(
        toFile: copy + "/pool/config.json", atomically: true, encoding: .utf8)
      #expect(try PretrainedTextEncoder.fingerprint(folder: copy) != mean)
    }
  }

  @Test func aPrefixIsReadBeforeEveryText() throws {
    let folder = try Self.folder()
    let prefixed = try PretrainedTextEncoder(folder: folder, prefix: "q ").encode(items(["a b"]))
    let written = try PretrainedTextEncoder(folder: folder).encode(items(["q a b"]))
    #expect(prefixed.vectors == written.vectors)
  }

  @Test func aMillionBytesAreCutToTheModelsLength() throws {
    let encoder = try PretrainedTextEncoder(folder: Self.folder())
    let batch = try encoder.encode(items([String(repeating: "a b ", count: 250_000), "a b a b a b a b a b"]))
    #expect(batch.vectors.row(0).elementsEqual(batch.vectors.row(1)))
  }

  /// One file of a copy of the folder is replaced; nil deletes it.
  private func loadingFails(
    _ file: String, _ content: String?, _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try withTemporaryDirectory { directory in
      let copy = directory + "/model"
      try FileManager.default.copyItem(atPath: Self.folder(), toPath: copy)
      try FileManager.default.removeItem(atPath: copy + "/" + file)
      try content?.write(toFile: copy + "/" + file, atomically: true, encoding: .utf8)
      let error = #expect(throws: EncoderError.self, sourceLocation: sourceLocation) {
        try PretrainedTextEncoder(folder: copy)
      }
      for part in expected {
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func whatIsMissingOrUnknownIsNamed() throws {
    try loadingFails("config.json", nil, ["config.json"])
    try loadingFails("config.json", #"{"model_type": "t5"}"#, ["config.json", "t5", "bert"])
    try loadingFails("model.safetensors", nil, ["model.safetensors"])
    try loadingFails("model.safetensors", "garbage", ["model.safetensors"])
    try loadingFails("tokenizer.json", nil, ["tokenizer.json"])
    try loadingFails("tokenizer.json", #"{"model": {"type": "Odd", "vocab": {}}}"#, ["Odd"])
    try loadingFails("modules.json", #"[{"type": "a.b.Dense", "path": "2_Dense"}]"#, ["modules.json", "Dense"])
    try loadingFails("modules.json", #"[{"type": "a.b.Pooling", "path": "../.."}]"#, ["modules.json", "../.."])
    try loadingFails("modules.json", "{", ["modules.json"])
    try loadingFails(
      "1_Pooling/config.json", #"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}"#, ["exactly one"])
    try loadingFails("1_Pooling/config.json", #"{"pooling_mode_mean_sqrt_len_tokens": true}"#, ["sqrt"])
    try loadingFails("sentence_bert_config.json", #"{"max_seq_length": 0}"#, ["max_seq_length"])
  }

  @Test func aTokenBeyondTheVocabularyIsAFailureOfItsItem() throws {
    try withTemporaryDirectory { directory in
      let copy = directory + "/model"
      try FileManager.default.copyItem(atPath: Self.folder(), toPath: copy)
      let path = copy + "/tokenizer.json"
      let text = try String(contentsOfFile: path, encoding: .utf8).replacingOccurrences(
        of: "\"9\":39", with: "\"9\":39,\"#\":40")
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let batch = try PretrainedTextEncoder(folder: copy).encode(items(["a b", "a #", "9"]))
      #expect(batch.isPresent == [true, false, true])
      #expect(batch.failures.map(\.index) == [1])
    }
  }
}
