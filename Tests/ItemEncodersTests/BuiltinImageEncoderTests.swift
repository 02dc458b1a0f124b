import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// What `tools/fixtures/image_features.py` prints for ``picture()``.
private let reference: [Float] = [
  0.000000, 0.000000, 0.000534, 0.001588, 0.000087, 0.000000, 0.005897, 0.032428,
  0.050830, 0.001641, 0.000000, 0.030827, 0.070085, 0.051362, 0.002374, 0.027115,
  0.032028, 0.038226, 0.050653, 0.004238, 0.018617, 0.019687, 0.000419, 0.004870,
  0.001204, 0.000000, 0.000000, 0.000921, 0.050504, 0.026926, 0.011860, 0.042116,
  0.034488, 0.165145, 0.068735, 0.039777, 0.084254, 0.041713, 0.116138, 0.043351,
  0.133067, 0.189669, 0.032210, 0.153063, 0.070323, 0.070782, 0.097123, 0.003763,
  0.048919, 0.027497, 0.000000, 0.015835, 0.014098, 0.083371, 0.060214, 0.016580,
  0.144699, 0.106008, 0.187876, 0.135217, 0.041617, 0.144749, 0.087071, 0.115696,
  0.082912, 0.072472, 0.200238, 0.090250, 0.135142, 0.096394, 0.033377, 0.094014,
  0.024502, 0.045596, 0.031784, 0.000000, 0.007105, 0.007881, 0.026301, 0.022445,
  0.000000, 0.041404, 0.074391, 0.093875, 0.075171, 0.000000, 0.030602, 0.068038,
  0.070693, 0.044167, 0.000000, 0.033346, 0.054052, 0.035615, 0.021215, 0.000000,
  0.007565, 0.007541, 0.001804, 0.001507, 0.089663, 0.050934, 0.066525, 0.090921,
  0.036067, 0.038501, 0.081414, 0.069430, 0.053777, 0.065281, 0.038970, 0.041008,
  0.062433, 0.071193, 0.043482, 0.044850, 0.036812, 0.035462, 0.046221, 0.067963,
  0.036456, 0.029258, 0.034854, 0.028150, 0.056715, 0.041806, 0.074404, 0.082461,
  0.037161, 0.040979, 0.053425, 0.054571, 0.074760, 0.059148, 0.040270, 0.044458,
  0.041571, 0.062025, 0.064442, 0.042330, 0.039547, 0.039796, 0.030836, 0.063239,
  0.055528, 0.030284, 0.034364, 0.031664, 0.032424, 0.038898, 0.069240, 0.065961,
  0.032204, 0.038401, 0.031403, 0.044303, 0.077244, 0.046220, 0.036480, 0.040627,
  0.027628, 0.051255, 0.071958, 0.035231, 0.034894, 0.034783, 0.023144, 0.053594,
  0.064618, 0.028544, 0.027990, 0.028606, 0.018256, 0.036198, 0.064039, 0.053559,
  0.029330, 0.029654, 0.018823, 0.040858, 0.071504, 0.040652, 0.031604, 0.029934,
  0.018025, 0.042654, 0.073277, 0.028833, 0.029558, 0.025833, 0.018116, 0.045298,
  0.067864, 0.024647, 0.023903, 0.019314, 0.285150, -0.107498, 0.026357, -0.034491,
  0.011671, -0.022416, -0.123310, -0.037833, -0.006965, -0.013899, -0.007742, 0.028448,
  -0.014518, -0.010650, -0.009656, -0.038183, -0.014927, -0.009635, 0.014471, -0.009978,
  -0.023971, 0.095789, -0.118541, 0.046701, -0.031249, 0.171684, -0.020946, -0.030271,
  0.021270, 0.023801, 0.049325, 0.112460, -0.123408, 0.028135, -0.037113, -0.134658,
  -0.036342, -0.007786, 0.025608, -0.014554, -0.040815, 0.107533, 0.092884, 0.072748,
  0.089436, 0.082091, 0.069821, 0.070750, 0.069000, 0.062890, 0.079450, -0.001713,
  0.026584, 0.033934, 0.011570, -0.002797, 0.050559, 0.013825, -0.001733, 0.069883,
]

/// 64 × 64: two ramps and a checkerboard.
private func picture() -> RGBImage {
  var pixels: [UInt8] = []
  for row in 0..<64 {
    for column in 0..<64 {
      let square = (row / 8 + column / 8) % 2
      pixels += [UInt8(column * 4), UInt8((row * 3 + column) % 256), UInt8(square * 180 + 20)]
    }
  }
  return RGBImage(width: 64, height: 64, pixels: pixels)
}

/// A picture of one color with a darker rectangle in it, at a given place.
private func poster(_ color: [UInt8], side: Int = 96, rectangle: Range<Int> = 20..<40) -> RGBImage {
  let dark = color.map { $0 / 3 }
  var pixels: [UInt8] = []
  for row in 0..<side {
    for column in 0..<side { pixels += rectangle.contains(row) && rectangle.contains(column) ? dark : color }
  }
  return RGBImage(width: side, height: side, pixels: pixels)
}

private func cosine(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

@Suite struct BuiltinImageEncoderTests {
  @Test func featuresAreThoseOfTheDefinition() {
    expectClose(BuiltinImageEncoder.features(of: picture()), reference, tolerance: 2e-4)
  }

  @Test func aPictureIsNearestToItsOwnColorsAndShapes() {
    let red = BuiltinImageEncoder.features(of: poster([220, 30, 30]))
    let alike = BuiltinImageEncoder.features(of: poster([210, 40, 35], rectangle: 22..<42))
    let blue = BuiltinImageEncoder.features(of: poster([30, 30, 220]))
    #expect(cosine(red, alike) > cosine(red, blue) + 0.1)
    #expect(abs(cosine(red, red) - 1) < 1e-5)
  }

  @Test(arguments: [(1, 1), (1, 500), (500, 1), (3, 2), (640, 480)])
  func anySizeGivesAUnitVector(width: Int, height: Int) {
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 31) }
    let features = BuiltinImageEncoder.features(of: RGBImage(width: width, height: height, pixels: pixels))
    #expect(features.count == 256 && abs(cosine(features, features) - 1) < 1e-4)
  }

  @Test(arguments: [0, 128, 255] as [UInt8])
  func aBlankPictureGivesAFiniteVector(value: UInt8) {
    let blank = RGBImage(width: 32, height: 32, pixels: Array(repeating: value, count: 32 * 32 * 3))
    let features = BuiltinImageEncoder.features(of: blank)
    #expect(features.allSatisfy(\.isFinite) && abs(cosine(features, features) - 1) < 1e-4)
  }

  @Test func missingAndBrokenImagesAreReportedAndTheRestEncoded() throws {
    try withTemporaryDirectory { folder in
      let good = folder + "/good.png", broken = folder + "/broken.jpg"
      try Data(ImageEncoder.png(picture())).write(to: URL(fileURLWithPath: good))
      try Data(ImageEncoder.jpeg(picture()).prefix(300)).write(to: URL(fileURLWithPath: broken))
      let items = [
        Item(id: "a", image: "good.png", imagePath: good),
        Item(id: "b", image: "broken.jpg", imagePath: broken),
        Item(id: "c"),
        Item(id: "d", image: "gone.png"),
        Item(id: "e", image: "gone.png", imagePath: folder + "/gone.png"),
      ]
      let batch = BuiltinImageEncoder().encode(items)
      #expect(batch.isPresent == [true, false, false, false, false])
      #expect(batch.failures.map(\.index) == [1, 3, 4])
      #expect(batch.failures[0].reason.hasPrefix("broken.jpg: "))
      expectClose(batch.vectors.row(0), reference, tolerance: 2e-4)
      #expect(batch.vectors.rows(1..<5).elements.allSatisfy { $0 == 0 })
    }
  }

  @Test func batchesAndThreadsMakeNoDifference() throws {
    try withTemporaryDirectory { folder in
      let items = try (0..<20).map { index in
        let path = folder + "/\(index).jpg"
        let image = poster([UInt8(index * 12), UInt8(255 - index * 9), 80], side: 50 + index)
        try Data(ImageEncoder.jpeg(image)).write(to: URL(fileURLWithPath: path))
        return Item(id: "\(index)", image: path, imagePath: path)
      }
      let before = Parallelism.threadCount
      defer { Parallelism.threadCount = before }
      Parallelism.threadCount = 1
      let one = BuiltinImageEncoder().encode(items)
      Parallelism.threadCount = 2
      #expect(BuiltinImageEncoder().encode(items) == one)
      #expect(BuiltinImageEncoder().encode(Array(items[7..<9])).vectors == one.vectors.rows(7..<9))
    }
  }

  @Test func anEmptyBatchIsFine() {
    #expect(BuiltinImageEncoder().encode([]).vectors.rows == 0)
    #expect(BuiltinImageEncoder().fingerprint.count == 64)
  }
}

/// The blocks of the vector: where each lies is part of what the fingerprint names.
@Suite struct ImageFeatureBlockTests {
  private static let colors = 0..<100, edges = 100..<196, layout = 196..<237, statistics = 237..<256

  private func image(_ color: (_ row: Int, _ column: Int) -> [UInt8]) -> RGBImage {
    var pixels: [UInt8] = []
    for row in 0..<64 { for column in 0..<64 { pixels += color(row, column) } }
    return RGBImage(width: 64, height: 64, pixels: pixels)
  }

  private func block(_ range: Range<Int>, of image: RGBImage) -> [Float] {
    let block = BuiltinImageEncoder.features(of: image)[range]
    let norm = block.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return norm > 0 ? block.map { $0 / norm } : Array(block)
  }

  @Test func theColorHistogramForgetsPlaces() {
    let left = image { _, column in column < 32 ? [200, 40, 40] : [40, 40, 200] }
    let right = image { _, column in column < 32 ? [40, 40, 200] : [200, 40, 40] }
    expectClose(block(Self.colors, of: left), block(Self.colors, of: right), tolerance: 1e-4)
    #expect(cosine(block(Self.layout, of: left), block(Self.layout, of: right)) < 0.9)
  }

  @Test func aGrayPictureFallsIntoTheNeutralBins() {
    let gray = block(Self.colors, of: image { _, _ in [119, 119, 119] })
    // Lightness 50 lies halfway between the second and the third of four bins; a and b in the third of five.
    let neutral = 2 * 5 + 2
    let expected = (0..<100).map { Float($0 == 25 + neutral || $0 == 50 + neutral ? 0.5.squareRoot() : 0) }
    expectClose(gray, expected, tolerance: 0.1)
  }

  @Test func edgesAreToldByTheirDirection() {
    let vertical = image { _, column in column % 16 < 8 ? [220, 220, 220] : [30, 30, 30] }
    let horizontal = image { row, _ in row % 16 < 8 ? [220, 220, 220] : [30, 30, 30] }
    // The gradient of vertical stripes runs along the rows: orientation 0 of six; of horizontal ones, orientation 3.
    let first = block(Self.edges, of: vertical), second = block(Self.edges, of: horizontal)
    for cell in 0..<16 {
      #expect(first[cell * 6] > 0.2 && first[cell * 6 + 3] < 0.01)
      #expect(second[cell * 6 + 3] > 0.2 && second[cell * 6] < 0.01)
    }
    expectClose(block(Self.colors, of: vertical), block(Self.colors, of: horizontal), tolerance: 1e-4)
  }

  @Test func edgeDensityTellsBusyPartsFromQuietOnes() {
    let busyCorner = image { row, column in
      row < 20 && column < 20 && (row / 2 + column / 2) % 2 == 0 ? [255, 255, 255] : [90, 90, 90]
    }
    let densities = block(Self.statistics, of: busyCorner).prefix(9)
    #expect(densities.first! > 0.3 && densities.dropFirst(4).allSatisfy { $0 < 0.02 })
  }

  @Test func theBorderIsSeenApartFromTheInside() {
    let framed = image { row, column in
      (6..<58).contains(row) && (6..<58).contains(column) ? [20, 20, 20] : [250, 250, 250]
    }
    let inverted = image { row, column in
      (6..<58).contains(row) && (6..<58).contains(column) ? [250, 250, 250] : [20, 20, 20]
    }
    let bright = block(Self.statistics, of: framed), dark = block(Self.statistics, of: inverted)
    // After the nine densities: the border's lightness, and the whole's less the border's.
    #expect(bright[9] > dark[9] + 0.2 && bright[10] < -0.1 && dark[10] > 0.1)
  }

  @Test func scaleMattersLittle() {
    let small = poster([200, 120, 40], side: 64, rectangle: 16..<32)
    let large = poster([200, 120, 40], side: 256, rectangle: 64..<128)
    #expect(cosine(BuiltinImageEncoder.features(of: small), BuiltinImageEncoder.features(of: large)) > 0.98)
  }
}
