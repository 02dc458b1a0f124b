/// How normalized text is cut into the words that the model sees: one component of "pre_tokenizer", or a chain.
indirect enum PreTokenizer: Sendable {
  case bert
  case byteLevel(addsPrefixSpace: Bool, usesExpression: Bool)
  case whitespace
  case whitespaceSplit
  case split(TextPattern, SplitBehavior, invert: Bool)
  case metaspace(Metaspace)
  case punctuation(SplitBehavior)
  case digits(individual: Bool)
  case delimiter(UInt32)
  case sequence([PreTokenizer])

  static let names = [
    "BertPreTokenizer", "ByteLevel", "Whitespace", "WhitespaceSplit", "Split", "Metaspace", "Punctuation", "Digits",
    "CharDelimiterSplit", "Sequence",
  ]

  init(_ field: JSONField) throws(TokenizerError) {
    let type = try field["type"].string()
    switch type {
    case "BertPreTokenizer": self = .bert
    case "ByteLevel":
      self = .byteLevel(
        addsPrefixSpace: try field["add_prefix_space"].bool(default: true),
        usesExpression: try field["use_regex"].bool(default: true))
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    case "Split":
      self = .split(
        try TextPattern(field["pattern"]), try SplitBehavior(field["behavior"]),
        invert: try field["invert"].bool(default: false))
    case "Metaspace": self = .metaspace(try Metaspace(field))
    case "Punctuation":
      self = .punctuation(field["behavior"].isNull ? .isolated : try SplitBehavior(field["behavior"]))
    case "Digits": self = .digits(individual: try field["individual_digits"].bool(default: false))
    case "CharDelimiterSplit": self = .delimiter(try field["delimiter"].scalar())
    case "Sequence":
      var chain: [PreTokenizer] = []
      for part in try field["pretokenizers"].fields() { chain.append(try PreTokenizer(part)) }
      self = .sequence(chain)
    default: throw TokenizerError.unsupported(type, "pre-tokenizer", at: field, known: Self.names)
    }
  }

  func apply(to list: inout PieceList) {
    switch self {
    case .bert: list.cut(Self.cutBert)
    case .whitespace: list.cut(Self.cutWords)
    case .byteLevel(let addsPrefixSpace, let usesExpression):
      list.rewrite { Self.byteLevel($0, $1, &$2, addsPrefixSpace: addsPrefixSpace, usesExpression: usesExpression) }
    case .whitespaceSplit: Self.cut(&list, at: .whitespace, .removed)
    case .split(let pattern, let behavior, let invert):
      list.cut { bytes, piece, result in
        let matches = pattern.matches(in: bytes, piece.start, piece.end)
        behavior.split(piece, at: matches, invert: invert, into: &result)
      }
    case .metaspace(let metaspace): list.rewrite(metaspace.rewrite)
    case .punctuation(let behavior): Self.cut(&list, at: .punctuation, behavior)
    case .digits(let individual): Self.cut(&list, at: .numeral, individual ? .isolated : .contiguous)
    case .delimiter(let delimiter): Self.cut(&list, .removed) { $0 == delimiter }
    case .sequence(let chain): for part in chain { part.apply(to: &list) }
    }
  }

  private static func cut(_ list: inout PieceList, at classes: ScalarClass, _ behavior: SplitBehavior) {
    cut(&list, behavior) { ScalarClass.of($0).contains(classes) }
  }

  /// Splits at every scalar that `isMatch`.
  private static func cut(_ list: inout PieceList, _ behavior: SplitBehavior, _ isMatch: (UInt32) -> Bool) {
    list.cut { bytes, piece, result in
      var matches = ContiguousArray<Range<Int>>()
      var index = piece.start
      while index < piece.end {
        let scalar = bytes.scalar(at: index, end: piece.end)
        if isMatch(scalar.value) { matches.append(index..<index + scalar.length) }
        index += scalar.length
      }
      behavior.split(piece, at: matches, invert: false, into: &result)
    }
  }

  /// White space goes, punctuation stands alone.
  private static func cutBert(_ bytes: Bytes, _ piece: Piece, _ result: inout ContiguousArray<Piece>) {
    var start = piece.start
    var index = start
    while index < piece.end {
      let scalar = bytes.scalar(at: index, end: piece.end)
      let classes = ScalarClass.of(scalar.value)
      let next = index + scalar.length
      if !classes.isDisjoint(with: [.whitespace, .punctuation]) {
        result.append(start, index, of: piece)
        if !classes.contains(.whitespace) { result.append(index, next, of: piece) }
        start = next
      }
      index = next
    }
    result.append(start, piece.end, of: piece)
  }

  /// `\w+|[^\w\s]+`
  private static func cutWords(_ bytes: Bytes, _ piece: Piece, _ result: inout ContiguousArray<Piece>) {
    var start = piece.start
    var index = start
    var run: ScalarClass = .whitespace
    while index < piece.end {
      let scalar = bytes.scalar(at: index, end: piece.end)
      let kind = ScalarClass.of(scalar.value).intersection([.word, .whitespace])
      if kind != run {
        if run != .whitespace { result.append(start, index, of: piece) }
        start = index
        run = kind
      }
      index += scalar.length
    }
    if run != .whitespace { result.append(start, piece.end, of: piece) }
  }

  private static func byteLevel(
    _ bytes: Bytes, _ piece: Piece, _ result: inout PieceList, addsPrefixSpace: Bool, usesExpression: Bool
  ) {
    guard piece.end > piece.start else { return }
    var text = bytes
    var start = piece.start
    var end = piece.end
    if addsPrefixSpace, bytes[start] != 0x20 {
      text = [0x20] + bytes[start..<end]
      start = 0
      end = text.count
    }
    var isFirst = piece.startsAtOrigin
    while start < end {
      let next = usesExpression ? KnownPattern.gpt2.matchEnd(text, start, end) : end
      let first = result.bytes.count
      for index in start..<next { ByteAlphabet.append(text[index], to: &result.bytes) }
      result.pieces.append(Piece(start: first, end: result.bytes.count, startsAtOrigin: isFirst))
      isFirst = false
      start = next
    }
  }
}

extension JSONField {
  /// A string of one scalar.
  func scalar() throws(TokenizerError) -> UInt32 {
    let text = try string()
    guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else {
      throw failure("found \"\(text)\", expected one character")
    }
    return scalar.value
  }
}
