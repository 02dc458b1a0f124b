import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

/// What a pipeline file's text may be: paths, variables, names, and the limits that hold before any key is looked at.
@Suite struct ConfigurationTextTests {
  private static let chain = "encode: { text: {} }\nrepresent:\nquantize:\nresolve:\npublish:\n"

  private func items(_ path: String) throws -> String {
    try configuration("name: a\ncatalog: { items: \"\(path)\" }\n").catalog.items[0]
  }

  @Test(arguments: [
    ("x.jsonl", "/jobs/x.jsonl"), ("./x", "/jobs/x"), ("a/./b//c", "/jobs/a/b/c"), ("../x", "/x"), ("../../../x", "/x"),
    ("/abs/./x/../y", "/abs/y"), ("a/..", "/jobs"), ("~/x", "/jobs/~/x"), ("a b/ü", "/jobs/a b/ü"),
  ])
  func inputsAreRelativeToTheFile(path: String, expected: String) throws { #expect(try items(path) == expected) }

  @Test func theWorkspaceIsRelativeToTheFileAndItsDefaultToTheCurrentFolder() throws {
    let head = "catalog: { items: x }\nname: night"
    #expect(try configuration(head).workspace == "/home/runs/night")
    #expect(try configuration(head + "\nworkspace: w").workspace == "/jobs/w")
    let relative = try PipelineConfiguration(
      yaml: Array(head.utf8), path: "jobs/night.yaml", environment: [:], currentDirectory: "/home/me")
    #expect(relative.path == "/home/me/jobs/night.yaml" && relative.catalog.items == ["/home/me/jobs/x"])
  }

  @Test(arguments: [
    ("./store", false), ("./././lock", false), ("././runs/x.csv", false), (".", false), ("./.", false), ("", false),
    ("a/../../x", false), ("a/..", false), ("storefront.csv", true), ("./a.csv", true), ("a/store", true),
    ("a..b", true), ("...", true),
  ])
  func anExportStaysBelowTheWorkspaceAndOffItsOwnFolders(path: String, isFine: Bool) {
    let text = message(
      "name: a\ncatalog: { items: x }\n\(Self.chain)export: [ { format: csv, path: \"\(path)\" } ]\n")
    #expect((text == "no error") == isFine, "\(text)")
    if !isFine { #expect(text.hasPrefix("/jobs/job.yaml:8: export[0].path")) }
  }

  @Test func twoNamesOfOnePathAreTheSameExport() {
    let exports = "export: [ { format: csv, path: a/b }, { format: jsonl, path: ./a//b } ]\n"
    let text = message("name: a\ncatalog: { items: x }\n\(Self.chain)\(exports)")
    #expect(text == "/jobs/job.yaml:8: export: two tables have the same path; give each its own")
  }

  @Test(arguments: [
    ("${A}", "1"), ("x${A}y${B}z", "x1y2z"), ("${A}${A}", "11"), ("$A", "$A"), ("$$", "$"), ("$${A}", "${A}"),
    ("a$", "a$"),
    ("${NONE:-}x", "x"), ("${NONE:-a:-b}", "a:-b"), ("${EMPTY:-d}", "d"), ("${A:-d}", "1"), ("${_X9}", "under"),
    ("${NONE:-$A}", "$A"), ("$$$${A}$", "$${A}$"),
  ])
  func variablesAreReplacedOnceAndNowhereElse(value: String, expected: String) throws {
    let environment = ["A": "1", "B": "2", "EMPTY": "", "_X9": "under"]
    let job = try configuration("name: a\ncatalog: { items: \"\(value)\" }\n", environment: environment)
    #expect(job.catalog.items == ["/jobs/" + expected])
  }

  /// A value is not looked at again: what an environment says cannot name another variable.
  @Test func aVariablesValueIsTextAndNothingElse() throws {
    let job = try configuration(
      "name: a\ncatalog: { items: \"${A}\" }\n", environment: ["A": "${HOME}: [1]\nname: b", "HOME": "/root"])
    #expect(job.catalog.items == ["/jobs/${HOME}: [1]\nname: b"] && job.name == "a")
  }

  @Test(arguments: ["${}", "${:-x}", "${A-b}", "${A B}", "${ÄB}", "${9}", "${A:b}"])
  func whatNamesNoVariableIsAnErrorThatShowsIt(value: String) {
    let text = message("name: a\ncatalog: { items: \"\(value)\" }\n", environment: ["A": "1"])
    #expect(text.hasPrefix("/jobs/job.yaml:2: catalog.items: ") && text.contains(value), "\(text)")
    #expect(text.contains("names no environment variable; write ${NAME} or ${NAME:-default}"), "\(text)")
  }

  @Test func aSetButEmptyVariableIsAValue() {
    let text = message("name: a\ncatalog: { items: \"${EMPTY}\" }\n", environment: ["EMPTY": ""])
    #expect(text.contains("catalog.items: expected text of 1 to 4096 bytes"), "\(text)")
  }

  @Test(arguments: [
    ("a", true), ("A-b_c.9", true), ("_", true), ("9", true), (String(repeating: "n", count: 64), true),
    (String(repeating: "n", count: 65), false), (".a", false), ("a b", false), ("ä", false), ("a/b", false),
    ("\"\"", false),
    ("\"a\\n\"", false), ("..", false),
  ])
  func aNameIsSafeAsAFilesName(name: String, isFine: Bool) {
    let text = message("name: \(name)\ncatalog: { items: x }\n")
    #expect((text == "no error") == isFine, "\(text)")
    if !isFine { #expect(text.contains("name: expected a name of letters, digits, '.', '-' and '_'")) }
  }

  @Test func atMostTwentyMistakesAreToldAndTheyAreTheFirst() {
    let keys = (0..<50).map { "unknown\($0): 1\n" }.joined()
    let lines = message("name: a\ncatalog: { items: x }\n" + keys).split(separator: "\n")
    #expect(lines.count == 20)
    #expect(lines[0].hasPrefix("/jobs/job.yaml:3: unknown key 'unknown0'"))
    #expect(lines[19].hasPrefix("/jobs/job.yaml:22: unknown key 'unknown19'"))
  }

  @Test func longValuesAreCutInMessages() {
    let text = message("name: a\ncatalog: { items: x }\nseed: \(String(repeating: "9", count: 500))\n")
    #expect(text.utf8.count < 200 && text.contains("found '" + String(repeating: "9", count: 60) + "'"))
  }

  @Test func theLimitsOfAFileAreItsLast() {
    let head = "name: a\ncatalog: { items: x }\n"
    func comment(_ bytes: Int) -> String { "#" + String(repeating: "c", count: bytes - head.utf8.count - 1) }
    #expect(message(head + comment(256 << 10)) == "no error")
    #expect(
      message(head + comment(256 << 10) + "c").contains("holds 262145 bytes; a pipeline file holds at most 262144"))
    let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(message("x: " + nested(31)).contains("unknown key 'x'"))
    #expect(message("x: " + nested(33)).contains("nested deeper than 32"))
    #expect(message("x: [" + String(repeating: "1,", count: 9_000) + "1]").contains("unknown key 'x'"))
    #expect(message("x: [" + String(repeating: "1,", count: 10_000) + "1]").contains("more than 10000 values"))
  }

  @Test func bytesThatAreNoTextAndFilesThatAreNoFilesAreRefused() throws {
    #expect {
      try PipelineConfiguration(
        yaml: [0x6E, 0xFF, 0xFE], path: "/jobs/job.yaml", environment: [:], currentDirectory: "/")
    } throws: {
      ($0 as? PipelineError)?.message == "/jobs/job.yaml: is not valid UTF-8; save it as UTF-8"
    }
    try withTemporaryDirectory { folder in
      _ = #expect {
        try PipelineConfiguration(contentsOf: folder)
      } throws: {
        let error = $0 as? PipelineError
        return error?.code == .inputMissing
          && error?.message == "the pipeline file '\(folder)' is a folder; name a file"
      }
    }
  }

  @Test(arguments: ["publish:", "publish: ~", "publish: null", "publish: {}"])
  func aSectionWithoutKeysIsThereInEverySpelling(section: String) throws {
    let chain = Self.chain.replacingOccurrences(of: "publish:\n", with: section + "\n")
    #expect(try configuration("name: a\ncatalog: { items: x }\n" + chain).publish?.keepGenerations == 7)
  }

  @Test(arguments: ["catalog:", "catalog: ~", "catalog: {}"])
  func aSectionThatNeedsAKeyIsNotThereWithoutOne(section: String) {
    let text = message("name: a\n" + section + "\n")
    #expect(text.hasPrefix("/jobs/job.yaml:2: ") && text.contains("items"), "\(text)")
  }

  /// Of a chain of stages each needs the one before, whichever is missing.
  @Test(arguments: [
    ("encode", "represent"), ("represent", "quantize"), ("quantize", "resolve"), ("resolve", "publish"),
  ])
  func aStageWithoutTheOneBeforeIsNamedWithIt(missing: String, stage: String) throws {
    let lines = Self.chain.split(separator: "\n").filter { !$0.hasPrefix(missing) }
    let yaml = "name: a\ncatalog: { items: x }\n" + lines.joined(separator: "\n")
    let line = try #require(lines.firstIndex { $0.hasPrefix(stage) }) + 3
    #expect(
      message(yaml) == "/jobs/job.yaml:\(line): '\(stage)' needs what '\(missing)' makes: add a section '\(missing)'")
  }

  @Test(arguments: ["export: [{ format: csv, path: a }]", "report: {}"])
  func whatReadsAGenerationNeedsOne(section: String) {
    let word = section.prefix { $0 != ":" }
    #expect(
      message("name: a\ncatalog: { items: x }\n" + section)
        == "/jobs/job.yaml:3: '\(word)' needs what 'publish' makes: add a section 'publish'")
  }

  @Test func anAttentionThatDoesNotDivideIsNamedAtItsHeads() {
    let head =
      "name: a\ncatalog: { items: x, interactions: y }\nencode: { text: {} }\nrepresent:\nquantize:\nresolve:\npublish:\npairs:\n"
    let sections = ["align", "behavior", "train"]
    for section in sections {
      let text = message(head + "\(section):\n  width: 30\n  heads: 4\n")
      #expect(text.contains("/jobs/job.yaml:11: \(section).heads: 4 does not divide \(section).width, 30"), "\(text)")
    }
  }

  @Test func alignmentAndBehaviorNameEverySectionThatTheyMiss() {
    let text = message("name: a\ncatalog: { items: x }\nalign:\nbehavior:\ntrain:\npreference:\n")
    for words in [
      ":3: 'align' learns from pairs: add the section 'pairs'", ":3: 'align' makes representations: add the section",
      ":4: 'behavior' learns in the window of pairs: add", ":4: 'behavior' joins representations: add the section",
      ":5: 'train' needs a behavior log: name one with 'catalog.interactions'",
      ":5: 'train' reads a published generation",
    ] { #expect(text.contains("/jobs/job.yaml" + words), "\(words)") }
    #expect(
      message("name: a\ncatalog: { items: x }\npreference:\n")
        == "/jobs/job.yaml:3: 'preference' aligns a trained recommender: add the section 'train'")
  }
}

/// The distance that suggestions go by, against its definition.
@Suite struct EditDistanceTests {
  /// By recursion on the last letters.
  private func slow(_ a: ArraySlice<Character>, _ b: ArraySlice<Character>) -> Int {
    guard let last = a.last, let other = b.last else { return a.count + b.count }
    var best = min(slow(a.dropLast(), b) + 1, slow(a, b.dropLast()) + 1)
    best = min(best, slow(a.dropLast(), b.dropLast()) + (last == other ? 0 : 1))
    if a.count > 1, b.count > 1, a.dropLast().last == other, b.dropLast().last == last {
      best = min(best, slow(a.dropLast(2), b.dropLast(2)) + 1)
    }
    return best
  }

  @Test func agreesWithTheDefinition() {
    var random = RandomSource(seed: 8)
    func word() -> String {
      String((0..<Int.random(in: 0...5, using: &random)).map { _ in "abc".randomElement(using: &random)! })
    }
    for _ in 0..<150 {
      let (a, b) = (word(), word())
      let expected = slow(Array(a)[...], Array(b)[...])
      #expect(editDistance(a, b) == expected && editDistance(b, a) == expected, "\(a) \(b)")
    }
  }

  @Test func aSuggestionIsTheNearestAndTheFirstOfEqualOnes() {
    #expect(nearest(to: "seeb", among: ["seed", "seek"]) == "seed")
    #expect(nearest(to: "SEED", among: ["seed"]) == "seed", "capitals do not count")
    #expect(nearest(to: "ab", among: ["cd"]) == nil, "as far as its length is no slip")
    #expect(nearest(to: "a", among: []) == nil)
    #expect(nearest(to: "", among: ["x"]) == "x", "one letter is one slip")
    #expect(editDistance(String(repeating: "a", count: 1000), String(repeating: "b", count: 1000)) == 64, "cut short")
  }
}
