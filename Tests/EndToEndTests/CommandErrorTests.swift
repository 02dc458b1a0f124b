import Foundation
import TestSupport
import Testing

/// Every refusal has its exit code, its words on standard error, and nothing on standard output.
@Suite(.serialized) struct CommandErrorTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let status: Int32
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ command: String, _ status: Int32, _ words: String...) {
      arguments = command.split(separator: " ").map(String.init)
      self.status = status
      self.words = words
    }
  }

  /// A folder with files that are wrong in one way each.
  private func withFiles(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      for (name, text) in [
        ("broken.yaml", "name: [\n"), ("unknown.yaml", "name: a\ncatlog: { items: x }\n"),
        ("type.yaml", "name: a\nworkspace: w\ncatalog: { items: 5 }\n"),
        ("twice.yaml", "name: a\nname: b\nworkspace: w\ncatalog: { items: x.jsonl }\n"),
        ("bare.yaml", "name: a\nworkspace: w\ncatalog: { items: items.jsonl }\n"),
        ("bad.yaml", "name: a\nworkspace: w\ncatalog: { items: bad.jsonl }\n"),
        ("format.yaml", "name: a\nworkspace: w\ncatalog: { items: broken.yaml }\n"),
        ("items.jsonl", "{\"id\":\"1\",\"title\":\"t\"}\n"), ("bad.jsonl", "{]\n{]\n"), ("junk.npy", "junk"),
        ("store/data.mdb", String(repeating: "no database ", count: 1_000)), ("file", "a file"),
      ] {
        let url = URL(fileURLWithPath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      try body(folder)
    }
  }

  static let refusals = [
    Refusal("nonsense", 64, "Unexpected argument 'nonsense'", "tessera --help"),
    Refusal("run", 64, "<pipeline>"), Refusal("run a.yaml b.yaml", 64, "Unexpected argument 'b.yaml'"),
    Refusal("run bare.yaml --until dinner", 64, "dinner", "--until"),
    Refusal("run bare.yaml --threads -1", 64, "--threads"),
    Refusal("run bare.yaml --threads=-1", 64, "--threads is -1; give a number from 0 (all cores) to 1024"),
    Refusal("run bare.yaml --threads 1025", 64, "--threads is 1025; give a number from 0 (all cores) to 1024"),
    Refusal("run bare.yaml --force align", 64, "the pipeline has no stage 'align': add a section 'align' to its file"),
    Refusal("run bare.yaml --until publish", 64, "the pipeline has no stage 'publish'"),
    Refusal("run none.yaml", 66, "none.yaml"), Refusal("plan none.yaml --json", 66, "none.yaml"),
    Refusal("check broken.yaml", 65, "broken.yaml:2: not valid YAML"),
    Refusal("check unknown.yaml", 65, "unknown.yaml:2: unknown key 'catlog' at the top level; did you mean 'catalog'?"),
    Refusal("check unknown.yaml --json", 65, "unknown.yaml:1: the pipeline file lacks the key 'catalog'"),
    Refusal("check twice.yaml", 65, "twice.yaml:1: not valid YAML: the key 'name' is given twice; keep one"),
    Refusal("check type.yaml", 66, "/5 does not exist; expected a file of items"),
    Refusal("run bad.yaml", 65, "2 of 2 records were rejected", "bad.jsonl:1"),
    Refusal("run format.yaml", 65, "broken.yaml has an unknown format", ".jsonl"),
    Refusal("inspect everything x", 64, "everything"),
    Refusal("inspect generations none", 66, "none: no data.mdb there"),
    Refusal("inspect generations .", 65, "data.mdb", "is not an LMDB meta page"),
    Refusal("inspect collisions none --limit=-1", 64, "--limit is -1; give a number from 0 to 1000000"),
    Refusal("inspect collisions none --limit 1000001", 64, "--limit is 1000001"),
    Refusal("inspect item none", 64, "<id>"), Refusal("inspect diff none --from x", 64, "x"),
    Refusal("export none --format csv", 64, "--to"),
    Refusal("export none --format xml --to x", 64, "--format is 'xml'"),
    Refusal("export none --format csv --to x.csv", 66, "none: no data.mdb there"),
    Refusal("rollback none", 64, "--to"), Refusal("rollback none --to x", 64, "x"),
    Refusal("rollback none --to 1", 66, "'none' holds no store; name a store's folder or a workspace"),
    Refusal("rollback file --to 1", 66, "'file' holds no store"),
    Refusal("sample s --items 0", 64, "--items must be from 1 to 10000000"),
    Refusal("sample s --users 10000001", 64, "--users must be from 0 to 10000000"),
    Refusal("sample s --night 0", 64, "--night must be from 1 to 10000"),
    Refusal("sample s --faults=-1", 64, "--faults must be from 0 to 1000000"),
    Refusal("sample file --items 3 --no-images", 73, "file"),
    Refusal("recommend bare.yaml", 64, "give either --user or --history"),
    Refusal("recommend bare.yaml --user a --history b", 64, "give either --user or --history"),
    Refusal("recommend bare.yaml --user a --session 0", 64, "--session is 0; give a number from 1 to 1000"),
    Refusal("recommend bare.yaml --user a --k 10001", 64, "--k is 10001; give a number from 1 to 10000"),
    Refusal("recommend bare.yaml --user a", 65, "the pipeline has no section 'train'"),
    Refusal("evaluate bare.yaml --seeds 101", 64, "--seeds is 101; give a number from 1 to 100"),
    Refusal("evaluate bare.yaml --baselines best", 64, "--baselines has \"best\"; give popularity, item-knn or sasrec"),
    Refusal("bench residual-kmeans none.npy", 66, "none.npy"),
    Refusal("bench residual-kmeans junk.npy", 65, "junk.npy: this is not an NPY file"),
    Refusal("bench residual-kmeans junk.npy --levels 65", 64, "--levels is from 1 to 64"),
    Refusal("bench residual-kmeans junk.npy --threads 1025", 64, "--threads is from 0 to 1024"),
    Refusal("bench store --items 0", 64, "--items is from 1 to 100000000"),
    Refusal("models verify --in none", 66, "none"),
  ]

  @Test(arguments: CommandErrorTests.refusals) func aRefusalIsExplained(refusal: Refusal) throws {
    try withFiles { folder in
      let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      let outcome = try RunningTessera(refusal.arguments, in: folder).finish()
      #expect(!outcome.wasKilled && outcome.status == refusal.status, "\(outcome)")
      #expect(outcome.output.isEmpty, "\(outcome.output)")
      for words in refusal.words where !words.isEmpty { #expect(outcome.errors.contains(words), "\(outcome.errors)") }
      #expect(!outcome.errors.contains("this is a bug"), "\(outcome.errors)")
      guard refusal.status == 64 else { return }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before, "wrong usage leaves nothing")
    }
  }

  /// A store that is there, asked for what it has not.
  @Test func whatAStoreHasNotIsNamed() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      let cases: [([String], Int32, String)] = [
        (
          ["inspect", "item", "work", "nobody"], 66,
          "generation 1 has no item \"nobody\"; ids are compared byte by byte"
        ),
        (["inspect", "diff", "work"], 66, "generation 1 has no parent; name a generation with --from"),
        (["inspect", "diff", "work", "--from", "8"], 66, "has no generation 8"),
        (["inspect", "codebooks", "work", "--generation", "7"], 66, "work/store has no generation 7"),
        (["export", "work", "--format", "csv", "--to", "x.csv", "--generation", "0"], 66, "has no generation 0"),
        (["export", "work", "--format", "csv", "--to", "work"], 73, "work"),
        (["export", "work", "--format", "csv", "--to", "items.jsonl/x.csv"], 73, "items.jsonl"),
        (["export", "work", "--format", "npy", "--to", "work"], 73, "which is no part of an export"),
        (["rollback", "work", "--to", "2"], 66, "has no generation 2"),
      ]
      for (arguments, status, words) in cases {
        let outcome = try RunningTessera(arguments, in: folder).finish()
        #expect(outcome.status == status && outcome.output.isEmpty, "\(arguments): \(outcome)")
        #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains(words), "\(outcome.errors)")
      }
      #expect(try tessera("inspect", "generations", "work", in: folder).status == 0)
    }
  }
}
