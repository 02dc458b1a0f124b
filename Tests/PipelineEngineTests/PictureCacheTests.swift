import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

@Suite struct PictureCacheTests {
  private func sample() -> PictureCache {
    var cache = PictureCache()
    cache.pictures = [7: [0xFF, 0xD8, 1, 2, 3], 0: [], .max: Array(repeating: 9, count: 1000)]
    return cache
  }

  @Test func picturesComeBackAsTheyWere() throws {
    try withTemporaryDirectory { folder in
      try sample().write(to: folder + "/pictures.bin")
      #expect(PictureCache(contentsOf: folder + "/pictures.bin") == sample())
      #expect(PictureCache(contentsOf: folder + "/none").pictures.isEmpty)
      #expect(PictureCache(PictureCache().bytes) == PictureCache())
    }
  }

  @Test func aKeyNamesTheFileAsItIsAndHowItIsDrawn() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a.jpg"
      #expect(PictureCache.key(of: path, settings: [96]) == nil)
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
      let key = PictureCache.key(of: path, settings: [96])
      #expect(key != nil && key == PictureCache.key(of: path, settings: [96]))
      #expect(key != PictureCache.key(of: path, settings: [64]))
      try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: path))
      #expect(key != PictureCache.key(of: path, settings: [96]))
    }
  }

  @Test func tenThousandDamagedCachesAreEmptyOrSound() {
    let sound = sample().bytes
    var random = RandomSource(seed: 4)
    for _ in 0..<10_000 {
      let bytes = damaged(sound, using: &random)
      #expect(bytes == sound || PictureCache(bytes).pictures.isEmpty)
    }
  }

  /// Lengths that lie, under a hash that is right.
  @Test func lengthsBeyondTheFileLeaveNothing() {
    var cache = PictureCache()
    cache.pictures = [1: [1, 2, 3]]
    let bytes = cache.bytes
    for length in [4, 1000, Int(UInt32.max)] as [Int] {
      var body = Array(bytes[16...])
      body.replaceSubrange(8..<12, with: (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
      #expect(PictureCache(PictureCache.sealed(body)).pictures.isEmpty)
    }
    #expect(PictureCache(PictureCache.sealed(Array(bytes[16...]))) == cache)
  }
}
