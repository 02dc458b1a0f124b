import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// Headers built byte by byte: what they say, and what is said of those that are wrong.
@Suite struct ImageHeaderTests {
  private func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length = content.count + 2
    return [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + content
  }

  private func frame(
    _ marker: UInt8 = 0xC0, width: Int = 640, height: Int = 480, components: UInt8 = 3, depth: UInt8 = 8
  ) -> [UInt8] {
    segment(
      marker,
      [depth, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), components])
  }

  private func jpeg(_ segments: [UInt8]...) -> [UInt8] { [0xFF, 0xD8] + segments.flatMap { $0 } }

  private let scan: [UInt8] = [0xFF, 0xDA, 0, 2]

  private func header(_ bytes: [UInt8]) throws -> ImageHeader { try ImageDecoder.header(bytes: bytes) }

  private func failure(_ bytes: [UInt8]) -> ImageError? {
    do throws(ImageError) {
      _ = try ImageDecoder.header(bytes: bytes)
      return nil
    } catch {
      return error
    }
  }

  /// `Exif` with one directory of `entries` and an orientation at the end of it.
  private func exif(_ value: UInt16, isLittleEndian: Bool, before: Int = 0) -> [UInt8] {
    func integer(_ value: Int, _ count: Int) -> [UInt8] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isLittleEndian ? bytes : bytes.reversed()
    }
    var directory = integer(before + 1, 2)
    for tag in 0..<before {
      directory += integer(0x200 + tag, 2) + integer(3, 2) + integer(1, 4) + integer(9, 2) + integer(0, 2)
    }
    directory += integer(0x0112, 2) + integer(3, 2) + integer(1, 4) + integer(Int(value), 2) + integer(0, 2)
    let tiff = Array((isLittleEndian ? "II" : "MM").utf8) + integer(42, 2) + integer(8, 4) + directory
    return segment(0xE1, Array("Exif".utf8) + [0, 0] + tiff)
  }

  @Test(arguments: [
    (UInt8(0xC0), false), (0xC1, false), (0xC2, true), (0xC3, false), (0xC5, false), (0xC6, true), (0xC9, false),
    (0xCA, true), (0xCD, false), (0xCE, true), (0xCF, false),
  ])
  func everyFrameMarkerIsRead(marker: UInt8, isProgressive: Bool) throws {
    let read = try header(jpeg(frame(marker, width: 65_535, height: 1, components: 1, depth: 12), scan))
    #expect((read.width, read.height) == (65_535, 1))
    #expect(read.components == 1 && read.bitDepth == 12 && read.isProgressive == isProgressive)
    #expect(read.format == .jpeg && read.orientation == 1)
  }

  @Test(arguments: [true, false]) func everyOrientationIsFoundInEitherByteOrder(isLittleEndian: Bool) throws {
    for value in UInt16(0)...10 {
      for before in [0, 1, 30] {
        let read = try header(jpeg(exif(value, isLittleEndian: isLittleEndian, before: before), frame(), scan))
        let expected = (1...8).contains(value) ? Int(value) : 1
        #expect(read.orientation == expected)
        #expect((read.width, read.height) == (expected >= 5 ? (480, 640) : (640, 480)))
        #expect((read.storedWidth, read.storedHeight) == (640, 480))
      }
    }
    // Exif may come behind the frame; of two, the later counts; XMP in the same kind of segment is none.
    let xmp = segment(0xE1, Array("http://ns.adobe.com/xap/1.0/".utf8))
    let first = exif(3, isLittleEndian: isLittleEndian), second = exif(6, isLittleEndian: isLittleEndian)
    #expect(try header(jpeg(first, xmp, frame(), second, scan)).orientation == 6)
  }

  @Test func whatIsWrongWithAJPEGIsSaid() {
    let cases: [([UInt8], ImageError.Code, String)] = [
      (jpeg([0xFF, 0xD9]), .damaged, "The JPEG has no picture between its start and end markers."),
      (jpeg([0xFF, 0xD8]), .damaged, "The JPEG has no picture between its start and end markers."),
      (jpeg([0xFF, 0xE0, 0, 1], scan), .damaged, "A JPEG segment gives its own length as 1."),
      (jpeg([0xFF, 0xE0, 0, 0], scan), .damaged, "A JPEG segment gives its own length as 0."),
      (jpeg(segment(0xC0, [8, 0, 1, 0, 1]), scan), .damaged, "The JPEG's frame header is too short."),
      (jpeg(frame(), frame(0xC2), scan), .damaged, "The JPEG has two frame headers."),
      (jpeg(scan), .damaged, "The JPEG starts a scan before its frame header."),
      (
        jpeg(frame(height: 0), scan), .unsupported,
        "The JPEG gives its size as 640 × 0. Save it with its real size."
      ),
      (
        jpeg(frame(width: 0), scan), .unsupported,
        "The JPEG gives its size as 0 × 480. Save it with its real size."
      ),
      (jpeg(frame()), .truncated, "The JPEG ends within its header, after 12 bytes. Fetch it again."),
      (jpeg([0xFF, 0xE0, 0xFF, 0xFF]), .truncated, "The JPEG ends within its header, after 6 bytes. Fetch it again."),
      (
        jpeg([0xFF] + (0..<100_000).flatMap { _ in [0x00, 0xFF] as [UInt8] }), .truncated,
        "The JPEG ends within its header, after 200003 bytes. Fetch it again."
      ),
    ]
    for (bytes, code, message) in cases {
      let error = failure(bytes)
      #expect(error?.code == code && error?.message == message, "\(error?.message ?? "read")")
    }
    let sound = jpeg(exif(6, isLittleEndian: true), frame(), scan)
    for count in 3..<sound.count - 2 { #expect(failure(Array(sound[..<count]))?.code == .truncated, "\(count)") }
    // Restart and temporary markers have no length; stray bytes and filling between segments do no harm.
    #expect(failure(jpeg([0xFF, 0x01], [0xFF, 0xD3], [7, 7], [0xFF, 0xFF], frame(), scan)) == nil)
  }

  private func png(width: Int, height: Int, depth: UInt8 = 8, color: UInt8 = 2, interlace: UInt8 = 0) -> [UInt8] {
    func big(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    let chunk = Array("IHDR".utf8) + big(width) + big(height) + [depth, color, 0, 0, interlace]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + big(13) + chunk + big(Int(crc32(chunk)))
  }

  @Test func everyColorTypeOfPNGHasItsComponents() throws {
    for (color, components) in [(UInt8(0), 1), (2, 3), (3, 1), (4, 2), (6, 4)] {
      for depth in [UInt8(1), 8, 16] {
        let read = try header(png(width: 3, height: (1 << 31) - 1, depth: depth, color: color, interlace: 1))
        #expect(read.components == components && read.bitDepth == Int(depth) && read.isProgressive)
        #expect((read.width, read.height) == (3, (1 << 31) - 1) && read.format == .png)
      }
    }
    #expect(try !header(png(width: 1, height: 1)).isProgressive)
  }

  @Test func whatIsWrongWithAPNGIsSaid() {
    for color in [UInt8(1), 5, 7, 255] {
      #expect(
        failure(png(width: 1, height: 1, color: color))?.message
          == "The PNG names color type \(color); 0, 2, 3, 4 and 6 exist.")
    }
    for (width, height) in [(0, 1), (1, 0), (1 << 31, 1), (1, (1 << 32) - 1)] {
      let error = failure(png(width: width, height: height))
      #expect(error?.code == .damaged && error?.message == "The PNG gives its size as \(width) × \(height).")
    }
    let sound = png(width: 1, height: 1)
    for count in 8..<33 {
      #expect(
        failure(Array(sound[..<count]))?.message
          == "The PNG ends within its header, after \(count) bytes. Fetch it again.")
    }
    for position in [8, 11, 12, 15] {
      var changed = sound
      changed[position] ^= 1
      #expect(failure(changed)?.message == "The PNG does not start with its header chunk.")
    }
  }

  @Test func otherFormatsAreToldByTheirBeginning() {
    let cases: [(String, String)] = [
      ("GIF87a", "GIF"), ("RIFF\0\0\0\0WEBP", "WebP"), ("BM\0\0", "BMP"), ("II*\0", "TIFF"), ("MM\0*", "TIFF"),
      ("\0\0\0 ftypavif", "AVIF"), ("\0\0\0 ftypheic", "HEIC"), ("<svg xmlns", "SVG"), ("<!DOCTYPE html>", "HTML"),
    ]
    for (start, name) in cases {
      let error = failure(Array(start.utf8))
      #expect(error?.code == .unknownFormat)
      #expect(error?.message == "The file is \(name), not JPEG or PNG. Convert it to JPEG or PNG.")
    }
    #expect(failure([])?.message == "The image file is empty. Convert it to JPEG or PNG.")
    #expect(
      failure([0xFF, 0xD8])?.message == "The file starts like neither JPEG nor PNG. Convert it to JPEG or PNG.")
  }

  @Test func limitsSayWhatTheyAreAndWhatWasFound() throws {
    var limits = ImageLimits()
    (limits.side, limits.pixels, limits.fileBytes) = (100, 5_000, 40)
    func message(_ bytes: [UInt8]) -> String? { decodingError(bytes, limits: limits)?.message }
    #expect(
      message(png(width: 101, height: 1))
        == "The image has 101 × 1 pixels; the limits are 100 a side and 5000 in all. Save it smaller.")
    #expect(message(png(width: 100, height: 51))?.hasPrefix("The image has 100 × 51 pixels") == true)
    limits.decodedBytes = 19_999
    #expect(
      message(png(width: 100, height: 50))
        == "Decoding 100 × 50 pixels takes 20000 bytes; the limit is 19999. Save it smaller.")
    #expect(
      message([UInt8](repeating: 0, count: 41))
        == "The file has 41 bytes; the limit is 40. Save the image smaller.")
  }
}

/// Properties of scaling that hold for every picture and size.
@Suite struct ImageScalingTests {
  private func noise(_ width: Int, _ height: Int, using random: inout RandomSource) -> RGBImage {
    RGBImage(
      width: width, height: height,
      pixels: (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  private func range(_ pixels: [UInt8], _ channel: Int) -> ClosedRange<UInt8> {
    let values = stride(from: channel, to: pixels.count, by: 3).map { pixels[$0] }
    return values.min()!...values.max()!
  }

  @Test func averagesNeverLeaveTheRangeOfTheirSamples() {
    var random = RandomSource(seed: 51)
    for _ in 0..<60 {
      func side() -> Int { Int.random(in: 1...40, using: &random) }
      let source = noise(side(), side(), using: &random)
      let result = source.resized(width: side(), height: side())
      for channel in 0..<3 {
        let (inner, outer) = (range(result.pixels, channel), range(source.pixels, channel))
        #expect(inner.lowerBound >= outer.lowerBound && inner.upperBound <= outer.upperBound)
      }
    }
  }

  @Test func mirroringAndScalingCommute() {
    var random = RandomSource(seed: 52)
    func mirrored(_ image: RGBImage) -> RGBImage {
      var pixels: [UInt8] = []
      for row in 0..<image.height {
        for column in (0..<image.width).reversed() {
          pixels += image.pixels[(row * image.width + column) * 3..<(row * image.width + column) * 3 + 3]
        }
      }
      return RGBImage(width: image.width, height: image.height, pixels: pixels)
    }
    for (width, height) in [(7, 5), (40, 3), (13, 26)] {
      let source = noise(20, 10, using: &random)
      let left = mirrored(source).resized(width: width, height: height)
      let right = mirrored(source.resized(width: width, height: height))
      // The sums are taken in the other order, so that a sample on the edge between two may round either way.
      #expect(largestDifference(left.pixels, right.pixels) <= 1)
    }
  }

  @Test func fittedAndFilledHaveTheirSidesForEveryShape() {
    var random = RandomSource(seed: 53)
    for _ in 0..<150 {
      let (width, height) = (Int.random(in: 1...90, using: &random), Int.random(in: 1...90, using: &random))
      let side = Int.random(in: 1...50, using: &random)
      let image = RGBImage(width: width, height: height, pixels: [UInt8](repeating: 7, count: width * height * 3))
      let fitted = image.fitted(side: side)
      #expect(max(fitted.width, fitted.height) == side && min(fitted.width, fitted.height) >= 1)
      let ideal = Double(min(width, height)) * Double(side) / Double(max(width, height))
      #expect(abs(Double(min(fitted.width, fitted.height)) - max(1, ideal)) <= 0.5)
      let filled = image.filled(side: side)
      #expect((filled.width, filled.height) == (side, side))
      #expect(filled.pixels.allSatisfy { $0 == 7 })
    }
  }

  @Test func cutsOfAPictureLieSideBySide() {
    var random = RandomSource(seed: 54)
    let image = noise(9, 6, using: &random)
    #expect(image.cropped(x: 0, y: 0, width: 9, height: 6) == image)
    for y in 0..<6 {
      for x in 0..<9 {
        let pixel = image.cropped(x: x, y: y, width: 1, height: 1).pixels
        #expect(pixel == Array(image.pixels[(y * 9 + x) * 3..<(y * 9 + x) * 3 + 3]))
      }
    }
    let rows = (0..<6).flatMap { image.cropped(x: 0, y: $0, width: 9, height: 1).pixels }
    #expect(rows == image.pixels)
  }

  @Test func encodersTakeAnySettingAndStayDeterministic() throws {
    var random = RandomSource(seed: 55)
    for (width, height) in [(1, 1), (2, 1), (1, 9), (17, 16), (33, 8)] {
      let image = noise(width, height, using: &random)
      for level in [-5, 0, 1, 9, 100] {
        #expect(try ImageDecoder.decode(bytes: ImageEncoder.png(image, compressionLevel: level)) == image)
      }
      for quality in [-1, 0, 1, 50, 100, 1_000] {
        let bytes = ImageEncoder.jpeg(image, quality: quality)
        let decoded = try ImageDecoder.decode(bytes: bytes)
        #expect((decoded.width, decoded.height) == (width, height))
        #expect(bytes == ImageEncoder.jpeg(image, quality: quality))
      }
      #expect(ImageEncoder.jpeg(image, quality: 0) == ImageEncoder.jpeg(image, quality: 1))
      #expect(ImageEncoder.jpeg(image, quality: 100) == ImageEncoder.jpeg(image, quality: 101))
    }
  }
}
