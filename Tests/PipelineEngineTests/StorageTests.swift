import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

@Suite struct ColumnFileTests {
  @Test func rowsComeBackAsTheyWere() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a.f32"
      let writer = try ColumnFileWriter<Float>(path: path, columns: 3)
      let elements = ContiguousArray((0..<30).map { Float($0) / 7 })
      try writer.append(ContiguousArray(elements[..<12]).span)
      try writer.append(ContiguousArray(elements[12...]).span)
      #expect(!FileManager.default.fileExists(atPath: path))
      try writer.finish()
      let reader = try ColumnFileReader<Float>(path: path, columns: 3, rows: 10)
      #expect(try reader.readAll() == elements)
      #expect(try reader.matrix(2..<5).elements == ContiguousArray(elements[6..<15]))
      #expect(try reader.read(4..<4).isEmpty)
    }
  }

  @Test func anEmptyTableIsFine() throws {
    try withTemporaryDirectory { folder in
      let writer = try ColumnFileWriter<UInt32>(path: folder + "/a", columns: 1)
      try writer.finish()
      #expect(try ColumnFileReader<UInt32>(path: folder + "/a", columns: 1, rows: 0).readAll().isEmpty)
    }
  }

  @Test func anotherTypeShapeOrLengthIsRefused() throws {
    try withTemporaryDirectory { folder in
      let writer = try ColumnFileWriter<UInt16>(path: folder + "/a", columns: 2)
      try writer.append(ContiguousArray<UInt16>([1, 2, 3, 4]).span)
      try writer.finish()
      #expect(throws: PipelineError.self) { try ColumnFileReader<Float>(path: folder + "/a") }
      #expect(throws: PipelineError.self) { try ColumnFileReader<UInt16>(path: folder + "/a", columns: 3) }
      #expect(throws: PipelineError.self) { try ColumnFileReader<UInt16>(path: folder + "/a", rows: 1) }
      #expect(throws: PipelineError.self) { try ColumnFileReader<UInt16>(path: folder + "/none") }
    }
  }

  @Test func tenThousandDamagedHeadersNeverCrash() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a"
      let writer = try ColumnFileWriter<UInt16>(path: path, columns: 2)
      try writer.append(ContiguousArray<UInt16>([1, 2, 3, 4]).span)
      try writer.finish()
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 3)
      var refused = 0
      for _ in 0..<10_000 {
        try Data(damaged(sound, using: &random)).write(to: URL(fileURLWithPath: path))
        do {
          #expect(try ColumnFileReader<UInt16>(path: path).readAll().count == 4)
        } catch {
          refused += 1
        }
      }
      #expect(refused > 5_000)
    }
  }
}

@Suite struct EmbeddingCacheTests {
  private func key(_ content: UInt64, encoder: UInt64 = 7) -> EmbeddingCache.Key {
    EmbeddingCache.Key(encoder: encoder, content: content)
  }

  @Test func vectorsAreFoundByEncoderAndContent() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      try cache.insert([1, 2, 3], key: key(1))
      try cache.insert([4, 5, 6], key: key(2))
      try cache.flush()
      var matrix = Matrix(rows: 4, columns: 3)
      #expect(try cache.fill(&matrix, encoder: 7, hashes: [2, nil, 9, 1]) == [true, false, false, true])
      #expect(matrix.elements == [4, 5, 6, 0, 0, 0, 0, 0, 0, 1, 2, 3])
      #expect(try cache.fill(&matrix, encoder: 8, hashes: [1, 2, nil, nil]) == [false, false, false, false])
      var narrow = Matrix(rows: 1, columns: 2)
      #expect(try cache.fill(&narrow, encoder: 7, hashes: [1]) == [false])
      #expect(cache.damagedEntries == 1)
    }
  }

  @Test func encodersUnusedForManyNightsAreForgotten() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      for content in 0..<50 as Range<UInt64> { try cache.insert([1], key: key(content, encoder: 1)) }
      #expect(try cache.endNight(1, used: [1], keepNights: 3) == 0)
      try cache.insert([2], key: key(1, encoder: 2))
      #expect(try cache.endNight(4, used: [2], keepNights: 3) == 0)
      #expect(try cache.endNight(5, used: [2], keepNights: 3) == 50)
      var matrix = Matrix(rows: 1, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1]) == [false])
      #expect(try cache.fill(&matrix, encoder: 2, hashes: [1]) == [true])
    }
  }

  @Test func vectorsOfItemsThatAreGoneAreSweptOnceInSoManyNights() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      for encoder in [1, 2] as [UInt64] {
        for content in 0..<100 as Range<UInt64> { try cache.insert([1], key: key(content, encoder: encoder)) }
      }
      try cache.flush()
      func sweep(_ night: Int, _ live: Range<UInt64>) throws -> Int {
        try cache.sweep(night, keepNights: 3) { [EmbeddingCache.Live(encoder: 1, contents: Set(live))] }
      }
      #expect(try sweep(1, 0..<50) == 0, "the first night only begins to count")
      #expect(try sweep(3, 0..<50) == 0)
      #expect(try sweep(4, 0..<80) == 0, "a fifth is not worth the trouble")
      #expect(try sweep(6, 0..<50) == 0)
      #expect(try sweep(7, 0..<50) == 50)
      #expect(try sweep(2, 0..<10) == 40, "the runs were counted anew")
      #expect(try cache.endNight(5, used: [1], keepNights: 100) == 0)
      var matrix = Matrix(rows: 100, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: Array(0..<100)).count { $0 } == 10)
      #expect(try cache.fill(&matrix, encoder: 2, hashes: Array(0..<100)).count { $0 } == 100)
    }
  }

  @Test func aFullCacheIsSweptAtOnceAndTakesMoreAfterwards() throws {
    try withTemporaryDirectory { folder in
      let vector = ArraySlice([Float](repeating: 1, count: 900))
      var cache: EmbeddingCache? = try EmbeddingCache(path: folder, limit: 256 << 10) { _ in }
      for content in 0..<100 as Range<UInt64> {
        try cache?.insert(vector, key: key(content))
        try cache?.flush()
      }
      #expect(cache?.isFull == true)
      #expect(try cache?.sweep(1, keepNights: 100) { [EmbeddingCache.Live(encoder: 7, contents: [0, 1])] } ?? 0 > 20)
      cache = nil
      let next = try EmbeddingCache(path: folder, limit: 256 << 10) { _ in }
      try next.insert(vector, key: key(1000))
      try next.flush()
      #expect(!next.isFull)
      var matrix = Matrix(rows: 3, columns: 900)
      #expect(try next.fill(&matrix, encoder: 7, hashes: [0, 5, 1000]) == [true, false, true])
    }
  }

  @Test func aDistrustedEncodersVectorsAreGoneWhetherWrittenOrWaiting() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: .max) { _ in }
      for encoder in [1, 2] as [UInt64] { try cache.insert([1], key: key(1, encoder: encoder)) }
      try cache.flush()
      for encoder in [1, 2] as [UInt64] { try cache.insert([2], key: key(2, encoder: encoder)) }
      try cache.distrust(encoder: 1)
      try cache.flush()
      var matrix = Matrix(rows: 2, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 1, hashes: [1, 2]) == [false, false])
      #expect(try cache.fill(&matrix, encoder: 2, hashes: [1, 2]) == [true, true])
      #expect(matrix.elements == [1, 2])
    }
  }

  @Test func aFullCacheTakesNothingMore() throws {
    try withTemporaryDirectory { folder in
      let cache = try EmbeddingCache(path: folder, limit: 64) { _ in }
      try cache.insert([1], key: key(1))
      try cache.flush()
      #expect(cache.isFull)
      var matrix = Matrix(rows: 1, columns: 1)
      #expect(try cache.fill(&matrix, encoder: 7, hashes: [1]) == [false])
    }
  }

  @Test func aDamagedFileIsSetAside() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/cache"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data(repeating: 0x5A, count: 20_000).write(to: URL(fileURLWithPath: path + "/data.mdb"))
      var warnings: [String] = []
      let cache = try EmbeddingCache(path: path, limit: .max) { warnings.append($0) }
      try cache.insert([1], key: key(1))
      try cache.flush()
      #expect(warnings.count == 1 && warnings[0].contains("is damaged"))
      #expect(FileManager.default.fileExists(atPath: path + ".damaged/data.mdb"))
    }
  }

  @Test func fingerprintsBecomeKeys() {
    #expect(EmbeddingCache.encoderKey("00000000000000ff" + String(repeating: "0", count: 48)) == 255)
    #expect(EmbeddingCache.encoderKey("not hexadecimal") != EmbeddingCache.encoderKey("something else"))
  }
}
