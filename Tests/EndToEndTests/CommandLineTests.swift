import Foundation
import TestSupport
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

@Suite(.serialized) struct CommandLineTests {
  @Test func helpIsAsRecorded() throws {
    let snapshot = root.appendingPathComponent("Tests/EndToEndTests/Snapshots/help.txt")
    let commands = [
      [], ["sample"], ["run"], ["plan"], ["check"], ["inspect"], ["inspect", "collisions"], ["export"], ["rollback"],
      ["encode"], ["pairs"], ["align"], ["behavior"], ["quantize"], ["publish"], ["train"], ["evaluate"], ["recommend"],
      ["finetune"], ["report"], ["bench"], ["bench", "ranker"], ["bench", "recommend"],
    ]
    var text = ""
    for command in commands {
      let outcome = try RunningTessera(command + ["--help"], in: "/", environment: ["COLUMNS": "80"]).finish()
      #expect(outcome.status == 0)
      text += "$ tessera \((command + ["--help"]).joined(separator: " "))\n\(outcome.output)\n"
    }
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] != nil {
      try FileManager.default.createDirectory(
        at: snapshot.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: snapshot, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: snapshot, encoding: .utf8) == text)
  }

  @Test func commandsOfLaterVersionsAreNotOffered() throws {
    for command in ["serve"] {
      #expect(try tessera(command, "x.yaml", in: "/").status == 64, "\(command)")
    }
  }

  private static let misuses: [(arguments: [String], status: Int32)] = [
    (["run"], 64), (["run", "--nonsense", "x"], 64), (["nonsense"], 64), (["run", "x.yaml", "--until", "dinner"], 64),
    (["run", "x.yaml", "--threads", "100000"], 64), (["export", "x", "--format", "xml", "--to", "y"], 64),
    (["bench", "store", "--items", "99999999999999999999999"], 64), (["sample", "x", "--items", "0"], 64),
    (["run", "missing.yaml"], 66), (["plan", "missing.yaml"], 66), (["inspect", "generations", "missing"], 66),
    (["rollback", "missing", "--to", "1"], 66), (["run", "broken.yaml"], 65), (["check", "unknown.yaml"], 65),
    (["run", "nodata.yaml"], 66), (["run", "locked.yaml", "--until", "report"], 64),
  ]

  @Test(arguments: misuses)
  func misuseAndBadInputHaveTheirExitCodes(arguments: [String], status: Int32) throws {
    try withTemporaryDirectory { folder in
      try "name: [\n".write(toFile: folder + "/broken.yaml", atomically: true, encoding: .utf8)
      try "name: a\ncatlog: { items: x }\n".write(toFile: folder + "/unknown.yaml", atomically: true, encoding: .utf8)
      try "name: a\nworkspace: w\ncatalog: { items: none.jsonl }\n".write(
        toFile: folder + "/nodata.yaml", atomically: true, encoding: .utf8)
      try "name: a\nworkspace: w\ncatalog: { items: none.jsonl }\n".write(
        toFile: folder + "/locked.yaml", atomically: true, encoding: .utf8)
      let outcome = try RunningTessera(arguments, in: folder).finish()
      #expect(outcome.status == status, "\(arguments): \(outcome)")
      #expect(!outcome.errors.isEmpty && outcome.output.isEmpty)
    }
  }

  @Test func aWholeStoryFromSampleToRollback() throws {
    try withTemporaryDirectory { folder in
      #expect(try tessera("sample", "shop", "--items", "60", "--users", "50", in: folder).status == 0)
      let checked = try tessera("check", "shop/pipeline.yaml", in: folder)
      #expect(checked.status == 0 && checked.output.contains("60 items"), "\(checked)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/shop/runs"))
      let first = try tessera("run", "shop/pipeline.yaml", "--json", in: folder)
      #expect(first.status == 0, "\(first.errors)")
      #expect(try JSONSerialization.jsonObject(with: Data(first.output.utf8)) is [String: Any])
      #expect(try tessera("sample", "shop", "--items", "60", "--users", "50", "--night", "2", in: folder).status == 0)
      let second = try tessera("run", "shop/pipeline.yaml", in: folder)
      #expect(second.status == 0 && second.output.contains("generation 2 is served"), "\(second)")
      let workspace = "shop/runs/sample"
      for view in ["collisions", "codebooks", "diff", "generations"] {
        let plain = try tessera("inspect", view, workspace, in: folder)
        #expect(plain.status == 0 && !plain.output.isEmpty, "\(view): \(plain.errors)")
        let json = try tessera("inspect", view, workspace, "--json", in: folder)
        #expect((try? JSONSerialization.jsonObject(with: Data(json.output.utf8))) != nil, "\(view)")
      }
      for format in ["parquet", "csv", "jsonl", "npy"] {
        let outcome = try tessera("export", workspace, "--format", format, "--to", "out.\(format)", in: folder)
        #expect(outcome.status == 0 && FileManager.default.fileExists(atPath: folder + "/out.\(format)"))
      }
      let csv = try String(contentsOfFile: folder + "/out.csv", encoding: .utf8)
      let id = try #require(csv.split(separator: "\n").dropFirst().first?.split(separator: ",").first)
      #expect(try tessera("inspect", "item", workspace, String(id), in: folder).output.contains(id))
      #expect(try tessera("rollback", workspace, "--to", "1", in: folder).status == 0)
      let list = try tessera("inspect", "generations", workspace, "--json", in: folder)
      #expect(list.output.contains("\"isCurrent\" : true"))
      #expect(try tessera("rollback", workspace, "--to", "9", in: folder).status == 66)
      let report = try FileManager.default.contentsOfDirectory(atPath: folder + "/" + workspace + "/runs").sorted()
      let html = try String(contentsOfFile: "\(folder)/\(workspace)/runs/\(report[0])/report.html", encoding: .utf8)
      #expect(html.contains("<html"))
    }
  }

  @Test func figuresGoToStandardOutputAndTheRestToStandardError() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      let loud = try tessera("run", "pipeline.yaml", in: folder)
      #expect(loud.output.contains("generation 1 is served"))
      #expect(loud.errors.contains("encode: runs, because it has not run yet"))
      let quiet = try tessera("run", "pipeline.yaml", "--quiet", in: folder)
      #expect(quiet.errors.isEmpty && quiet.output.contains("nothing to do"))
      let dry = try tessera("run", "pipeline.yaml", "--dry-run", "--force", "export", in: folder)
      #expect(dry.output.contains("export    run     it is forced"))
    }
  }

  @Test func oneAndTwoThreadsGiveTheSameTable() throws {
    var tables: [[String]] = []
    for threads in ["1", "2"] {
      try withTemporaryDirectory { folder in
        try writeJob(folder, items: 200)
        #expect(try tessera("run", "pipeline.yaml", "--quiet", "--threads", threads, in: folder).status == 0)
        tables.append(try exportedIDs(folder))
      }
    }
    #expect(tables[0] == tables[1] && tables[0].count == 201)
  }
}
