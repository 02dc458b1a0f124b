import Foundation
import SemanticIDStore
import TestSupport
import Testing

/// What programs rely on: keys of the JSON, one line or many, which stream, and that nothing else is printed.
@Suite(.serialized) struct CommandShapeTests {
  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  private func objects(_ text: String) throws -> [[String: Any]] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
  }

  /// Runs a command that must succeed and say nothing on standard error.
  private func figures(_ arguments: String..., in folder: String) throws -> String {
    let outcome = try RunningTessera(arguments, in: folder).finish()
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(arguments): \(outcome)")
    #expect(outcome.output.hasSuffix("\n") && !outcome.output.hasSuffix("\n\n"), "\(arguments)")
    return outcome.output
  }

  /// Two nights of a small catalogue, the second with a changed and two new items.
  private func withTwoNights(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      try writeJob(folder, items: 42, changed: [3])
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      try body(folder)
    }
  }

  @Test func aRunAndItsPlanAreDescribedStageByStage() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      let before = try objects(try figures("plan", "pipeline.yaml", "--json", in: folder))
      let stages = ["catalog", "encode", "represent", "quantize", "resolve", "publish", "export"]
      func named(_ entries: [[String: Any]], _ action: String) -> [String] {
        entries.filter { $0["action"] as? String == action }.compactMap { $0["stage"] as? String }
      }
      #expect(named(before, "run") == stages)
      #expect(before.allSatisfy { ($0["reason"] as? String)?.isEmpty == false && $0.count == 3 })
      #expect(!FileManager.default.fileExists(atPath: folder + "/work"), "a plan leaves nothing")
      let dry = try figures("run", "pipeline.yaml", "--dry-run", "--json", in: folder)
      #expect(try objects(dry).count == before.count)
      #expect(!FileManager.default.fileExists(atPath: folder + "/work"), "nor does a dry run")

      let run = try object(try figures("run", "pipeline.yaml", "--json", "--quiet", in: folder))
      #expect(Set(run.keys) == ["folder", "generation", "peakMemory", "run", "seconds", "stages"])
      let ran = try #require(run["stages"] as? [[String: Any]])
      #expect(ran.compactMap { $0["stage"] as? String } == stages)
      for stage in ran {
        #expect(Set(stage.keys) == ["action", "metrics", "reason", "seconds", "stage", "summary"])
        #expect((stage["seconds"] as? Double ?? -1) >= 0)
      }
      #expect(run["run"] as? Int == 1 && (run["peakMemory"] as? Int ?? 0) > 1 << 20)
      #expect(FileManager.default.fileExists(atPath: run["folder"] as? String ?? ""))
      let after = try objects(try figures("plan", "pipeline.yaml", "--json", in: folder))
      #expect(named(after, "skip") == stages && named(after, "run").isEmpty)
    }
  }

  @Test func aRunStopsAfterTheStageThatItIsTold() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      let run = try object(
        try figures("run", "pipeline.yaml", "--until", "represent", "--json", "--quiet", in: folder))
      let stages = (run["stages"] as? [[String: Any]] ?? []).compactMap { $0["stage"] as? String }
      #expect(stages == ["catalog", "encode", "represent"] && run["generation"] == nil)
      #expect(!FileManager.default.fileExists(atPath: folder + "/work/ids.csv"))
      let rest = try figures("plan", "pipeline.yaml", "--until", "quantize", in: folder)
      #expect(rest.contains("represent skip    up to date") && rest.contains("quantize  run     it has not run yet"))
      #expect(!rest.contains("publish"), "later stages are not looked at")
    }
  }

  @Test func inspectionsAreFiguresAndTheSameTwice() throws {
    try withTwoNights { folder in
      let keys: [(String, Set<String>)] = [
        ("collisions", ["generation", "metrics", "largest", "uniqueSemanticIDs"]),
        ("codebooks", ["generation", "items", "levels", "buckets"]), ("generations", ["generations"]),
      ]
      for (view, expected) in keys {
        let json = try figures("inspect", view, "work", "--json", in: folder)
        #expect(expected.isSubset(of: Set(try object(json).keys)), "\(view)")
        #expect(try figures("inspect", view, "work", "--json", in: folder) == json)
        let text = try figures("inspect", view, "work", in: folder)
        #expect(!text.contains("{") && text != json)
        // The store's own folder is as good a name.
        #expect(try figures("inspect", view, "work/store", "--json", in: folder).count > 10)
      }
      let item = try object(try figures("inspect", "item", "work", "i3", "--json", in: folder))
      #expect((item["item"] as? [String: Any])?["id"] as? String == "i3" && item["generation"] as? Int == 2)
      #expect((item["item"] as? [String: Any])?["title"] as? String == "Item 3")
      let first = try object(try figures("inspect", "item", "work", "i3", "--generation", "1", "--json", in: folder))
      #expect(first["generation"] as? Int == 1 && first["contentHash"] as? String != item["contentHash"] as? String)
      let none = try object(try figures("inspect", "item", "work", "i3", "--limit", "0", "--json", in: folder))
      #expect((none["neighbors"] as? [Any])?.isEmpty == true)
    }
  }

  @Test func generationsAreListedWithTheOneThatIsServed() throws {
    try withTwoNights { folder in
      func current() throws -> [Int] {
        let list = try object(try figures("inspect", "generations", "work", "--json", in: folder))
        let generations = try #require(list["generations"] as? [[String: Any]])
        #expect(generations.map { $0["generation"] as? Int } == [1, 2])
        #expect(generations.map { $0["items"] as? Int } == [40, 42])
        return generations.filter { $0["isCurrent"] as? Bool == true }.compactMap { $0["generation"] as? Int }
      }
      #expect(try current() == [2])
      let back = try object(try figures("rollback", "work", "--to", "1", "--json", in: folder))
      #expect(back["generation"] as? Int == 1 && back.count == 1)
      #expect(try current() == [1])
      #expect(
        try figures("rollback", "work/store", "--to", "2", in: folder) == "generation 2 is served: 42 items\n")
      #expect(try SemanticIDStore.open(folder + "/work/store", mode: .readOnly).currentGeneration() == 2)
    }
  }

  @Test(arguments: ["csv", "jsonl", "parquet", "npy"]) func anExportSaysHowManyRowsAndWritesThem(format: String) throws
  {
    try withTwoNights { folder in
      let out = "new/folder/table.\(format)"
      let json = try figures("export", "work", "--format", format, "--to", out, "--json", in: folder)
      #expect(json == "{\n  \"rows\" : 42\n}\n")
      let text = try figures(
        "export", "work", "--format", format, "--to", "old.\(format)", "--generation", "1", in: folder)
      #expect(text == "40 rows in old.\(format)\n")
      guard format == "csv" || format == "jsonl" else { return }
      let lines = try String(contentsOfFile: "\(folder)/\(out)", encoding: .utf8).split(separator: "\n")
      #expect(lines.count == (format == "csv" ? 43 : 42))
      let old = try String(contentsOfFile: "\(folder)/old.\(format)", encoding: .utf8)
      #expect(old.split(separator: "\n").last?.hasSuffix(format == "csv" ? ",1" : "\"generation\":1}") == true)
    }
  }

  @Test func theSampleAndTheCheckCountWhatTheyMade() throws {
    try withTemporaryDirectory { folder in
      let arguments = ["--items", "30", "--users", "4", "--no-images", "--faults", "1"]
      let sample = try RunningTessera(["sample", "shop", "--json"] + arguments, in: folder).finish()
      let made = try object(sample.output)
      #expect(sample.errors.isEmpty && made["items"] as? Int == 30 && made["images"] as? Int == 0)
      #expect(made["users"] as? Int == 4 && made["faults"] as? Int == 1)
      #expect(Set(made.keys) == ["items", "images", "users", "interactions", "faults"])
      let again = try RunningTessera(["sample", "shop", "--quiet"] + arguments, in: folder).finish()
      #expect(again.status == 0 && again.output.isEmpty && again.errors.isEmpty)
      let told = try RunningTessera(["sample", "shop"] + arguments, in: folder).finish()
      #expect(told.output.hasSuffix("; next: tessera run shop/pipeline.yaml\n") && told.errors.isEmpty)
      let check = try tessera("check", "shop/pipeline.yaml", "--json", in: folder)
      let checked = try object(check.output)
      let (items, rejected) = (checked["items"] as? Int ?? 0, checked["rejected"] as? Int ?? 0)
      #expect(items >= 30 && rejected > 0 && (checked["examples"] as? [Any])?.isEmpty == false)
    }
  }

  @Test func benchmarksPrintOneLineOfJSON() throws {
    try withTemporaryDirectory { folder in
      var bytes = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) + [1, 0, 0x76, 0]
      let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (64, 4), }"
      bytes += Array(header.utf8) + [UInt8](repeating: 0x20, count: 117 - header.utf8.count) + [0x0A]
      for index in 0..<256 {
        withUnsafeBytes(of: Float(index * 37 % 101).bitPattern.littleEndian) { bytes += $0 }
      }
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/v.npy"))
      let means = try figures(
        "bench", "residual-kmeans", "v.npy", "--levels", "2", "--size", "4", "--iterations", "3", in: folder)
      let store = try figures("bench", "store", "--items", "500", in: folder)
      for line in [means, store] { #expect(line.split(separator: "\n").count == 1) }
      let quantized = try object(means)
      #expect(quantized["n"] as? Int == 64 && quantized["d"] as? Int == 4 && quantized["levels"] as? Int == 2)
      let product = "tessera \(try version(folder))"
      #expect((quantized["mse"] as? Double ?? -1) >= 0 && quantized["product"] as? String == product)
      #expect(try object(store)["items"] as? Int == 500)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["v.npy"], "nothing is left behind")
    }
  }

  private func version(_ folder: String) throws -> String {
    let text = try figures("--version", in: folder)
    #expect(text.split(separator: ".").count == 3)
    return String(text.dropLast())
  }
}
