import Foundation
import PipelineEngine
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// What the embedding cache makes of entries that are not what it wrote, and of the bounds of what it may hold.
@Suite struct CacheDamageTests {
  private func big(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
  }

  private func key(_ encoder: UInt64, _ content: UInt64) -> EmbeddingCache.Key {
    EmbeddingCache.Key(encoder: encoder, content: content)
  }

  /// Changes what the cache's file holds, behind its back.
  private func edit(
    _ folder: String, _ database: String, _ key: [UInt8], _ change: ([UInt8]?) -> [UInt8]?
  ) throws {
    let environment = try Environment.open(folder)
    let found = try #require(try environment.database(named: database, creating: true))
    try environment.write { transaction in
      let old = try transaction.value(in: found, at: key.span)
      if let new = change(old) {
        _ = try transaction.put(new.span, in: found, at: key.span)
      } else {
        _ = try transaction.delete(key.span, in: found)
      }
    }
  }

  @Test func anyByteThatChangedMakesAnEntryAbsent() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache.insert([1, -2, 0.5], key: key(1, 1))
      try cache.insert([4, 5, 6], key: key(1, 2))
      try cache.flush()
      var damagedEntries = 0
      for byte in 0..<20 {
        try edit(folder, "embeddings", big(1) + big(1)) { old in
          var bytes = old ?? []
          #expect(bytes.count == 20)
          bytes[byte] ^= 1
          return bytes
        }
        var matrix = Matrix(rows: 2, columns: 3, elements: [9, 9, 9, 9, 9, 9])
        #expect(try cache.fill(&matrix, encoder: 1, hashes: [1, 2]) == [false, true], "byte \(byte)")
        #expect(matrix.elements == [0, 0, 0, 4, 5, 6], "nothing of the damaged vector is used")
        damagedEntries += 1
        #expect(cache.damagedEntries == damagedEntries)
        try edit(folder, "embeddings", big(1) + big(1)) { old in
          var bytes = old ?? []
          bytes[byte] ^= 1
          return bytes
        }
      }
      var matrix = Matrix(rows: 1, columns: 3)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [true])
      #expect(matrix.elements == [1, -2, 0.5])
    }
  }

  @Test(arguments: [0, 1, 7, 8, 19, 21, 40, 400]) func anEntryOfAnotherLengthIsAbsent(length: Int) throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache.insert([1, 2, 3], key: key(1, 1))
      try cache.flush()
      try edit(folder, "embeddings", big(1) + big(1)) { _ in [UInt8](repeating: 0, count: length) }
      var matrix = Matrix(rows: 1, columns: 3)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [false])
      #expect(cache.damagedEntries == 1)
      // The night encodes the item again, and the entry is sound.
      try cache.insert([1, 2, 3], key: key(1, 1))
      try cache.flush()
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [true])
    }
  }

  /// Numbers of nights that no run had: of runs that were deleted, or damage.
  @Test(arguments: [UInt64.max, 1 << 63, UInt64(Int.max), UInt64(Int.max) - 2, 5_000])
  func anEncoderWhoseNightLiesAheadIsKept(night: UInt64) throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache.insert([1], key: key(1, 1))
      _ = try cache.endNight(1, used: [1], keepNights: 3)
      try edit(folder, "nights", big(1)) { _ in big(night) }
      #expect(try cache.endNight(9, used: [2], keepNights: 3) == 0)
      var matrix = Matrix(rows: 1, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [true])
    }
  }

  @Test func recordsOfNightsThatAreNoNumbersNeverCrash() throws {
    var random = RandomSource(seed: 4)
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      for _ in 0..<60 {
        let name = (0..<Int.random(in: 1...12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let value = (0..<Int.random(in: 0...12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        try edit(folder, "nights", name) { _ in value }
      }
      try cache.insert([1], key: key(1, 1))
      for night in 1...4 {
        _ = try cache.endNight(night, used: [1], keepNights: 1)
        _ = try cache.sweep(night, keepNights: 1) { [EmbeddingCache.Live(encoder: 1, contents: [1])] }
      }
      var matrix = Matrix(rows: 1, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [true])
    }
  }

  /// The night after the last that counts, and the one before it.
  @Test(arguments: [(1, 4, 0), (1, 5, 2), (2, 5, 0), (2, 6, 2)])
  func anEncoderIsForgottenAfterSoManyNightsAndNoEarlier(used: Int, now: Int, dropped: Int) throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      for content in 0..<2 as Range<UInt64> { try cache.insert([1], key: key(1, content)) }
      _ = try cache.endNight(used, used: [1], keepNights: 3)
      #expect(try cache.endNight(now, used: [], keepNights: 3) == dropped)
      #expect(try cache.endNight(now, used: [], keepNights: 3) == 0, "it is forgotten once")
    }
  }

  /// Encoders whose numbers are neighbors: each one's vectors end where the other's begin.
  @Test func forgettingAnEncoderLeavesItsNeighbors() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      let encoders: [UInt64] = [0, 1, 255, 256, .max - 1, .max]
      for encoder in encoders {
        for content in [0, 1, .max] as [UInt64] { try cache.insert([Float(content & 1)], key: key(encoder, content)) }
      }
      try cache.flush()
      for encoder in [1, 256, .max] as [UInt64] { try cache.distrust(encoder: encoder) }
      var matrix = Matrix(rows: 3, columns: 1)
      for encoder in encoders {
        let stays = ![1, 256, .max].contains(encoder)
        #expect(
          try cache.fill(&matrix, encoder: encoder, hashes: [0, 1, .max]) == [stays, stays, stays], "\(encoder)")
      }
    }
  }

  @Test func theLaterOfTwoVectorsOfOneKeyIsKept() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache.insert([1], key: key(1, 1))
      try cache.flush()
      try cache.insert([2], key: key(1, 1))
      var matrix = Matrix(rows: 2, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1, 1]) == [true, true])
      #expect(matrix.elements == [1, 1], "what waits is not there yet")
      try cache.flush()
      _ = try cache.fill(&matrix, encoder: 1, hashes: [1, 1])
      #expect(matrix.elements == [2, 2])
      // Nothing waits: nothing is written.
      try cache.flush()
      #expect(!cache.isFull && cache.damagedEntries == 0)
    }
  }

  @Test func valuesComeBackBitForBit() throws {
    try withTemporaryDirectory { folder in
      let values: [Float] = [
        0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -1.5, .ulpOfOne,
      ]
      var cache: EmbeddingCache? = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache?.insert(values[...], key: key(3, 9))
      try cache?.insert([], key: key(3, 10))
      try cache?.flush()
      cache = nil
      let again = try EmbeddingCache(path: folder, limit: .max) { _ in }
      var matrix = Matrix(rows: 1, columns: values.count)
      #expect(try again.fill(&matrix, encoder: 3, hashes: [9]) == [true])
      #expect(matrix.elements.map(\.bitPattern) == values.map(\.bitPattern))
      var empty = Matrix(rows: 2, columns: 0)
      #expect(try again.fill(&empty, encoder: 3, hashes: [10, 11]) == [true, false])
    }
  }

  @Test(arguments: ["00000000000000ff", "FFffFFffFFffFFff", "0123456789abcdef0123456789abcdef"])
  func aFingerprintsFirstDigitsAreTheKey(fingerprint: String) {
    #expect(EmbeddingCache.encoderKey(fingerprint) == UInt64(fingerprint.prefix(16), radix: 16))
  }

  @Test func keysAreOrderedByEncoderThenContent() {
    let keys = [key(2, 0), key(1, .max), key(1, 0), key(0, 5)]
    #expect(keys.sorted() == [key(0, 5), key(1, 0), key(1, .max), key(2, 0)])
  }
}
