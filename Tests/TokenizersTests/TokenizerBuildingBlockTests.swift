import Foundation
import Testing
import Tokenizers

@Suite("What tokenizers are built of")
struct TokenizerBuildingBlockTests {
  @Test func aTrieFindsExactlyWhatWasInserted() {
    var trie = ByteTrie()
    let words = (0..<5000).map { Array(String($0 * 7919 % 5000, radix: 3).utf8) }
    for (id, word) in words.enumerated() {
      let isInserted = trie.insert(word, id: Int32(id))
      #expect(isInserted)
    }
    for (id, word) in words.enumerated() { #expect(trie.id(of: word) == Int32(id)) }
    for number in 5000..<9000 { #expect(trie.id(of: Array(String(number * 3, radix: 3).utf8) + [0x33]) == -1) }
    #expect(trie.id(of: Array("9".utf8)) == -1)
    #expect(trie.walk(Array("2x".utf8)) == ByteTrie.none)
    let isReplaced = trie.insert(words[7], id: 1_000_000)
    #expect(isReplaced)
    #expect(trie.id(of: words[7]) == 1_000_000)
  }

  @Test func scalarsSurviveTheWayThroughUTF8() {
    for value in [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] as [UInt32] {
      var bytes = Bytes()
      bytes.append(scalar: value)
      #expect(Array(bytes) == Array(String(Character(Unicode.Scalar(value)!)).utf8))
      #expect(bytes.scalar(at: 0, end: bytes.count).value == value)
      #expect(bytes.scalar(at: 0, end: bytes.count).length == bytes.count)
      #expect(bytes.scalar(before: bytes.count, start: 0).value == value)
    }
  }

  @Test func bytesThatAreNoTextReadAsReplacementsOfOneByte() {
    for bytes in [[0x80], [0xC0, 0x80], [0xE2, 0x82], [0xF8, 0x80], [0xC3, 0x41]] as [Bytes] {
      let scalar = bytes.scalar(at: 0, end: bytes.count)
      #expect(scalar.value == 0xFFFD)
      #expect(scalar.length == 1)
    }
  }

  @Test func everyByteHasItsOwnPrintableStandIn() {
    #expect(Set(ByteAlphabet.scalars).count == 256)
    #expect(ByteAlphabet.scalars[0x20] == 0x120)
    #expect(ByteAlphabet.scalars[0x0A] == 0x10A)
    #expect(ByteAlphabet.scalars[0x61] == 0x61)
  }

  @Test(arguments: [
    (0x41, ScalarClass.letter, true), (0x24, .punctuation, true), (0x166D, .punctuation, true),
    (0x2E43, .punctuation, false), (0x301, .nonspacingMark, true), (0x8D4, .nonspacingMark, false),
    (0x8D4, .combiningMark, true), (0x8D3, .combiningMark, false), (0x1885, .nonspacingMark, false),
    (0x200D, .other, true), (0x200D, .word, true), (0x3000, .whitespace, true), (0x200B, .whitespace, false),
    (0xBD, .numeral, true), (0x5F, .word, true), (0x4E00, .ideograph, true), (0x3042, .ideograph, false),
  ])
  func classesAreThoseOfTheLibrarysUnicodeVersions(value: UInt32, classes: ScalarClass, expected: Bool) {
    #expect(ScalarClass.of(value).contains(classes) == expected)
  }

  @Test(arguments: UnicodeForm.allCases)
  func normalFormsOfOldScalarsAreThePlatforms(form: UnicodeForm) throws {
    let tokenizer = try tinyTokenizer(
      normalizer: "{\"type\": \"\(form.rawValue)\"}",
      model: """
        {"type": "BPE", "byte_fallback": true, "merges": [], "vocab":
         {\((0..<256).map { "\"<0x\(String(format: "%02X", $0))>\": \($0)" }.joined(separator: ", "))}}
        """)
    // The platform leaves these three marks unsorted; the reference library and Python's unicodedata sort them.
    for value in (0xA1...0x30FF).compactMap({ Unicode.Scalar(UInt32($0)) })
    where (value.properties.age?.major ?? 99) <= 9 && ![0xF73, 0xF75, 0xF81].contains(value.value) {
      // The platform does not sort marks behind what a compatibility mapping ends in, so none follow there.
      let marks = form == .nfc || form == .nfd ? "\u{323}\u{301}\u{327}" : ""
      let text = "e\(Character(value))\(marks)"
      let expected =
        switch form {
        case .nfc: text.precomposedStringWithCanonicalMapping
        case .nfd: text.decomposedStringWithCanonicalMapping
        case .nfkc: text.precomposedStringWithCompatibilityMapping
        case .nfkd: text.decomposedStringWithCompatibilityMapping
        }
      #expect(tokenizer.encode(text) == expected.utf8.map(Int32.init), "U+\(String(value.value, radix: 16))")
    }
  }
}
