import Foundation
import TestSupport
import Testing

/// The commands that train to compare: the program itself, on the embedded sample.
@Suite(.serialized) struct StudyCommandTests {
  /// A sample shop whose generation is published, with a small recommender.
  private static func shop(_ folder: String) throws {
    #expect(
      try tessera("sample", "shop", "--items", "120", "--users", "150", "--no-images", in: folder).status == 0)
    let path = folder + "/shop/pipeline.yaml"
    var yaml = try String(contentsOfFile: path, encoding: .utf8)
    yaml = yaml.replacingOccurrences(of: "  image: { model: builtin }\n", with: "")
    yaml += """

      train:
        width: 16
        heads: 2
        layers: 1
        hidden: 32
        epochs: 2
        baselines: [popularity]
        sweep:
          - { width: 8 }
          - { width: 24, layers: 2 }
      """
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    let run = try tessera("run", "shop/pipeline.yaml", "--until", "publish", "--quiet", in: folder)
    #expect(run.status == 0, "\(run.errors)")
  }

  private static func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func aSweepPrintsATableAndLeavesAPlot() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let plain = try tessera("train", "shop/pipeline.yaml", "--sweep", in: folder)
      #expect(plain.status == 0, "\(plain.errors)")
      for part in ["generation 1, onePosition", "validation loss", "NDCG@10", "studies/sweep.html"] {
        #expect(plain.output.contains(part), "\(part)")
      }
      let page = folder + "/shop/runs/sample/studies/sweep.html"
      #expect(try String(contentsOfFile: page, encoding: .utf8).contains("Loss against compute"))
      let quiet = try tessera("train", "shop/pipeline.yaml", "--sweep", "--json", "--quiet", in: folder)
      #expect(quiet.errors.isEmpty)
      let rows = try #require(try Self.object(quiet.output)["rows"] as? [[String: Any]])
      #expect(rows.map { $0["width"] as? Int } == [8, 24])
      // Nothing was trained for serving.
      #expect(try tessera("recommend", "shop/pipeline.yaml", "--user", "x", in: folder).status == 66)
    }
  }

  @Test func trainingShowsWhatItReaches() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let outcome = try tessera("train", "shop/pipeline.yaml", "--json", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let stages = try #require(try Self.object(outcome.output)["stages"] as? [[String: Any]])
      let train = try #require(stages.first { $0["stage"] as? String == "train" }?["metrics"] as? [String: Any])
      for key in ["tokensPerSecond", "gigaflopsPerSecond", "peakShare"] { #expect(train[key] is NSNumber, "\(key)") }
      let speed = try tessera(
        "bench", "recommend", "--pipeline", "shop/pipeline.yaml", "--users", "20", "--beam", "5", "--weights",
        "w.safetensors", "--data", "d.json", in: folder)
      #expect(speed.status == 0 && speed.output.split(separator: "\n").count == 1, "\(speed.errors)")
      #expect(try Self.object(speed.output)["illegal_ids"] as? Int == 0)
      let data = try Self.object(String(contentsOfFile: folder + "/d.json", encoding: .utf8))
      #expect((data["histories"] as? [Any])?.count == 20)
    }
  }

  @Test func theRankerBenchmarkPrintsATableAndJSON() throws {
    try withTemporaryDirectory { folder in
      try Self.shop(folder)
      let plain = try tessera(
        "bench", "ranker", "shop/pipeline.yaml", "--seeds", "2", "--variants", "ids", "residualCodes", in: folder)
      #expect(plain.status == 0, "\(plain.errors)")
      for part in ["all examples", "+ RQ codes", "UAUC", " ± "] { #expect(plain.output.contains(part), "\(part)") }
      let json = try tessera(
        "bench", "ranker", "shop/pipeline.yaml", "--seeds", "1", "--labels", "drawn", "--variants", "ids", "--json",
        "--quiet", in: folder)
      let result = try Self.object(json.output)
      #expect(result["labels"] as? String == "drawn" && json.errors.isEmpty)
    }
  }

  @Test func theBeamBenchmarkPrintsOneLine() throws {
    try withTemporaryDirectory { folder in
      let outcome = try tessera(
        "bench", "recommend", "--items", "300", "--size", "16", "--users", "20", "--width", "16", "--hidden", "32",
        "--beam", "5", "--weights", "w.safetensors", in: folder)
      #expect(outcome.status == 0 && outcome.output.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(try Self.object(outcome.output)["illegal_ids"] as? Int == 0)
      #expect(FileManager.default.fileExists(atPath: folder + "/w.safetensors"))
    }
  }

  private static let misuses: [(arguments: [String], status: Int32)] = [
    (["bench", "ranker", "x.yaml", "--seeds", "0"], 64), (["bench", "ranker", "x.yaml", "--labels", "stars"], 64),
    (["bench", "ranker", "x.yaml", "--variants", "codes"], 64), (["bench", "ranker", "x.yaml", "--experts", "1"], 64),
    (["bench", "ranker", "missing.yaml"], 66), (["bench", "recommend", "--items", "9999999"], 64),
    (["bench", "recommend", "--levels", "1", "--items", "300"], 64), (["bench", "recommend", "--beam", "0"], 64),
    (["bench", "recommend", "--width", "30"], 65), (["bench", "recommend", "--data", "d.json"], 64),
    (["bench", "recommend", "--pipeline", "missing.yaml"], 66), (["train", "missing.yaml", "--sweep"], 66),
    (["train", "bare.yaml", "--sweep"], 65),
  ]

  @Test(arguments: misuses)
  func misuseHasItsExitCode(arguments: [String], status: Int32) throws {
    try withTemporaryDirectory { folder in
      try "name: a\nworkspace: w\ncatalog: { items: none.jsonl }\n".write(
        toFile: folder + "/bare.yaml", atomically: true, encoding: .utf8)
      let outcome = try RunningTessera(arguments, in: folder).finish()
      #expect(outcome.status == status, "\(arguments): \(outcome)")
      #expect(!outcome.errors.isEmpty && outcome.output.isEmpty)
    }
  }
}
