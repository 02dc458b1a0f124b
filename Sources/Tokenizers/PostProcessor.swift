/// What surrounds the model's ids: a template of special tokens around the text.
struct PostProcessor: Sendable {
  private enum Part {
    case text
    case special([Int32])
  }

  /// More parts or special ids than this are refused.
  private static let maximumParts = 256

  private let parts: [Part]
  /// How many special ids the text gets.
  let addedCount: Int

  static let names = ["TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence"]

  /// No special tokens.
  init() {
    parts = [.text]
    addedCount = 0
  }

  private init(_ parts: [Part], _ field: JSONField) throws(TokenizerError) {
    self.parts = parts
    var count = 0
    for case .special(let ids) in parts { count += ids.count }
    guard parts.count <= Self.maximumParts, count <= Self.maximumParts else {
      throw field.failure("the template has \(parts.count) parts, expected at most \(Self.maximumParts)")
    }
    addedCount = count
  }

  init(_ field: JSONField) throws(TokenizerError) {
    let type = try field["type"].string()
    switch type {
    case "TemplateProcessing": try self.init(Self.template(field), field)
    case "BertProcessing", "RobertaProcessing":
      try self.init([.special([Self.pairedID(field["cls"])]), .text, .special([Self.pairedID(field["sep"])])], field)
    case "ByteLevel": self.init()
    case "Sequence":
      var result = PostProcessor()
      for part in try field["processors"].fields() {
        let processor = try PostProcessor(part)
        guard processor.addedCount > 0 || processor.parts.count > 1 else { continue }
        guard result.addedCount == 0 else {
          throw TokenizerError(
            .unsupportedComponent, "tokenizer.json, \(part.path): a second post-processor that adds tokens")
        }
        result = processor
      }
      self = result
    default: throw TokenizerError.unsupported(type, "post-processor", at: field, known: Self.names)
    }
  }

  /// The id of a `["token", id]` pair.
  private static func pairedID(_ field: JSONField) throws(TokenizerError) -> Int32 {
    let parts = try field.fields()
    guard parts.count == 2 else { throw field.failure("expected a token with its id") }
    return try parts[1].tokenID()
  }

  private static func template(_ field: JSONField) throws(TokenizerError) -> [Part] {
    var parts: [Part] = []
    for part in try field["single"].fields() {
      let sequence = part["Sequence"]
      if !sequence.isNull {
        let id = try sequence["id"].string()
        guard id == "A" else { throw sequence.failure("found sequence \"\(id)\", expected A: there is one text only") }
        parts.append(.text)
        continue
      }
      let name = try part["SpecialToken"]["id"].string()
      let special = field["special_tokens"][name]
      guard !special.isNull else { throw part.failure("\"special_tokens\" has no \"\(name)\"") }
      var ids: [Int32] = []
      for id in try special["ids"].fields() { ids.append(try id.tokenID()) }
      parts.append(.special(ids))
    }
    return parts
  }

  /// Throws unless every special id belongs to a token.
  func check(_ field: JSONField, _ exists: (Int32) -> Bool) throws(TokenizerError) {
    for case .special(let ids) in parts {
      if let id = ids.first(where: { !exists($0) }) { throw field.failure("no token has the special id \(id)") }
    }
  }

  /// `body`, which holds at most `limit` ids for the text, with its special ids.
  func apply(_ body: ArraySlice<Int32>) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(body.count + addedCount)
    for part in parts {
      switch part {
      case .text: result += body
      case .special(let ids): result += ids
      }
    }
    return result
  }
}

extension JSONField {
  func tokenID() throws(TokenizerError) -> Int32 {
    Int32(try integer(in: 0...Vocabulary.maximumSize - 1))
  }
}
