import TensorMath
import TestSupport
import Testing
import Tokenizers

/// A damaged tokenizer.json ends in an error, or in a tokenizer that encodes whatever it is given.
@Suite("Damaged tokenizers")
struct TokenizerFuzzTests {
  static let torture =
    "A\u{301}b\u{0} <mask> 漢字 👨‍👩‍👧 ﬁ\r\n  it's 1234 \u{FFFD}\u{200D}\u{10FFFF} ▁x " + String(repeating: "ab1 ", count: 20)
    + String(repeating: "z", count: 120)

  private func encodes(_ json: [UInt8]) throws -> Bool {
    do {
      let tokenizer = try Tokenizer(json: json)
      let ids = tokenizer.encode(Self.torture)
      #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
      #expect(tokenizer.encode(Self.torture, maximumLength: 9).count <= 9)
      return true
    } catch {
      #expect(!error.message.isEmpty)
      return false
    }
  }

  @Test(arguments: ["bert", "roberta", "clip", "llama2", "unigram", "unigram-bytes", "pre-split", "pre-punctuation"])
  func tenThousandDamagedTokenizers(name: String) throws {
    let sound = try TokenizerFixtures.bytes("tokenizers/" + name)
    var random = RandomSource(seed: 11)
    var sounds = 0
    for _ in 0..<1250 where try encodes(damaged(sound, using: &random)) { sounds += 1 }
    #expect(sounds < 1250)
  }

  /// Damage outside the vocabulary, where the structure is.
  @Test(arguments: ["bert", "clip", "unigram", "pre-split", "pre-metaspace-split"])
  func twoThousandSwappedValues(name: String) throws {
    let sound = String(decoding: try TokenizerFixtures.bytes("tokenizers/" + name), as: UTF8.self)
    let values = ["null", "-1", "0", "1e300", "4294967295", "\"\"", "[]", "{}", "true", "\"Sequence\"", "false"]
    var random = RandomSource(seed: 12)
    let parts = sound.split(separator: ":", maxSplits: 120, omittingEmptySubsequences: false)
    for _ in 0..<400 {
      var changed = parts.map(String.init)
      let place = Int.random(in: 1..<changed.count, using: &random)
      let rest = changed[place].drop { !",]}".contains($0) }
      changed[place] = values.randomElement(using: &random)! + rest
      _ = try encodes(Array(changed.joined(separator: ":").utf8))
    }
  }

  @Test func charactersMapsOfRandomUnits() throws {
    var random = RandomSource(seed: 13)
    for _ in 0..<2000 {
      let count = Int.random(in: 0...40, using: &random)
      var bytes = [UInt8(count * 4), 0, 0, 0]
      for _ in 0..<(count * 4 + 8) { bytes.append(UInt8.random(in: 0...127, using: &random)) }
      let map = "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\(base64(bytes))\"}"
      if let tokenizer = try? tinyTokenizer(normalizer: map) { _ = tokenizer.encode(Self.torture) }
    }
  }

  private func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var result = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
      let word = group[0] << 16 | group[1] << 8 | group[2]
      for digit in 0..<4 {
        let isPadding = start + digit - 1 >= bytes.count && digit > 1
        result.append(isPadding ? "=" : letters[Int(word >> UInt32(18 - digit * 6) & 63)])
      }
    }
    return result
  }

  @Test(arguments: TokenizerFixtures.names)
  func millionByteTextsAreEncoded(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    for unit in ["a", "\u{301}\u{323}", "a \u{301}", "漢", "👨‍👩‍👧‍👦", "\u{0}", " ", "x1.", "\r\n"] {
      let text = String(repeating: unit, count: 300_000 / unit.utf8.count)
      _ = tokenizer.encode(text)
      #expect(tokenizer.encode(text, maximumLength: 16).count <= 16)
    }
  }
}
