import Foundation
import SemanticIDStore
import TestSupport
import Testing

/// The program itself: what `tessera finetune` prints, and its exit codes.
@Suite(.serialized) struct FinetuneCommandTests {
  private static let gate = "gate: { minimumGain: 1000 }"

  /// A sample shop with a small recommender; nothing has run yet.
  private static func shop(_ folder: String, finetune: String? = "{ epochs: 1, steps: 20, seeds: 1, \(gate) }") throws {
    #expect(
      try tessera("sample", "shop", "--items", "120", "--users", "400", "--no-images", in: folder).status == 0)
    let path = folder + "/shop/pipeline.yaml"
    var yaml = try String(contentsOfFile: path, encoding: .utf8)
    yaml = yaml.replacingOccurrences(of: "  image: { model: builtin }\n", with: "")
    yaml += "\ntrain: { epochs: 3, width: 16, layers: 1, heads: 2, hidden: 32, warmup: 5, baselines: [popularity] }\n"
    if let finetune { yaml += "finetune: \(finetune)\n" }
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private static func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private static func generations(_ folder: String) throws -> [UInt64] {
    try SemanticIDStore.open(folder + "/shop/runs/sample/store", mode: .readOnly).generations().map(\.generation)
  }

  @Test func alignmentAsksForItsSectionAndExcludesTheSweep() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let missing = try tessera("train", "shop/pipeline.yaml", "--stage", "preference", "--quiet", in: folder)
      #expect(missing.status == 65 && missing.errors.contains("add the section 'preference: {}'"), "\(missing.errors)")
      let both = try tessera("train", "shop/pipeline.yaml", "--stage", "preference", "--sweep", in: folder)
      #expect(both.status == 64 && both.errors.contains("leave out --stage preference"), "\(both.errors)")
    }
  }

  @Test func aRefusalPrintsItsEvidenceAndIsNoFailure() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let outcome = try tessera("finetune", "shop/pipeline.yaml", "--json", "--quiet", in: folder)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      let result = try Self.object(outcome.output)
      #expect(result["base"] as? Int == 1 && result["published"] == nil)
      #expect((result["reasons"] as? [String])?.isEmpty == false)
      let evidence = try #require(result["evidence"] as? [String: Any])
      #expect((evidence["servedNDCG"] as? [Any])?.count == 1 && (evidence["tunedNDCG"] as? [Any])?.count == 1)
      for key in ["churn", "servedCollisionRate", "tunedCollisionRate"] {
        #expect(evidence[key] is NSNumber, "\(key)")
      }
      #expect((result["cycles"] as? [[String: Any]])?.first?["steps"] as? Int == 20)
      #expect(try Self.generations(folder) == [1])
      let written = try String(
        contentsOfFile: folder + "/shop/runs/sample/runs/000001/finetune.json", encoding: .utf8)
      #expect(try Self.object(written)["base"] as? Int == 1)
    }
  }

  @Test func aDrillShowsTheGateRefuseAndTheRecommenderStay() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 3, maximumChurn: 0.3 } }")
      #expect(try tessera("run", "shop/pipeline.yaml", "--quiet", in: folder).status == 0)
      let list = ["recommend", "shop/pipeline.yaml", "--history", try Self.anItem(folder), "--json", "--quiet"]
      let before = try RunningTessera(list, in: folder).finish()
      #expect(before.status == 0, "\(before.errors)")
      let drill = try tessera("finetune", "shop/pipeline.yaml", "--worsen", "2", in: folder)
      #expect(drill.status == 0, "\(drill.errors)")
      #expect(drill.output.contains("generation 1 stays:"), "\(drill.output)")
      #expect(drill.output.contains("would change their semantic ID"), "\(drill.output)")
      #expect(!drill.errors.isEmpty, "progress goes to standard error")
      let after = try RunningTessera(list, in: folder).finish()
      #expect(after.output == before.output && after.status == 0)
      #expect(try Self.generations(folder) == [1])
    }
  }

  private static func anItem(_ folder: String) throws -> String {
    let store = try SemanticIDStore.open(folder + "/shop/runs/sample/store", mode: .readOnly)
    let columns = try store.read { try $0.columns() }
    return try #require(columns.ids.first)
  }

  @Test func aPipelineWithoutTheSectionIsToldWhatToAdd() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder, finetune: nil)
      let outcome = try tessera("finetune", "shop/pipeline.yaml", in: folder)
      #expect(outcome.status == 65 && outcome.output.isEmpty)
      #expect(outcome.errors.contains("add the section 'finetune: {}'"), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/shop/runs"))
    }
  }

  /// Before the codes are tuned the pipeline is brought up to date, as `run` does it.
  @Test func aCrashInTheRunBeforeLeavesNothingToMend() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let crashed = try tessera(
        "finetune", "shop/pipeline.yaml", in: folder, environment: ["TESSERA_CRASH_AT": "before train"])
      #expect(crashed.status == 137)
      #expect(try Self.generations(folder) == [1])
      let outcome = try tessera("finetune", "shop/pipeline.yaml", "--quiet", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("generation 1 stays:"))
    }
  }

  private static let misuses: [(arguments: [String], status: Int32)] = [
    (["finetune"], 64), (["finetune", "x.yaml", "--worsen", "-1"], 64), (["finetune", "x.yaml", "--worsen=-1"], 64),
    (["finetune", "x.yaml", "--worsen", "101"], 64), (["finetune", "x.yaml", "--worsen", "much"], 64),
    (["finetune", "x.yaml", "--worsen", "nan"], 64), (["finetune", "missing.yaml"], 66),
    (["finetune", "bare.yaml"], 65), (["finetune", "alone.yaml"], 65),
  ]

  @Test(arguments: misuses)
  func misuseHasItsExitCode(arguments: [String], status: Int32) throws {
    try withTemporaryDirectory { folder in
      let bare = "name: a\nworkspace: w\ncatalog: { items: none.jsonl }\n"
      try bare.write(toFile: folder + "/bare.yaml", atomically: true, encoding: .utf8)
      try (bare + "finetune: {}\n").write(toFile: folder + "/alone.yaml", atomically: true, encoding: .utf8)
      let outcome = try RunningTessera(arguments, in: folder).finish()
      #expect(outcome.status == status, "\(arguments): \(outcome)")
      #expect(!outcome.errors.isEmpty && outcome.output.isEmpty)
    }
  }
}
