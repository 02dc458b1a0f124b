import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// Both sides of the worker protocol against each other: the program as a worker, driven as any other worker is.
@Suite struct WorkerCommandTests {
  private func sampleItems(_ folder: String, count: Int = 40) throws -> [Item] {
    #expect(try tessera("sample", "shop", "--items", "\(count)", "--users", "5", in: folder).status == 0)
    let images = folder + "/shop/images"
    return try FileManager.default.contentsOfDirectory(atPath: images).sorted().enumerated().map { index, name in
      Item(id: "\(index)", title: "Item \(index)", text: "text of \(name)", image: name, imagePath: images + "/" + name)
    }
  }

  private func worker(_ modality: Modality, _ model: String) -> ExternalEncoder.Settings {
    ExternalEncoder.Settings(
      command: [tesseraPath, "encode", "--worker", "--modality", modality.rawValue, "--model", model],
      modality: modality)
  }

  /// Unit vectors are scaled once more on the way, which may change a last bit.
  private func expectSame(_ batch: EncodedBatch, _ expected: EncodedBatch) {
    #expect(batch.isPresent == expected.isPresent)
    expectClose(Array(batch.vectors.elements), Array(expected.vectors.elements), tolerance: 1e-6)
  }

  @Test func theProgramAsAnImageWorkerAnswersAsItsOwnEncoder() throws {
    try withTemporaryDirectory { folder in
      var items = try sampleItems(folder)
      #expect(items.count > 20)
      try "no image".write(toFile: folder + "/broken.jpg", atomically: true, encoding: .utf8)
      items[3].imagePath = folder + "/broken.jpg"
      items[4].imagePath = folder + "/none.jpg"
      let encoder = try ExternalEncoder(worker(.image, "builtin"))
      #expect(encoder.dimensions == 256 && encoder.model.hasPrefix("builtin:image "))
      let batch = try encoder.encode(items)
      expectSame(batch, BuiltinImageEncoder().encode(items))
      #expect(batch.failures.map(\.index) == [3, 4])
      try encoder.finish()
    }
  }

  @Test func theProgramAsATextWorkerUsesAFittedEncoder() throws {
    try withTemporaryDirectory { folder in
      let items = (0..<300).map { Item(id: "\($0)", title: "Item \($0)", text: "wool scarf \($0 % 7) red \($0 % 13)") }
      var parameters = BuiltinTextEncoder.Parameters()
      (parameters.dimensions, parameters.sketchDimensions) = (16, 128)
      let fitted = try BuiltinTextEncoder.fit([items], parameters: parameters)
      try fitted.write(to: folder + "/fitted.safetensors")
      let encoder = try ExternalEncoder(worker(.text, folder + "/fitted.safetensors"))
      #expect(encoder.model == "builtin:text \(fitted.fingerprint)")
      expectSame(try encoder.encode(items), fitted.encode(items))
      try encoder.finish()
    }
  }

  static let misuses: [([String], Int32, String)] = [
    (["encode"], 64, "name a pipeline"), (["encode", "--worker"], 64, "--modality"),
    (["encode", "--worker", "--modality", "sound", "--model", "builtin"], 64, "sound"),
    (["encode", "p.yaml", "--worker", "--modality", "text", "--model", "x"], 64, "not both"),
    (["encode", "p.yaml", "--model", "x"], 64, "go with --worker"),
    (["encode", "--worker", "--modality", "text", "--model", "builtin"], 65, "models/<fingerprint>.safetensors"),
    (["encode", "--worker", "--modality", "text", "--model", "none"], 65, "does not exist"),
    (["models", "fetch", "gpt-7"], 64, "all-minilm-l6-v2"), (["models", "fetch"], 64, "names"),
    (["models", "fetch", "a", "b", "--from", "x"], 64, "one model"), (["models", "list"], 66, "no folder 'models'"),
    (["models", "verify", "x"], 66, "no model 'x'"),
  ]

  @Test(arguments: misuses.indices)
  func misuseIsExplained(index: Int) throws {
    let (arguments, status, words) = Self.misuses[index]
    try withTemporaryDirectory { folder in
      let outcome = try RunningTessera(arguments, in: folder).finish()
      #expect(outcome.status == status, "\(arguments): \(outcome)")
      #expect(outcome.errors.contains(words) && outcome.output.isEmpty, "\(outcome.errors)")
    }
  }

  @Test func aBadLineEndsTheWorkerWithItsNumber() throws {
    try withTemporaryDirectory { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [
        "-c",
        "printf '{\"id\":\"a\"}\\nnonsense\\n' | '\(tesseraPath)' encode --worker --modality image --model builtin "
          + "> '\(folder)/out' 2> '\(folder)/err'",
      ]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 65)
      let errors = try String(contentsOfFile: folder + "/err", encoding: .utf8)
      #expect(errors.contains("input line 2") && errors.contains("nonsense"), "\(errors)")
    }
  }

  @Test func modelsAreTakenInListedAndVerifiedAlsoAsJSON() throws {
    try withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(atPath: folder + "/source", withIntermediateDirectories: true)
      try #"{"model_type":"bert","hidden_size":2}"#.write(
        toFile: folder + "/source/config.json", atomically: true, encoding: .utf8)
      let header = Array(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.utf8)
      try Data([UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 128, 63]).write(
        to: URL(fileURLWithPath: folder + "/source/model.safetensors"))
      let fetched = try tessera("models", "fetch", "mine", "--from", "source", "--json", in: folder)
      #expect(fetched.status == 0 && fetched.output.contains("\"fetched\" : true"), "\(fetched)")
      let listed = try tessera("models", "list", in: folder)
      #expect(listed.output.hasPrefix("mine: bert, 2 dimensions") && listed.output.contains("recorded"), "\(listed)")
      #expect(try tessera("models", "verify", in: folder).output == "mine: intact, 2 files\n")
      try "{}".write(toFile: folder + "/models/mine/config.json", atomically: true, encoding: .utf8)
      let damaged = try tessera("models", "verify", "--json", in: folder)
      #expect(damaged.status == 65 && damaged.output.contains("\"isIntact\" : false"), "\(damaged)")
    }
  }
}
