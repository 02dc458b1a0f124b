/// What happens to text before it is cut: one component of `tokenizer.json`'s "normalizer", or a chain of them.
indirect enum Normalizer: Sendable {
  case bert(BertNormalizer)
  case form(UnicodeForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case replace(TextPattern, with: Bytes)
  case prepend(Bytes)
  case precompiled(PrecompiledCharacterMap)
  case nmt
  case byteLevel
  case sequence([Normalizer])

  static let names = [
    "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Prepend",
    "Precompiled", "Nmt", "ByteLevel", "Sequence",
  ]

  init(_ field: JSONField) throws(TokenizerError) {
    let type = try field["type"].string()
    switch type {
    case "BertNormalizer", "Bert": self = .bert(try BertNormalizer(field))
    case "NFC", "NFD", "NFKC", "NFKD": self = .form(UnicodeForm(rawValue: type) ?? .nfc)
    case "Lowercase": self = .lowercase
    case "Strip":
      self = .strip(
        left: try field["strip_left"].bool(default: true), right: try field["strip_right"].bool(default: true))
    case "StripAccents": self = .stripAccents
    case "Replace":
      self = .replace(try TextPattern(field["pattern"]), with: Bytes(try field["content"].string().utf8))
    case "Prepend": self = .prepend(Bytes(try field["prepend"].string().utf8))
    case "Precompiled": self = .precompiled(try PrecompiledCharacterMap(field["precompiled_charsmap"]))
    case "Nmt": self = .nmt
    case "ByteLevel": self = .byteLevel
    case "Sequence":
      var chain: [Normalizer] = []
      for part in try field["normalizers"].fields() { chain.append(try Normalizer(part)) }
      self = .sequence(chain)
    default: throw TokenizerError.unsupported(type, "normalizer", at: field, known: Self.names)
    }
  }

  func apply(to text: inout NormalizedText) {
    guard !text.bytes.isEmpty else { return }
    switch self {
    case .bert(let bert): bert.apply(to: &text)
    case .form(let form): text.normalize(form)
    case .lowercase: text.lowercase()
    case .strip(let left, let right): text.strip(left: left, right: right)
    case .stripAccents:
      guard !text.bytes.isASCII else { return }
      text.mapScalars { if !ScalarClass.of($0).contains(.combiningMark) { $1.append(scalar: $0) } }
    case .replace(let pattern, let content): text.replace(pattern, with: content)
    case .prepend(let prefix): text.bytes = prefix + text.bytes
    case .precompiled(let map): text.bytes = map.normalized(text.bytes)
    case .nmt: text.mapScalars(Self.appendNmt)
    case .byteLevel: text.bytes = ByteAlphabet.encoded(text.bytes, 0, text.bytes.count)
    case .sequence(let chain): for part in chain { part.apply(to: &text) }
    }
  }

  /// The rules of SentencePiece's neural machine translation normalizer.
  private static func appendNmt(_ scalar: UInt32, _ result: inout Bytes) {
    switch scalar {
    case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
    case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: result.append(0x20)
    default: result.append(scalar: scalar)
    }
  }
}

extension TokenizerError {
  static func unsupported(_ type: String, _ role: String, at field: JSONField, known: [String]) -> TokenizerError {
    TokenizerError(
      .unsupportedComponent,
      "tokenizer.json, \(field.path): unknown \(role) \"\(type)\"; known are \(known.joined(separator: ", "))")
  }
}
