/// A stretch of a ``PieceList``'s bytes, or a token that is settled already.
struct Piece: Sendable {
  var start: Int
  var end: Int
  /// The id of an added token, or -1 while the piece is text.
  var id: Int32 = -1
  /// Whether the piece starts where the whole text does.
  var startsAtOrigin = false
}

/// Text in pieces: what the pre-tokenizers hand on to each other, and at last to the model.
struct PieceList: Sendable {
  var bytes: Bytes
  var pieces: ContiguousArray<Piece>

  init(bytes: Bytes = [], pieces: ContiguousArray<Piece> = []) {
    self.bytes = bytes
    self.pieces = pieces
  }

  /// Text as one piece.
  init(_ bytes: Bytes) {
    self.init(bytes: bytes, pieces: [Piece(start: 0, end: bytes.count, startsAtOrigin: true)])
  }

  /// Cuts every text piece without changing bytes: `cut` appends the stretches that stay.
  mutating func cut(_ cut: (Bytes, Piece, inout ContiguousArray<Piece>) -> Void) {
    var result = ContiguousArray<Piece>()
    result.reserveCapacity(max(pieces.count, bytes.count / 4))
    for piece in pieces {
      if piece.id >= 0 { result.append(piece) } else if piece.end > piece.start { cut(bytes, piece, &result) }
    }
    pieces = result
  }

  /// Rewrites every text piece: `rewrite` appends the new bytes and the pieces that they make.
  mutating func rewrite(_ rewrite: (Bytes, Piece, inout PieceList) -> Void) {
    var result = PieceList()
    result.bytes.reserveCapacity(bytes.count * 2)
    result.pieces.reserveCapacity(pieces.count)
    for piece in pieces {
      if piece.id >= 0 { result.pieces.append(piece) } else { rewrite(bytes, piece, &result) }
    }
    self = result
  }
}

extension ContiguousArray where Element == Piece {
  /// Appends a stretch of `piece` unless it is empty.
  @inline(__always)
  mutating func append(_ start: Int, _ end: Int, of piece: Piece) {
    guard end > start else { return }
    append(Piece(start: start, end: end, startsAtOrigin: piece.startsAtOrigin && start == piece.start))
  }
}
