import PipelineEngine
import Testing

/// The configuration of some YAML, as though it lay in /jobs.
func configuration(_ yaml: String, environment: [String: String] = [:]) throws -> PipelineConfiguration {
  try PipelineConfiguration(
    yaml: Array(yaml.utf8), path: "/jobs/job.yaml", environment: environment, currentDirectory: "/home")
}

/// The message of the error that some YAML causes.
func message(_ yaml: String, environment: [String: String] = [:]) -> String {
  do {
    _ = try configuration(yaml, environment: environment)
    return "no error"
  } catch let error as PipelineError {
    return error.message
  } catch {
    return "another error: \(error)"
  }
}

@Suite struct ConfigurationErrorTests {
  private static let head = "name: a\ncatalog: { items: x.jsonl }\n"

  private static let mistakes: [(yaml: String, expected: String)] = [
    (
      "name: a\ncatalog:\n  itms: x.jsonl\n  items: x.jsonl\n",
      "/jobs/job.yaml:3: unknown key 'itms' in 'catalog'; did you mean 'items'?"
    ),
    (
      "nmae: a\nname: a\ncatalog: { items: x }\n",
      "/jobs/job.yaml:1: unknown key 'nmae' at the top level; did you mean 'name'?"
    ),
    (
      "name: a\n",
      "/jobs/job.yaml:1: the pipeline file lacks the key 'catalog': expected a section with items, "
        + "interactions, imageFolder, imageRoot, maxRejectedFraction, limits"
    ),
    (head + "seed: many\n", "/jobs/job.yaml:3: seed: expected a whole number of at least 0, found 'many'"),
    (head + "threads: 5000\n", "/jobs/job.yaml:3: threads: expected a whole number from 0 to 1024, found '5000'"),
    (
      head + "compute: float16\n",
      "/jobs/job.yaml:3: compute: expected one of auto, float32, bfloat16, found 'float16'; did you mean 'bfloat16'?"
    ),
    (
      head + "threads: \"4\"\n",
      "/jobs/job.yaml:3: threads: expected a whole number from 0 to 1024, found text \"4\""
    ),
    (head + "workspace: [a]\n", "/jobs/job.yaml:3: workspace: expected text, found a list of 1"),
    (head + "encode: 3\n", "/jobs/job.yaml:3: encode: expected a section with text, image, cache, found '3'"),
    (head + "encode: {}\n", "/jobs/job.yaml:3: encode: names no encoder: add 'text', 'image' or both"),
    (
      head + "represent: {}\n",
      "/jobs/job.yaml:3: 'represent' needs what 'encode' makes: add a section 'encode'"
    ),
    (
      head + "finetune: { epochs: 3 }\n",
      "/jobs/job.yaml:3: 'finetune' tunes by a recommender's gradients: add the section 'train'"
    ),
    (
      head + "export: []\n",
      "/jobs/job.yaml:3: export: expected a list of 1 to 16 (a section with format, path), found a list of 0"
    ),
    (
      "name: a/b\ncatalog: { items: x }\n",
      "/jobs/job.yaml:1: name: expected a name of letters, digits, '.', '-' and '_', at most 64 characters, "
        + "found 'a/b'"
    ),
    (
      "- a\n",
      "/jobs/job.yaml:1: the pipeline file: expected a section with name, workspace, threads, compute, "
        + "seed, keepRuns, catalog, encode, pairs, align, behavior, represent, quantize, resolve, publish, export, "
        + "finetune, train, preference, report, found a list of 1"
    ),
  ]

  @Test(arguments: mistakes)
  func namesFileLineKeyAndWhatIsExpected(yaml: String, expected: String) {
    #expect(message(yaml) == expected)
  }

  @Test func reportsEveryMistakeAtOnceInTheOrderOfLines() {
    let text = message("name: a\ncatalog: { items: x }\nthreads: no\nseed: -1\nfoo: 1\n")
    let lines = text.split(separator: "\n").map { $0.prefix(17) }
    #expect(lines == ["/jobs/job.yaml:3:", "/jobs/job.yaml:4:", "/jobs/job.yaml:5:"])
  }

  @Test func aKeyGivenTwiceIsAnError() {
    #expect(message("name: a\nname: b\ncatalog: { items: x }\n").contains("the key 'name' is given twice"))
  }

  @Test(arguments: ["name: [\n", "name: a\n  catalog: b\n", "\tname: a\n", "name: 'a\n"])
  func brokenYAMLNamesTheLine(yaml: String) {
    let text = message(yaml)
    #expect(text.hasPrefix("/jobs/job.yaml:") && text.contains("not valid YAML"), "\(text)")
  }

  @Test func anUnsetVariableIsNamed() {
    #expect(
      message("name: a\ncatalog:\n  items: ${DATA_ROOT}/x\n")
        == "/jobs/job.yaml:3: catalog.items: the environment variable DATA_ROOT is not set; set it or write "
        + "${DATA_ROOT:-default}")
    #expect(message("name: ${\ncatalog: { items: x }\n").contains("has no closing '}'"))
    #expect(message("name: ${1X}\ncatalog: { items: x }\n").contains("names no environment variable"))
  }

  @Test func exportsStayInTheWorkspace() {
    let chain = "encode: { text: { model: builtin } }\nrepresent: {}\nquantize: {}\nresolve: {}\npublish: {}\n"
    for path in ["../x", "/x", "store/x", "lock"] {
      let text = message(Self.head + chain + "export: [ { format: csv, path: \(path) } ]\n")
      #expect(text.contains("export[0].path"), "\(path): \(text)")
    }
    let below = "export: [ { format: csv, path: a/./b }, { format: csv, path: c }, { format: jsonl, path: a/b/c } ]\n"
    #expect(message(Self.head + chain + below).contains("export: 'a/b' is a table and the folder of another one"))
    let twice = "export: [ { format: csv, path: a }, { format: jsonl, path: a } ]\n"
    #expect(message(Self.head + chain + twice).contains("two tables have the same path"))
  }

  @Test func hostileYAMLIsRefused() {
    #expect(message("a: &x [1]\nb: *x\n").contains("anchors are not supported"))
    #expect(message("name: " + String(repeating: "[", count: 2000)).contains("job.yaml"))
    #expect(
      message("name: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)).contains("nested"))
    #expect(message(String(repeating: "a", count: 300 << 10)).contains("at most"))
    #expect(message("").contains("is empty"))
    #expect(message("? [a]\n: b\n").contains("a key must be a word"))
  }

  @Test func nearestKeyIsFoundByEditDistance() {
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("polciy", "policy") == 1)
    #expect(editDistance("", "abc") == 3)
    #expect(nearest(to: "polcy", among: ["policy", "seed"]) == "policy")
    #expect(nearest(to: "xyz", among: ["policy", "seed"]) == nil)
  }
}
