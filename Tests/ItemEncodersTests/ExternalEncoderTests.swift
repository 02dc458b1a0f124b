import Foundation
import ItemCatalog
import ItemEncoders
import Synchronization
import TensorMath
import TestSupport
import Testing

@Suite struct ExternalEncoderTests {
  @Test func aWorkerIsAnEncoderLikeAnyOther() throws {
    var items = numberedItems(600)
    items[7].text = " \n"
    items[7].title = ""
    let encoder = try ExternalEncoder(helperSettings("ok"))
    #expect(encoder.dimensions == 4 && encoder.model == "test")
    try checkConformance(encoder, items: items, absent: [7])
  }

  @Test(arguments: [1, 3, 256, 10_000])
  func vectorsComeInOrderWhateverTheWindow(window: Int) throws {
    var settings = helperSettings("ok")
    settings.window = window
    let encoder = try ExternalEncoder(settings)
    expectNumbered(try encoder.encode(numberedItems(1500)))
    expectNumbered(try encoder.encode(numberedItems(30, from: 900)), from: 900)
    try encoder.finish()
  }

  @Test func textsLargerThanAPipeAndFullOfQuotesArrive() throws {
    let encoder = try ExternalEncoder(helperSettings("ok"))
    let items = (0..<20).map { index in
      Item(
        id: "\"\\\u{1}\n\u{1F600}\(index)", title: String(repeating: "\"\\\t\u{7}é", count: 60_000), text: "\(index)")
    }
    expectNumbered(try encoder.encode(items))
    try encoder.finish()
  }

  @Test func itemsWithoutAnImageAreNeverSent() throws {
    let encoder = try ExternalEncoder(helperSettings("ok", modality: .image))
    var items = numberedItems(4)
    items[0].imagePath = "/a.jpg"
    items[2].image = "gone.jpg"
    items[3].imagePath = "/b.jpg"
    let batch = try encoder.encode(items)
    #expect(batch.isPresent == [true, false, false, true])
    #expect(batch.failures.map(\.index) == [2] && batch.failures[0].reason.contains("gone.jpg"))
    expectNumbered(batch, except: [1, 2])
    try encoder.finish()
  }

  @Test func theTemplateMakesTheText() throws {
    var settings = helperSettings("ok")
    settings.template = try TextTemplate("{title}{text}")
    let encoder = try ExternalEncoder(settings)
    let batch = try encoder.encode([Item(id: "a", title: "1", text: "2")])
    #expect(abs(batch.vectors[0, 0] - expectedVector(12)[0]) < 1e-6)
    try encoder.finish()
  }

  @Test func whatAVectorDependsOnIsInTheFingerprint() throws {
    let base = helperSettings("ok")
    var variants = [base, helperSettings("noise"), helperSettings("ok", modality: .image), base, base]
    variants[3].version = "2"
    variants[4].template = try TextTemplate("{title}")
    var split = base
    split.command = [workerHelper, "ok", "a b"]
    var joined = base
    joined.command = [workerHelper, "ok", "a", "b"]
    let fingerprints = try (variants + [split, joined]).map { try ExternalEncoder($0).fingerprint }
    #expect(Set(fingerprints).count == 7)
    var irrelevant = base
    irrelevant.window = 3
    irrelevant.answerTimeout = .seconds(5)
    irrelevant.restarts = 0
    #expect(try ExternalEncoder(irrelevant).fingerprint == fingerprints[0])
  }

  @Test func standardErrorIsHandedOnLineByLineWithoutControlCharacters() throws {
    let log = LogLines()
    let encoder = try ExternalEncoder(helperSettings("noise"), log: log.append)
    expectNumbered(try encoder.encode(numberedItems(400)))
    try encoder.finish()
    #expect(log.all.count { $0.hasPrefix("warning ") } == 400, "2.4 MB of it, more than any pipe holds")
    #expect(log.all.allSatisfy { $0.utf8.count < 4200 && !$0.contains("\u{1B}") })
    #expect(log.all.contains("\u{FFFD}\u{FFFD}"))
  }

  @Test func theFolderIsWhereTheProgramRuns() throws {
    try withTemporaryDirectory { folder in
      var settings = helperSettings("ok")
      settings.command = ["sh", "-c", "pwd >&2; exec \(workerHelper) ok"]
      settings.folder = folder
      let log = LogLines()
      let encoder = try ExternalEncoder(settings, log: log.append)
      _ = try encoder.encode(numberedItems(1))
      try encoder.finish()
      let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
      #expect(log.all == [real])
    }
  }

  @Test func theWorkerAndItsChildrenEndWithTheEncoder() throws {
    var settings = helperSettings("ok")
    settings.command = ["sh", "-c", "sleep 1000 & echo $$ $! >&2; exec \(workerHelper) ok"]
    let log = LogLines()
    var encoder: ExternalEncoder? = try ExternalEncoder(settings, log: log.append)
    _ = try encoder?.encode(numberedItems(3))
    let pids = (log.all.first ?? "").split(separator: " ").compactMap { Int32($0) }
    #expect(pids.count == 2 && pids.allSatisfy(isAlive))
    encoder = nil
    let deadline = Date(timeIntervalSinceNow: 10)
    while pids.contains(where: isAlive), Date() < deadline { usleep(10_000) }
    #expect(!pids.contains(where: isAlive))
  }

  @Test func aWorkerThatDoesNotEndIsKilled() throws {
    var settings = helperSettings("lingers")
    settings.stopTimeout = .milliseconds(200)
    let log = LogLines()
    let encoder = try ExternalEncoder(settings, log: log.append)
    expectNumbered(try encoder.encode(numberedItems(5)))
    try encoder.finish()
    #expect(log.all.contains { $0.contains("did not end") })
  }

  @Test func waitingStopsWhenAsked() throws {
    let flag = StopFlag()
    let encoder = try ExternalEncoder(helperSettings("hang"), isCancelled: { flag.isSet })
    Thread.detachNewThread {
      usleep(200_000)
      flag.set()
    }
    let error = encoderError { _ = try encoder.encode(numberedItems(100)) }
    #expect(error?.code == .cancelled)
  }
}

private let environment = ProcessInfo.processInfo.environment

@Suite struct ExampleWorkerTests {
  /// `TESSERA_PYTHON` names a Python with sentence-transformers, `TESSERA_MODELS` a folder with all-MiniLM-L6-v2.
  @Test(.enabled(if: environment["TESSERA_PYTHON"] != nil && environment["TESSERA_MODELS"] != nil))
  func theSentenceTransformersExampleIsAWorker() throws {
    let python = try #require(environment["TESSERA_PYTHON"])
    let model = try #require(environment["TESSERA_MODELS"]) + "/all-MiniLM-L6-v2"
    let encoder = try ExternalEncoder(
      ExternalEncoder.Settings(
        command: [python, worker("sentence_transformers_worker.py"), "--model", model], modality: .text))
    #expect(encoder.dimensions == 384 && encoder.model.hasPrefix("all-MiniLM-L6-v2 53aa51172d142c89"))
    try expectVectorsOfTheirOwn(encoder)
  }

  private func worker(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("tools/workers/" + name).path
  }

  /// An item's vector must not depend on the items beside it.
  private func expectVectorsOfTheirOwn(_ encoder: ExternalEncoder) throws {
    let items = (0..<700).map {
      Item(id: "\($0)", text: "a scarf of \($0) threads" + String(repeating: ", red", count: $0 % 9))
    }
    let batch = try encoder.encode(items)
    #expect(batch.isPresent.allSatisfy { $0 } && batch.failures.isEmpty)
    for row in [0, 350, 699] {
      let alone = try encoder.encode([items[row]]).vectors.row(0)
      let cosine = zip(alone, batch.vectors.row(row)).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(cosine > 0.99999, "row \(row)")
    }
    try encoder.finish()
  }

  /// A model that looks token embeddings up, written as ONNX.
  private static let embeddings = """
    import sys
    import numpy as np, onnx
    from onnx import TensorProto, helper, numpy_helper
    table = np.random.default_rng(1).normal(size=(70000, 6)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["states"])], "embeddings",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "tokens"])],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", "tokens", 6])],
        [numpy_helper.from_array(table, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, sys.argv[1])
    """

  /// `TESSERA_WORKER_PYTHON` names a Python with onnx, onnxruntime and tokenizers.
  @Test(.enabled(if: environment["TESSERA_WORKER_PYTHON"] != nil))
  func theONNXExampleIsAWorker() throws {
    let python = try #require(environment["TESSERA_WORKER_PYTHON"])
    let tokenizer = try #require(
      Bundle.module.url(forResource: "tokenizer", withExtension: "json", subdirectory: "Fixtures/text-model"))
    try withTemporaryDirectory { folder in
      let maker = Process()
      maker.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      maker.arguments = [python, "-c", Self.embeddings, folder + "/model.onnx"]
      try maker.run()
      maker.waitUntilExit()
      try #require(maker.terminationStatus == 0)
      let encoder = try ExternalEncoder(
        ExternalEncoder.Settings(
          command: [python, worker("onnx_worker.py"), "text", folder + "/model.onnx", "--tokenizer", tokenizer.path],
          modality: .text))
      #expect(encoder.dimensions == 6)
      try expectVectorsOfTheirOwn(encoder)
    }
  }
}

private final class StopFlag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}
