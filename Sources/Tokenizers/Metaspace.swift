/// SentencePiece's way with spaces: a visible mark stands for each, and starts a new piece.
struct Metaspace: Sendable {
  private enum Prepending: String {
    case always, first, never
  }

  private let mark: Bytes
  private let prepending: Prepending
  private let splits: Bool

  init(_ field: JSONField) throws(TokenizerError) {
    var mark = Bytes()
    mark.append(scalar: field["replacement"].isNull ? 0x2581 : try field["replacement"].scalar())
    self.mark = mark
    splits = try field["split"].bool(default: true)
    let addsPrefixSpace = field["add_prefix_space"]
    let scheme = field["prepend_scheme"]
    if scheme.isNull {
      // Files from before the schemes.
      prepending = try addsPrefixSpace.bool(default: true) ? .always : .never
      return
    }
    let name = try scheme.string()
    guard let prepending = Prepending(rawValue: name) else {
      throw scheme.failure("unknown scheme \"\(name)\"; known are always, first, never")
    }
    guard try addsPrefixSpace.bool(default: true) || prepending == .never else {
      throw field.failure("\"add_prefix_space\": false contradicts \"prepend_scheme\": \"\(name)\"")
    }
    self.prepending = prepending
  }

  func rewrite(_ bytes: Bytes, _ piece: Piece, _ result: inout PieceList) {
    guard piece.end > piece.start else { return }
    var start = result.bytes.count
    var isFirst = piece.startsAtOrigin
    let startsWithMark = bytes[piece.start] == 0x20 || bytes.contains(mark, at: piece.start, end: piece.end)
    if !startsWithMark, prepending == .always || prepending == .first && piece.startsAtOrigin {
      result.bytes += mark
    }
    for index in piece.start..<piece.end {
      let isSpace = bytes[index] == 0x20
      if splits, isSpace || bytes[index] == mark[0] && bytes.contains(mark, at: index, end: piece.end),
        result.bytes.count > start
      {
        result.pieces.append(Piece(start: start, end: result.bytes.count, startsAtOrigin: isFirst))
        isFirst = false
        start = result.bytes.count
      }
      if isSpace { result.bytes += mark } else { result.bytes.append(bytes[index]) }
    }
    result.pieces.append(Piece(start: start, end: result.bytes.count, startsAtOrigin: isFirst))
  }
}
