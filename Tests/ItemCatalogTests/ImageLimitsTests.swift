import Foundation
import ItemCatalog
import TestSupport
import Testing

@Suite struct ImageLimitsTests {
  @Test func hugePNGHeaderIsRefusedBeforeMemoryIsTaken() {
    for (width, height) in [(20_000, 20_000), (1, 2_000_000), (2_147_483_647, 2_147_483_647), (16_000, 16_000)] {
      let error = decodingError(pngStart(width: width, height: height))
      #expect(error?.code == .tooLarge)
      #expect(error?.message.contains("\(width)") == true)
    }
  }

  @Test func hugeJPEGHeaderIsRefusedBeforeMemoryIsTaken() {
    var bytes = ImageFixtures.image("jpeg 4:2:0").bytes
    let start = frameStart(bytes)
    for i in 5...8 { bytes[start + i] = 0xFF }
    #expect(decodingError(bytes)?.code == .tooLarge)
  }

  @Test func everyLimitIsKept() throws {
    let picture = testPicture(width: 40, height: 30)
    let files = [ImageEncoder.jpeg(picture), ImageEncoder.png(picture)]
    for bytes in files {
      #expect(try refusal(bytes) { $0.fileBytes = bytes.count - 1 } == .tooLarge)
      #expect(try refusal(bytes) { $0.fileBytes = bytes.count } == nil)
      #expect(try refusal(bytes) { $0.side = 39 } == .tooLarge)
      #expect(try refusal(bytes) { $0.side = 40 } == nil)
      #expect(try refusal(bytes) { $0.pixels = 1_199 } == .tooLarge)
      #expect(try refusal(bytes) { $0.pixels = 1_200 } == nil)
    }
    #expect(try refusal(files[1]) { $0.decodedBytes = 4_799 } == .tooLarge)
    #expect(try refusal(files[0]) { $0.decodedBytes = 3_599 } == .tooLarge)
  }

  @Test func reducedDecodingNeedsLessThanTheWholePicture() throws {
    let bytes = ImageEncoder.jpeg(testPicture(width: 800, height: 800))
    var limits = ImageLimits()
    limits.decodedBytes = 800 * 800
    #expect(decodingError(bytes, limits: limits)?.code == .tooLarge)
    #expect(decodingError(bytes, limits: limits, targetSide: 90) == nil)
  }

  @Test func progressiveCoefficientsCountAsMemory() {
    let bytes = ImageFixtures.image("jpeg progressive").bytes
    var limits = ImageLimits()
    limits.decodedBytes = 11 * 9 * 3 + 11 * 9 * 6 - 1
    #expect(decodingError(bytes, limits: limits)?.code == .tooLarge)
  }

  @Test func manyScansAreRefused() {
    let bytes = ImageFixtures.image("jpeg progressive").bytes
    let bomb =
      Array(bytes.dropLast(2)) + Array(repeatElement(repeatableScan(bytes), count: 500).joined()) + [0xFF, 0xD9]
    #expect(decodingError(bomb)?.message.contains("scans") == true)
    var limits = ImageLimits()
    limits.scans = 3
    #expect(decodingError(bytes, limits: limits)?.code == .tooLarge)
    #expect(decodingError(bytes) == nil)
  }

  @Test func hugeFileIsRefusedUnread() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/sparse.jpg"
      #expect(FileManager.default.createFile(atPath: path, contents: Data([0xFF, 0xD8, 0xFF])))
      #expect(truncate(path, 1 << 40) == 0)
      let error = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: path) }
      #expect(error?.code == .tooLarge)
    }
  }

  private func refusal(_ bytes: [UInt8], _ change: (inout ImageLimits) -> Void) throws -> ImageError.Code? {
    var limits = ImageLimits()
    change(&limits)
    return decodingError(bytes, limits: limits)?.code
  }

  /// The first scan of AC coefficients with its Huffman table, as one that sends all bits at once: such a scan may
  /// legally come again and again, and each repeats the work of a whole pass.
  private func repeatableScan(_ bytes: [UInt8]) -> [UInt8] {
    func next(_ marker: UInt8, after start: Int) -> Int {
      (start..<bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] == marker }!
    }
    let firstScan = next(0xDA, after: 0)
    let table = next(0xC4, after: firstScan)
    let scan = next(0xDA, after: table)
    var result = Array(bytes[table..<next(0xC4, after: scan)])
    let lastByteOfHeader = scan - table + 2 + Int(bytes[scan + 3]) - 1
    result[lastByteOfHeader] = 0
    return result
  }
}

/// A signature, a valid IHDR chunk and the start of the data.
private func pngStart(width: Int, height: Int) -> [UInt8] {
  func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
  let header = Array("IHDR".utf8) + bigEndian(width) + bigEndian(height) + [8, 6, 0, 0, 0]
  let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  return signature + bigEndian(13) + header + bigEndian(Int(crc32(header))) + bigEndian(100) + Array("IDAT".utf8)
}
