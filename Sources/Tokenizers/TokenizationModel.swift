/// What turns words into ids.
enum TokenizationModel: Sendable {
  case wordPiece(WordPieceModel)
  case bytePair(BytePairModel)
  case unigram(UnigramModel)

  static let names = ["WordPiece", "BPE", "Unigram"]

  /// The vocabulary of a "model" component.
  static func vocabulary(_ field: JSONField) throws(TokenizerError) -> Vocabulary {
    let isUnigram = if case .array = field["vocab"].value { true } else { false }
    return isUnigram ? try UnigramModel.vocabulary(field["vocab"]) : try Vocabulary.read(field["vocab"])
  }

  init(_ field: JSONField, _ vocabulary: Vocabulary) throws(TokenizerError) {
    switch try Self.type(of: field) {
    case "WordPiece": self = .wordPiece(try WordPieceModel(field, vocabulary))
    case "BPE": self = .bytePair(try BytePairModel(field, vocabulary))
    case "Unigram": self = .unigram(try UnigramModel(field, vocabulary))
    case let type: throw TokenizerError.unsupported(type, "model", at: field, known: Self.names)
    }
  }

  /// Old files do not say; then the fields that only one model has do.
  private static func type(of field: JSONField) throws(TokenizerError) -> String {
    if !field["type"].isNull { return try field["type"].string() }
    if !field["merges"].isNull { return "BPE" }
    if !field["max_input_chars_per_word"].isNull { return "WordPiece" }
    if !field["unk_id"].isNull { return "Unigram" }
    throw field["type"].failure("found nothing, expected one of \(names.joined(separator: ", "))")
  }

  /// Appends the ids of the word between `start` and `end`.
  @inline(__always)
  func encode(_ bytes: Bytes, _ start: Int, _ end: Int, into ids: inout ContiguousArray<Int32>) {
    switch self {
    case .wordPiece(let model): model.encode(bytes, start, end, into: &ids)
    case .bytePair(let model): model.encode(bytes, start, end, into: &ids)
    case .unigram(let model): model.encode(bytes, start, end, into: &ids)
    }
  }
}
