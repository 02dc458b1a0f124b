import Foundation
import PipelineEngine
import TensorMath
import Testing

/// What a stage is made of, and why it is not what it was.
@Suite struct StageFingerprintTests {
  private static func inputs(_ values: [(String, String)]) -> [StageInput] {
    values.map { StageInput(name: $0.0, value: $0.1) }
  }

  private static func fingerprint(
    _ version: Int = 1, _ configuration: [(String, String)] = [], _ found: [(String, String)] = []
  ) -> StageFingerprint {
    StageFingerprint(codeVersion: version, configuration: inputs(configuration), inputs: inputs(found))
  }

  private static func random(using source: inout RandomSource) -> StageFingerprint {
    let names = ["a", "b", "c", "d"].filter { _ in Int.random(in: 0..<4, using: &source) > 0 }
    let values = names.map { ($0, "\(Int.random(in: 0..<2, using: &source))") }
    return fingerprint(Int.random(in: 1...2, using: &source), values, values.reversed().dropLast())
  }

  @Test func thereIsAReasonExactlyWhereTheDigestDiffers() {
    var source = RandomSource(seed: 6)
    var same = 0
    for _ in 0..<3000 {
      let (old, new) = (Self.random(using: &source), Self.random(using: &source))
      #expect((new.difference(from: old) == nil) == (new == old))
      #expect((new.digest == old.digest) == (new == old))
      #expect((old.difference(from: new) == nil) == (new.difference(from: old) == nil))
      same += new == old ? 1 : 0
    }
    #expect(same > 3)
  }

  @Test func codeCountsBeforeConfigurationAndThatBeforeInputs() {
    let old = Self.fingerprint(1, [("seed", "1"), ("sizes", "8")], [("catalog", "x")])
    #expect(
      Self.fingerprint(2, [("seed", "2")], []).difference(from: old) == "its code changed (version 1 → 2)")
    #expect(
      Self.fingerprint(1, [("seed", "1"), ("sizes", "9")], []).difference(from: old)
        == "configuration sizes changed (8 → 9)")
    // What is new or changed is told before what is gone.
    #expect(
      Self.fingerprint(1, [("more", "2"), ("seed", "1")], [("catalog", "y")]).difference(from: old)
        == "configuration more is new: 2")
    #expect(Self.fingerprint(1, [("seed", "1")], []).difference(from: old) == "configuration sizes is gone")
    #expect(
      Self.fingerprint(1, [("seed", "1"), ("sizes", "8")], []).difference(from: old) == "input catalog is gone")
  }

  @Test func namesAndValuesDoNotRunIntoOneAnother() {
    let prints = [
      Self.fingerprint(1, [("ab", "c")]), Self.fingerprint(1, [("a", "bc")]), Self.fingerprint(1, [("abc", "")]),
      Self.fingerprint(1, [("", "abc")]), Self.fingerprint(1, [("ab", ""), ("c", "")]),
      Self.fingerprint(2, [("ab", "c")]),
    ]
    #expect(Set(prints.map(\.digest)).count == prints.count)
    #expect(prints.allSatisfy { $0.digest.count == 64 && $0.digest.allSatisfy(\.isHexDigit) })
  }

  /// A value as a reason shows it.
  private static func shown(_ value: String) -> String? {
    fingerprint(1, [("x", value)]).difference(from: fingerprint()).map {
      String($0.dropFirst("configuration x is new: ".count))
    }
  }

  @Test func longValuesAreCutAndDigestsAreShort() {
    let sixty = String(repeating: "v", count: 60)
    #expect(Self.shown(sixty) == sixty)
    #expect(Self.shown(sixty + "w") == String(repeating: "v", count: 57) + "…")
    #expect(Self.shown("0123456789abcdef" + String(repeating: "f", count: 48)) == "01234567")
    // As long as a digest and none.
    #expect(Self.shown(String(repeating: "g", count: 64)) == String(repeating: "g", count: 57) + "…")
    #expect(Self.shown("") == "")
  }

  @Test func whatIsKeptAsJSONIsTheSame() throws {
    var source = RandomSource(seed: 7)
    for _ in 0..<50 {
      var print = Self.random(using: &source)
      print.inputs.append(StageInput(name: "path \"\\ü\n", value: "\u{1F600}\u{0}/"))
      let data = try JSONEncoder().encode(print)
      let read = try JSONDecoder().decode(StageFingerprint.self, from: data)
      #expect(read == print && read.digest == print.digest)
    }
  }
}
