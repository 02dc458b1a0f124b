internal import SemanticIDStore

/// What leaves the cache, and when.
extension EmbeddingCache {
  /// Notes which encoders this night used and drops the vectors of those that `keepNights` runs did not.
  ///
  /// - Returns: Vectors dropped.
  package func endNight(_ night: Int, used: [UInt64], keepNights: Int) throws -> Int {
    try flush()
    var stale: [UInt64] = []
    try environment.write { transaction in
      for encoder in used {
        try transaction.put(bigEndianBytes(UInt64(night)).span, in: nights, at: bigEndianBytes(encoder).span)
      }
      stale = []
      try transaction.withCursor(over: nights) { cursor in
        var hasEntry = try cursor.first()
        while hasEntry {
          cursor.withEntry { key, value in
            guard key.count == 8 else { return }
            // What is ahead is of a workspace whose runs were deleted, or damaged.
            let last = Int(clamping: word(value))
            if last < night, night - last > keepNights { stale.append(word(key)) }
          }
          hasEntry = try cursor.next()
        }
      }
    }
    return try stale.reduce(0) { try $0 + forget($1) }
  }

  /// Drops all vectors of an encoder, some at a time so that no transaction grows large.
  func forget(_ encoder: UInt64) throws -> Int {
    var dropped = 0
    while true {
      let batch = try environment.write { transaction -> Int in
        let keys = try Self.keys(of: encoder, in: transaction, entries: entries, limit: 10_000)
        for key in keys { try transaction.delete(key.span, in: entries) }
        if keys.isEmpty { try transaction.delete(bigEndianBytes(encoder).span, in: nights) }
        return keys.count
      }
      guard batch > 0 else { return dropped }
      dropped += batch
    }
  }

  private static func keys(
    of encoder: UInt64, in transaction: borrowing Transaction, entries: Database, limit: Int
  ) throws -> [[UInt8]] {
    var keys = [[UInt8]]()
    try transaction.withCursor(over: entries) { cursor in
      try forEachContent(of: encoder, &cursor) { content in
        keys.append(Key(encoder: encoder, content: content).bytes)
        return keys.count < limit
      }
    }
    return keys
  }

  /// Visits an encoder's entries until `body` says false.
  private static func forEachContent(
    of encoder: UInt64, _ cursor: inout Cursor, _ body: (UInt64) -> Bool
  ) throws {
    var hasEntry = try cursor.seek(Key(encoder: encoder, content: 0).bytes.span)
    while hasEntry {
      let goesOn = cursor.withEntry { key, _ in
        key.count == 16 && word(key) == encoder && body(word(key.extracting(8..<16)))
      }
      guard goesOn else { return }
      hasEntry = try cursor.next()
    }
  }

  // MARK: Items that are gone

  /// Where the run of the last sweep is kept; encoders' keys have eight bytes.
  private static let sweepKey = Array("sweep".utf8)

  /// An encoder, and the content that tonight's items have.
  package struct Live {
    package var encoder: UInt64
    package var contents: Set<UInt64>

    package init(encoder: UInt64, contents: Set<UInt64>) {
      self.encoder = encoder
      self.contents = contents
    }
  }

  /// Drops the vectors of items that are gone or were changed, when `keepNights` runs have passed since that was last
  /// done or the cache is full, and only of encoders of whose vectors more than a quarter are such: looking for them
  /// reads every key. The file stays as long as it is, later vectors take the pages.
  ///
  /// A crash between two batches leaves what was not yet dropped for the next time.
  ///
  /// - Parameter live: Asked only when it is time.
  /// - Returns: Vectors dropped.
  package func sweep(_ night: Int, keepNights: Int, live: () throws -> [Live]) throws -> Int {
    let last = try environment.read { try $0.withValue(in: nights, at: Self.sweepKey.span) { word($0) } }
    var dropped = 0
    // A number that is ahead is of a workspace whose runs were deleted.
    if isFull || last.map({ $0 > night || UInt64(night) - $0 >= keepNights }) ?? false {
      for encoder in try live() { dropped += try drop(allBut: encoder) }
    } else if last != nil {
      return 0
    }
    try environment.write { transaction in
      _ = try transaction.put(bigEndianBytes(UInt64(night)).span, in: nights, at: Self.sweepKey.span)
    }
    return dropped
  }

  private func drop(allBut live: Live) throws -> Int {
    var total = 0
    var dead: [UInt64] = []
    try environment.read { transaction in
      try transaction.withCursor(over: entries) { cursor in
        try Self.forEachContent(of: live.encoder, &cursor) { content in
          total += 1
          if !live.contents.contains(content) { dead.append(content) }
          return true
        }
      }
    }
    guard dead.count > total / 4 else { return 0 }
    for start in stride(from: 0, to: dead.count, by: 10_000) {
      try environment.write { transaction in
        for content in dead[start..<min(dead.count, start + 10_000)] {
          try transaction.delete(Key(encoder: live.encoder, content: content).bytes.span, in: entries)
        }
      }
    }
    return dead.count
  }
}
