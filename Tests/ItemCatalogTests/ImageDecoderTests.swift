import Foundation
import ItemCatalog
import TestSupport
import Testing

@Suite struct ImageDecoderTests {
  @Test(arguments: ImageFixtures.shared.images)
  func decodesWhatPillowSees(_ image: ImageCase) throws {
    let decoded = try ImageDecoder.decode(bytes: image.bytes, targetSide: image.targetSide)
    #expect(decoded.width == image.width)
    #expect(decoded.height == image.height)
    #expect(largestDifference(decoded.pixels, image.rgb) <= image.tolerance)
  }

  @Test(arguments: ImageFixtures.shared.images)
  func headerGivesTheSizeOfTheUprightPicture(_ image: ImageCase) throws {
    let header = try ImageDecoder.header(bytes: image.bytes)
    let whole = try ImageDecoder.decode(bytes: image.bytes)
    #expect(header.width == whole.width)
    #expect(header.height == whole.height)
    #expect(header.format.rawValue == image.name.prefix { $0 != " " })
    #expect(
      header.isProgressive == (image.name.contains("progressive") || image.name.contains("interlaced"))
        || image.name == "png of one pixel")
  }

  @Test func headerReportsOrientationDepthAndComponents() throws {
    let turned = try ImageDecoder.header(bytes: ImageFixtures.image("jpeg orientation 6").bytes)
    #expect(turned.orientation == 6)
    #expect((turned.storedWidth, turned.storedHeight) == (turned.height, turned.width))
    #expect(try ImageDecoder.header(bytes: ImageFixtures.image("jpeg YCCK").bytes).components == 4)
    let deep = try ImageDecoder.header(bytes: ImageFixtures.image("png rgba 16").bytes)
    #expect(deep.bitDepth == 16)
    #expect(deep.components == 4)
  }

  @Test(arguments: [1, 5, 27, 28, 29, 54, 55, 56, 111, 112, 224, 225, 1000])
  func reducedJPEGKeepsTheTargetSide(_ side: Int) throws {
    let bytes = ImageEncoder.jpeg(testPicture(width: 300, height: 224))
    let image = try ImageDecoder.decode(bytes: bytes, targetSide: side)
    #expect(min(image.width, image.height) >= min(side, 224))
    #expect(image.height < 2 * max(28, side) || image.height == 28)
    #expect([1, 2, 4, 8].contains { image.height == (224 * $0 + 7) / 8 && image.width == (300 * $0 + 7) / 8 })
  }

  @Test func pathAndBytesGiveTheSamePicture() throws {
    try withTemporaryDirectory { directory in
      let bytes = ImageFixtures.image("jpeg 4:2:0").bytes
      // The name lies about the format.
      let path = directory + "/picture.png"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(try ImageDecoder.decode(path: path) == ImageDecoder.decode(bytes: bytes))
      #expect(try ImageDecoder.header(path: path).format == .jpeg)
    }
  }

  @Test func unreadableFilesAreErrors() throws {
    try withTemporaryDirectory { directory in
      let pipe = directory + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      for path in [directory, directory + "/absent.jpg", pipe, "/dev/zero", ""] {
        let error = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: path) }
        #expect(error?.code == .unreadable, "\(path)")
      }
    }
  }

  @Test func otherFormatsAreNamed() {
    for (start, name) in [("GIF89a...", "GIF"), ("RIFF1234WEBPVP8 ", "WebP"), ("\0\0\0 ftypavif", "AVIF")] {
      let error = decodingError([UInt8](start.utf8))
      #expect(error?.code == .unknownFormat)
      #expect(error?.message.contains(name) == true)
    }
    #expect(decodingError([])?.code == .unknownFormat)
    #expect(decodingError([0xFF, 0xD8])?.code == .unknownFormat)
    #expect(decodingError([UInt8](repeating: 0x20, count: 100))?.code == .unknownFormat)
  }

  @Test func twelveBitJPEGIsUnsupported() {
    var bytes = ImageFixtures.image("jpeg 4:2:0").bytes
    bytes[frameStart(bytes) + 4] = 12
    #expect(decodingError(bytes)?.code == .unsupported)
  }

  @Test func strayBytesBetweenSegmentsDoNoHarm() throws {
    let bytes = ImageFixtures.image("jpeg 4:2:0").bytes
    var stray = bytes
    stray.insert(contentsOf: [1, 2, 3, 0xFF, 0xFF], at: frameStart(bytes))
    #expect(try ImageDecoder.decode(bytes: stray) == ImageDecoder.decode(bytes: bytes))
    #expect(try ImageDecoder.decode(bytes: bytes + [0, 0, 1, 2]) == ImageDecoder.decode(bytes: bytes))
  }

  @Test func damagedScanDataIsAnErrorNotAGuess() {
    var bytes = ImageEncoder.jpeg(testPicture(width: 64, height: 64))
    let middle = bytes.count - 300
    for i in middle..<middle + 40 { bytes[i] = i % 2 == 0 ? 0xFF : 0x00 }
    #expect(decodingError(bytes)?.code == .damaged)
  }

  @Test func malformedExifLeavesThePictureUpright() throws {
    let plain = ImageFixtures.image("jpeg 4:2:0").bytes
    let directories: [[UInt8]] = [
      [], Array("II*\0".utf8), Array("II*\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFF],
      Array("MM\0*".utf8) + [0, 0, 0, 8, 0xFF, 0xFF],
      Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0],
      Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 4, 0, 1, 0, 0, 0, 6, 0, 0, 0],
    ]
    for directory in directories {
      let content = Array("Exif\0\0".utf8) + directory
      let segment = [0xFF, 0xE1, 0, UInt8(content.count + 2)] + content
      let bytes = Array(plain[..<2]) + segment + plain[2...]
      #expect(try ImageDecoder.header(bytes: bytes).orientation == 1)
      #expect(try ImageDecoder.decode(bytes: bytes) == ImageDecoder.decode(bytes: plain))
    }
  }
}

/// Where a JPEG's SOF marker is.
func frameStart(_ bytes: [UInt8]) -> Int {
  var position = 2
  while !(0xC0...0xC2).contains(bytes[position + 1]) {
    position += 2 + Int(bytes[position + 2]) << 8 + Int(bytes[position + 3])
  }
  return position
}
