import Foundation
import Testing
import Tokenizers

/// The files that tools/fixtures/tokenizers.py writes.
enum TokenizerFixtures {
  static let names = [
    "bert", "bert-cased", "roberta", "clip", "llama3", "llama2", "unigram", "unigram-bytes", "pre-digits",
    "pre-digit-runs", "pre-punctuation", "pre-split", "pre-byte-level", "norm-byte-level", "pre-metaspace-split",
  ]

  static func bytes(_ name: String) throws -> [UInt8] {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name + ".json")))
  }

  static func texts() throws -> [String] {
    try JSONDecoder().decode([String].self, from: Data(bytes("texts")))
  }

  /// The reference ids of every text, whole ("whole") and for some tokenizers cut to twelve ("12").
  static func ids(_ name: String) throws -> [String: [[Int32]]] {
    try JSONDecoder().decode([String: [String]].self, from: Data(bytes("ids/" + name)))
      .mapValues { try $0.map(unpacked) }
  }

  /// "7 8*3" is 7, 8, 8, 8.
  private static func unpacked(_ text: String) throws -> [Int32] {
    try text.split(separator: " ").flatMap { part in
      let numbers = try part.split(separator: "*").map { try #require(Int32($0)) }
      return repeatElement(numbers[0], count: numbers.count > 1 ? Int(numbers[1]) : 1)
    }
  }

  static func tokenizer(_ name: String) throws -> Tokenizer { try Tokenizer(json: bytes("tokenizers/" + name)) }
}

/// A tokenizer whose tokens are the letters a to z and what `extra` adds, whole words without pieces.
func tinyTokenizer(
  normalizer: String = "null", preTokenizer: String = "null", processor: String = "null", added: String = "[]",
  model: String? = nil
) throws -> Tokenizer {
  let letters = (0..<26).map { "\"\(Character(Unicode.Scalar(UInt8(97 + $0))))\": \($0 + 1)" }
  let standard = """
    {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, \(letters.joined(separator: ", ")), "▁": 27, " ": 28,
     "ab": 29, "abc": 30, "bc": 31}, "merges": ["b c", "a b", "ab c"]}
    """
  return try Tokenizer(
    json: Array(
      """
      {"version": "1.0", "added_tokens": \(added), "normalizer": \(normalizer), "pre_tokenizer": \(preTokenizer),
       "post_processor": \(processor), "model": \(model ?? standard)}
      """.utf8))
}

extension Tokenizer {
  /// The tokens of a text, for readable expectations.
  func tokens(_ text: String) -> [String] { encode(text).map { token($0) ?? "none" } }
}
