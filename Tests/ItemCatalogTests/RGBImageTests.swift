import ItemCatalog
import Testing

@Suite struct RGBImageTests {
  @Test func resizeAgreesWithPillow() {
    let cases = ImageFixtures.shared.resize
    let source = RGBImage(width: cases.width, height: cases.height, pixels: [UInt8](cases.rgb))
    for expected in cases.results {
      let resized = source.resized(width: expected.width, height: expected.height)
      // Pillow rounds twice.
      #expect(largestDifference(resized.pixels, expected.rgb) <= 1, "\(expected.width) × \(expected.height)")
    }
  }

  @Test(arguments: [(1, 1), (3, 5), (20, 31), (37, 8), (64, 64), (50, 41)])
  func resizeAgreesWithTheDefinition(_ width: Int, _ height: Int) {
    let source = testPicture(width: 50, height: 40)
    let resized = source.resized(width: width, height: height)
    var worst = 0.0
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<3 {
          let expected = triangleAverage(source, x: x, y: y, width: width, height: height, channel: channel)
          worst = max(worst, abs(expected - Double(resized.pixels[(y * width + x) * 3 + channel])))
        }
      }
    }
    #expect(worst <= 0.501)
  }

  @Test func flatColorStaysFlat() {
    let flat = RGBImage(width: 31, height: 17, pixels: Array(repeatElement([10, 128, 255], count: 31 * 17).joined()))
    for (width, height) in [(7, 5), (100, 90), (31, 3)] {
      let pixels = flat.resized(width: width, height: height).pixels
      #expect(pixels == Array(repeatElement([10, 128, 255], count: width * height).joined()))
    }
  }

  @Test func fittedKeepsTheAspectRatioAndFilledCutsTheMiddle() {
    let wide = testPicture(width: 60, height: 30)
    let fitted = wide.fitted(side: 20)
    #expect((fitted.width, fitted.height) == (20, 10))
    let filled = wide.filled(side: 10)
    #expect((filled.width, filled.height) == (10, 10))
    #expect(filled == wide.resized(width: 20, height: 10).cropped(x: 5, y: 0, width: 10, height: 10))
    let sliver = testPicture(width: 1000, height: 1).fitted(side: 10)
    #expect((sliver.width, sliver.height) == (10, 1))
  }

  @Test func cropTakesTheRectangle() {
    let source = testPicture(width: 9, height: 7)
    let crop = source.cropped(x: 2, y: 3, width: 4, height: 2)
    for y in 0..<2 {
      for x in 0..<4 {
        let (from, to) = (((y + 3) * 9 + x + 2) * 3, (y * 4 + x) * 3)
        #expect(crop.pixels[to..<to + 3].elementsEqual(source.pixels[from..<from + 3]))
      }
    }
  }

  @Test(arguments: [(1, 1), (16, 16), (33, 7), (120, 90)])
  func pngRoundTripIsExact(_ width: Int, _ height: Int) throws {
    let picture = testPicture(width: width, height: height)
    for level in [1, 6, 9] {
      #expect(try ImageDecoder.decode(bytes: ImageEncoder.png(picture, compressionLevel: level)) == picture)
    }
  }

  @Test func jpegRoundTripIsCloseAndQualityCounts() throws {
    let smooth = testPicture(width: 32, height: 24).resized(width: 128, height: 96)
    func meanError(_ quality: Int) throws -> Double {
      let decoded = try ImageDecoder.decode(bytes: ImageEncoder.jpeg(smooth, quality: quality))
      let total = zip(decoded.pixels, smooth.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      return Double(total) / Double(smooth.pixels.count)
    }
    #expect(try meanError(95) < 6)
    #expect(try meanError(95) < meanError(20))
    #expect(ImageEncoder.jpeg(smooth, quality: 20).count < ImageEncoder.jpeg(smooth, quality: 95).count)
    #expect(ImageEncoder.jpeg(smooth, quality: 80) == ImageEncoder.jpeg(smooth, quality: 80))
  }
}

/// The weighted average that a triangle filter of the shrink factor's width defines, in one double-precision pass.
private func triangleAverage(
  _ image: RGBImage, x: Int, y: Int, width: Int, height: Int, channel: Int
) -> Double {
  func weights(_ position: Int, _ target: Int, _ source: Int) -> [Double] {
    let scale = Double(source) / Double(target)
    let center = (Double(position) + 0.5) * scale
    let raw = (0..<source).map { max(0, 1 - abs(Double($0) + 0.5 - center) / max(1, scale)) }
    return raw.map { $0 / raw.reduce(0, +) }
  }
  let (columns, rows) = (weights(x, width, image.width), weights(y, height, image.height))
  var sum = 0.0
  for row in 0..<image.height where rows[row] > 0 {
    for column in 0..<image.width where columns[column] > 0 {
      sum += rows[row] * columns[column] * Double(image.pixels[(row * image.width + column) * 3 + channel])
    }
  }
  return sum
}
