import ItemCatalog
import TensorMath
import TestSupport
import Testing

@Suite struct ImageDamageTests {
  @Test(arguments: [
    "jpeg 4:2:0", "jpeg gray", "jpeg progressive", "jpeg restart markers", "jpeg YCCK", "jpeg orientation 5",
    "png rgba 8", "png palette 4 tRNS interlaced", "png gray 16",
  ])
  func truncatedFileIsAnErrorOrTheWholePicture(_ name: String) throws {
    let bytes = ImageFixtures.image(name).bytes
    let whole = try ImageDecoder.decode(bytes: bytes)
    for count in 0..<bytes.count {
      let cut = Array(bytes[..<count])
      do throws(ImageError) {
        let image = try ImageDecoder.decode(bytes: cut)
        #expect(image == whole, "\(count) of \(bytes.count) bytes")
        #expect(count >= bytes.count - 2, "only the end marker may be missing")
      } catch {
        #expect(count < 3 || name.hasPrefix("png") && count < 8 || error.code == .truncated, "\(count): \(error)")
      }
    }
  }

  @Test func damagedJPEGsNeverCrash() throws {
    try expectNoCrash(
      [
        "jpeg 4:2:0", "jpeg progressive", "jpeg gray", "jpeg CMYK of Adobe, inverted", "jpeg restart markers",
        "jpeg orientation 8", "jpeg RGB without YCbCr",
      ],
      seed: 11)
  }

  @Test func damagedPNGsNeverCrash() throws {
    try expectNoCrash(
      [
        "png rgb 8", "png rgba 16 interlaced", "png palette 2 tRNS", "png gray 1 interlaced", "png gray alpha 8",
        "png with gamma and text",
      ],
      seed: 12)
  }

  /// Checksums hide most damage from the code behind them, so these are made right again.
  @Test func damagedPNGsWithValidChecksumsNeverCrash() throws {
    try expectNoCrash(
      ["png rgb 16", "png rgba 8 interlaced", "png palette 8 tRNS", "png gray 4", "png gray 2 tRNS interlaced"],
      seed: 13, repair: withValidChecksums)
  }

  private func expectNoCrash(
    _ names: [String], seed: UInt64, repair: ([UInt8]) -> [UInt8] = { $0 }
  ) throws {
    var random = RandomSource(seed: seed)
    let files = names.map { ImageFixtures.image($0).bytes }
    var limits = ImageLimits()
    limits.pixels = 100_000
    var decoded = 0
    var failed = 0
    for round in 0..<10_000 {
      let bytes = repair(damaged(files[round % files.count], using: &random))
      if decodingError(bytes, limits: limits, targetSide: round % 3 == 0 ? 2 : nil) == nil {
        decoded += 1
      } else {
        failed += 1
      }
    }
    #expect(decoded + failed == 10_000)
    #expect(failed > 1_000, "the damage is real")
  }
}

/// Recomputes the CRC of every chunk whose length is plausible.
private func withValidChecksums(_ png: [UInt8]) -> [UInt8] {
  var bytes = png
  var position = 8
  while position + 12 <= bytes.count {
    let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - position - 12 else { break }
    let checksum = crc32(bytes[(position + 4)..<(position + 8 + length)])
    for i in 0..<4 { bytes[position + 8 + length + i] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * i)) }
    position += 12 + length
  }
  return bytes
}

/// The checksum of PNG chunks (ISO/IEC 15948, annex D).
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var register: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    register ^= UInt32(byte)
    for _ in 0..<8 { register = register & 1 == 1 ? 0xEDB8_8320 ^ (register >> 1) : register >> 1 }
  }
  return ~register
}
