import Foundation
import ItemCatalog
import Testing

/// One file of `Fixtures/images.json` and the pixels that Pillow sees in it.
struct ImageCase: Decodable, CustomTestStringConvertible, Sendable {
  let name: String
  let width: Int
  let height: Int
  /// The largest difference of a sample that rounding explains.
  let tolerance: Int
  let file: Data
  let rgb: Data
  let targetSide: Int?

  var bytes: [UInt8] { [UInt8](file) }
  var testDescription: String { name }
}

struct ResizeCases: Decodable {
  struct Result: Decodable {
    let width: Int
    let height: Int
    let rgb: Data
  }

  let width: Int
  let height: Int
  let rgb: Data
  let results: [Result]
}

struct ImageFixtures: Decodable {
  let images: [ImageCase]
  let resize: ResizeCases

  static let shared: ImageFixtures = {
    guard let url = Bundle.module.url(forResource: "images", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: url), let fixtures = try? JSONDecoder().decode(ImageFixtures.self, from: data)
    else { preconditionFailure("Fixtures/images.json is there and well-formed; tools/fixtures/images.py writes it") }
    return fixtures
  }()

  static func image(_ name: String) -> ImageCase { shared.images.first { $0.name == name }! }
}

/// A smooth picture with some structure: nothing in it is symmetric.
func testPicture(width: Int, height: Int) -> RGBImage {
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      pixels += [
        UInt8(x * 255 / max(1, width - 1)), UInt8(y * 255 / max(1, height - 1)), UInt8((x * 7 + y * 13) % 256),
      ]
    }
  }
  return RGBImage(width: width, height: height, pixels: pixels)
}

func largestDifference(_ a: [UInt8], _ b: some Collection<UInt8>) -> Int {
  guard a.count == b.count else { return .max }
  return zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// The error that decoding ends with; nil where it succeeds.
func decodingError(
  _ bytes: [UInt8], limits: ImageLimits = ImageLimits(), targetSide: Int? = nil
) -> ImageError? {
  do throws(ImageError) {
    _ = try ImageDecoder.decode(bytes: bytes, limits: limits, targetSide: targetSide)
    return nil
  } catch { return error }
}
