import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// Nights whose vectors come from a model folder or from another program.
@Suite struct EncoderSourceTests {
  /// A vector of letter counts; the model's name is the program's argument.
  private static let worker = #"""
    import json, struct, sys
    name = sys.argv[1]
    sys.stdout.buffer.write(json.dumps({"dimensions": 8, "model": name}).encode() + b"\n")
    sys.stdout.buffer.flush()
    for line in sys.stdin:
        item = json.loads(line)
        values = [1 + (item["text"] or "").count(letter) for letter in "aeiorstn"]
        sys.stdout.buffer.write(struct.pack("<8f", *values))
        sys.stdout.buffer.flush()
    """#

  private func fixture(_ folder: String, text: String) throws -> PipelineFixture {
    try Self.worker.write(toFile: folder + "/worker.py", atomically: true, encoding: .utf8)
    var fixture = PipelineFixture(folder: folder)
    fixture.text = text
    return fixture
  }

  private func text(worker name: String, version: String = "1") -> String {
    "{ command: [python3, worker.py, \(name)], version: \(version) }"
  }

  @Test func aWorkersVectorsBecomeIDsAndStayInTheCache() throws {
    try withTemporaryDirectory { folder in
      var fixture = try fixture(folder, text: text(worker: "one"))
      let first = try fixture.run()
      #expect(first.stages.first { $0.stage == .encode }?.metrics["encoded"] == 60)
      let before = try fixture.records()
      #expect(before.count == 60)
      fixture.set("item-3", "a sentence about something else")
      let second = try fixture.run()
      #expect(second.stages.first { $0.stage == .encode }?.metrics["encoded"] == 1)
      let after = try fixture.records()
      #expect(before.count { after[$0.key]?.semanticID != $0.value.semanticID } <= 1)
    }
  }

  @Test func anotherProgramIsAnotherEncoder() throws {
    try withTemporaryDirectory { folder in
      var fixture = try fixture(folder, text: text(worker: "one"))
      try fixture.run()
      fixture.text = text(worker: "one", version: "2")
      #expect(try fixture.plan()[.encode]?.reason.contains("version") == true)
      let rerun = try fixture.run()
      #expect(rerun.stages.first { $0.stage == .encode }?.metrics["encoded"] == 60)
    }
  }

  /// The command stays, but what it runs has another model: only the header tells.
  @Test func aWorkerWithAnotherModelIsRefusedUntilEverythingIsFittedAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = try fixture(folder, text: text(worker: "one"))
      try fixture.run()
      let generations = try fixture.generations()
      let other = Self.worker.replacingOccurrences(of: "name = sys.argv[1]", with: "name = 'other'")
      try other.write(toFile: folder + "/worker.py", atomically: true, encoding: .utf8)
      fixture.set("item-3", "a sentence about something else")
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains("--force encode") == true)
      #expect(try fixture.generations() == generations)
      try fixture.run(force: .encode)
      #expect(try fixture.generations().count == generations.count + 1)
    }
  }

  /// Bytes that nobody asked for mean that vectors may have gone to the wrong items: none stays in the cache.
  @Test func vectorsOfAWorkerThatBrokeTheProtocolAreNotUsedAgain() throws {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, text: text(worker: "one"))
      let broken = Self.worker + "\nsys.stdout.buffer.write(b'stray')\nsys.stdout.buffer.flush()\n"
      try broken.write(toFile: folder + "/worker.py", atomically: true, encoding: .utf8)
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.code == .invalidData)
      try Self.worker.write(toFile: folder + "/worker.py", atomically: true, encoding: .utf8)
      let encode = try fixture.run().stages.first { $0.stage == .encode }
      #expect(encode?.metrics["encoded"] == 60)
      #expect(encode?.metrics["fromCache"] == 0)
    }
  }

  @Test func aWorkerThatCannotStartEndsTheNightAndNamesTheCommand() throws {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, text: "{ command: [no-such-program-here] }")
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains("no-such-program-here") == true)
    }
  }

  @Test func aMissingModelFolderIsNamedWithWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, text: "{ model: models/none }")
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains(folder + "/models/none") == true)
      #expect(error?.message.contains("tessera models fetch") == true)
      #expect(error?.code == .inputMissing)
    }
  }

  @Test func aModelThatCanBeFetchedComesWithTheCommand() throws {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, text: "{ model: \"models/all-MiniLM-L6-v2\" }")
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains("tessera models fetch all-minilm-l6-v2 --to '\(folder)/models'") == true)
    }
  }

  @Test(arguments: ["model: builtin", "precision: f16", "prefix: x", "dimensions: 8"])
  func aCommandExcludesWhatIsSaidOfAModel(setting: String) throws {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, text: "{ command: [python3], \(setting) }")
      let error = #expect(throws: PipelineError.self) { try fixture.pipeline() }
      #expect(error?.message.contains("exclude each other") == true)
    }
  }

  @Test func aPretrainedModelsVectorsBecomeIDs() throws {
    let model = URL(fileURLWithPath: #filePath)
      .appending(path: "../../ItemEncodersTests/Fixtures/text-model").standardizedFileURL.path
    try withTemporaryDirectory { folder in
      try FileManager.default.copyItem(atPath: model, toPath: folder + "/model")
      var fixture = try fixture(folder, text: "{ model: model, prefix: \"a \" }")
      try fixture.run()
      #expect(try fixture.records().count == 60)
      #expect(try fixture.plan().values.allSatisfy { $0.action == .skip || $0.action == .absent })
      fixture.text = "{ model: model, prefix: \"b \" }"
      #expect(try fixture.plan()[.encode]?.action == .run)
    }
  }

  /// The folder stays, the configuration stays, what lies in it is another model.
  @Test func otherWeightsInTheSameFolderFitEverythingAnew() throws {
    let model = URL(fileURLWithPath: #filePath)
      .appending(path: "../../ItemEncodersTests/Fixtures/text-model").standardizedFileURL.path
    try withTemporaryDirectory { folder in
      try FileManager.default.copyItem(atPath: model, toPath: folder + "/model")
      let fixture = try fixture(folder, text: "{ model: model }")
      try fixture.run()
      let weights = URL(fileURLWithPath: folder + "/model/model.safetensors")
      var bytes = try Data(contentsOf: weights)
      bytes[bytes.count - 2] ^= 0x20
      try bytes.write(to: weights)
      #expect(try fixture.plan()[.encode]?.reason.contains("fingerprint changed") == true)
      let summary = try fixture.run()
      #expect(summary.stages.first { $0.stage == .encode }?.metrics["encoded"] == 60)
      let data = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/manifest.json"))
      let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let reason = (json["night"] as? [String: Any])?["reason"] as? String
      #expect(reason == "the text encoder's code or weights changed")
      #expect(try fixture.generations() == [1, 2])
      #expect(try fixture.plan().values.allSatisfy { $0.action != .run })
    }
  }
}
