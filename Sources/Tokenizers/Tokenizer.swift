internal import Foundation

/// A tokenizer from a Hugging Face `tokenizer.json`: text in, the ids that Python's `tokenizers` gives out.
///
/// ```swift
/// let tokenizer = try Tokenizer(contentsOf: "all-MiniLM-L6-v2/tokenizer.json")
/// tokenizer.encode("Toy Story (1995)")  // [101, 9121, 2466, 1006, 2786, 1007, 102]
/// ```
///
/// Models: WordPiece, byte-pair encoding, Unigram, with their normalizers, pre-tokenizers and post-processors. What the
/// file says about truncation, padding and decoding is not read.
public struct Tokenizer: Sendable {
  /// One more than the largest id, added tokens included: the rows that an embedding table needs.
  public let vocabularySize: Int

  private let vocabulary: Vocabulary
  private let model: TokenizationModel
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let postProcessor: PostProcessor
  private let addedTokens: AddedVocabulary

  /// Reads a `tokenizer.json`.
  ///
  /// - Parameter maximumBytes: a larger file is refused.
  /// - Throws: ``TokenizerError`` that names the place in the file.
  public init(contentsOf path: String, maximumBytes: Int = 64 << 20) throws(TokenizerError) {
    let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
    guard let size else {
      throw TokenizerError(.unreadableFile, "cannot read \(path); give the path of a tokenizer.json")
    }
    guard size.intValue <= maximumBytes else {
      throw TokenizerError(.unreadableFile, "\(path) has \(size.intValue) bytes, at most \(maximumBytes) are read")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw TokenizerError(.unreadableFile, "cannot read \(path): \(error.localizedDescription)")
    }
    try self.init(json: [UInt8](data))
  }

  /// Reads the contents of a `tokenizer.json`.
  public init(json: [UInt8]) throws(TokenizerError) {
    let root = JSONField(value: try JSONReader.parse(json), path: "")
    if !root["version"].isNull, try root["version"].string() != "1.0" {
      throw root["version"].failure("found \"\(try root["version"].string())\", expected \"1.0\"")
    }
    let vocabulary = try TokenizationModel.vocabulary(root["model"])
    let normalizer = root["normalizer"].isNull ? nil : try Normalizer(root["normalizer"])
    let added = try AddedVocabulary(root["added_tokens"], vocabulary, normalizer)
    model = try TokenizationModel(root["model"], vocabulary)
    preTokenizer = root["pre_tokenizer"].isNull ? nil : try PreTokenizer(root["pre_tokenizer"])
    let processor = root["post_processor"].isNull ? PostProcessor() : try PostProcessor(root["post_processor"])
    try processor.check(root["post_processor"]) { added.token($0) != nil || vocabulary.token($0) != nil }
    postProcessor = processor
    vocabularySize = max(vocabulary.size, added.size)
    self.vocabulary = vocabulary
    self.normalizer = normalizer
    addedTokens = added
  }

  /// The ids of a text, with the post-processor's special tokens.
  ///
  /// - Parameter maximumLength: at most so many ids come out, the special tokens included; what is too long loses its
  ///   end, before the special tokens go around it. Nil: nothing is cut, whatever `tokenizer.json` says.
  /// - Complexity: O(n) for WordPiece and Unigram, O(n log n) for byte pairs, n the bytes of the text.
  public func encode(_ text: String, maximumLength: Int? = nil) -> [Int32] {
    let limit = maximumLength.map { max(0, $0 - postProcessor.addedCount) } ?? .max
    var list = PieceList(Bytes(text.utf8))
    addedTokens.splitRaw(&list)
    normalize(&list)
    preTokenizer?.apply(to: &list)
    var ids = ContiguousArray<Int32>()
    ids.reserveCapacity(min(limit, list.pieces.count * 2))
    for piece in list.pieces where ids.count < limit {
      if piece.id >= 0 {
        ids.append(piece.id)
      } else if piece.end > piece.start {
        model.encode(list.bytes, piece.start, piece.end, into: &ids)
      }
    }
    let result = postProcessor.apply(ids.prefix(limit))
    return maximumLength.map { Array(result.prefix(max(0, $0))) } ?? result
  }

  private func normalize(_ list: inout PieceList) {
    if let normalizer {
      list.rewrite { bytes, piece, result in
        var text = NormalizedText(Bytes(bytes[piece.start..<piece.end]), startsAtOrigin: piece.startsAtOrigin)
        normalizer.apply(to: &text)
        let start = result.bytes.count
        if start == 0 { result.bytes = text.bytes } else { result.bytes += text.bytes }
        result.pieces.append(
          Piece(start: start, end: result.bytes.count, startsAtOrigin: text.startsAtOrigin))
      }
    }
    addedTokens.splitNormalized(&list)
  }

  /// The id of a token of the vocabulary or an added one.
  public func id(of token: String) -> Int32? {
    if let id = addedTokens.id(of: token) { return id }
    let id = vocabulary.id(of: token)
    return id >= 0 ? id : nil
  }

  /// The token of an id, as the vocabulary spells it.
  public func token(_ id: Int32) -> String? { addedTokens.token(id) ?? vocabulary.token(id) }
}
