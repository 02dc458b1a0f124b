import Foundation
import ItemCatalog
import ItemEncoders
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// `picture` of tools/fixtures/image_resize.py.
private func picture(_ width: Int, _ height: Int) -> RGBImage {
  var pixels: [UInt8] = []
  for row in 0..<height {
    for column in 0..<width {
      for color in 0..<3 {
        pixels.append(UInt8(truncatingIfNeeded: row * 7 + column * 13 + (row ^ column) * 5 + color * 41))
      }
    }
  }
  return RGBImage(width: width, height: height, pixels: pixels)
}

/// Filter, source size, target size, and the first digits of the SHA-256 of Pillow's samples.
private let resized: [(filter: String, Int, Int, Int, Int, digest: String)] = [
  ("box", 151, 224, 224, 224, "1c63b9e3fb9a958f"),
  ("bilinear", 151, 224, 224, 224, "3f72578050561273"),
  ("hamming", 151, 224, 224, 224, "e1be498d902ab523"),
  ("bicubic", 151, 224, 224, 224, "e6d6bd796a2e60fe"),
  ("lanczos", 151, 224, 224, 224, "5bb0039faa7e8adf"),
  ("box", 37, 23, 16, 9, "a3968a47806307de"),
  ("bilinear", 37, 23, 16, 9, "2a2958ad4b73fdd0"),
  ("hamming", 37, 23, 16, 9, "53c20d2959d43834"),
  ("bicubic", 37, 23, 16, 9, "42f62c434b685ed5"),
  ("lanczos", 37, 23, 16, 9, "86224e0ccc1251e0"),
  ("box", 5, 7, 32, 40, "99701c1f77a3ec22"),
  ("bilinear", 5, 7, 32, 40, "2dc8f8fc56d928a6"),
  ("hamming", 5, 7, 32, 40, "16c1fc4893d84377"),
  ("bicubic", 5, 7, 32, 40, "766fb63fccda8645"),
  ("lanczos", 5, 7, 32, 40, "daa0a87ebe8a1a69"),
  ("bicubic", 1, 1, 8, 8, "5f2d5c74a8f667c7"),
  ("box", 64, 64, 64, 31, "2e85953ae715abb3"),
  ("bilinear", 64, 64, 64, 31, "5fe046ef2c963197"),
  ("hamming", 64, 64, 64, 31, "37211a42bcd80b95"),
  ("bicubic", 64, 64, 64, 31, "bd902eb7bab52d01"),
  ("lanczos", 64, 64, 64, 31, "75b132206aba4348"),
  ("box", 300, 2, 7, 5, "dd2c0d795cd900fc"),
  ("bilinear", 300, 2, 7, 5, "e419871ea8529929"),
  ("hamming", 300, 2, 7, 5, "47e0360950abd1e5"),
  ("bicubic", 300, 2, 7, 5, "8c4164a1f6202ac0"),
  ("lanczos", 300, 2, 7, 5, "bdb5ca64db522c13"),
  ("box", 2, 300, 2, 64, "4b7be4755a0f479e"),
  ("bilinear", 2, 300, 2, 64, "0048f938e6febe33"),
  ("hamming", 2, 300, 2, 64, "0bc97243eec08b2a"),
  ("bicubic", 2, 300, 2, 64, "6fd5e9fd790f5033"),
  ("lanczos", 2, 300, 2, 64, "c063bf41d4ada084"),
  ("box", 640, 480, 224, 168, "2832f22dd413e2d2"),
  ("bilinear", 640, 480, 224, 168, "3817cdae76c3cc95"),
  ("hamming", 640, 480, 224, 168, "bb0a7d9dd069067e"),
  ("bicubic", 640, 480, 224, 168, "3ce738fa06535924"),
  ("lanczos", 640, 480, 224, 168, "ffdb105ecf7d7013"),
]

private func configuration(_ text: String) throws -> ModelConfigurationFile {
  try ModelConfigurationFile(Data(text.utf8), path: "preprocessor_config.json")
}

/// As transformers saves a ViTImageProcessor's settings.
private let vit = """
  {"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
  "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0.5], "resample": 2,
  "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}
  """
/// As openai/clip-vit-base-patch32 has them.
private let clip = """
  {"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
  "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
  "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224}
  """

@Suite struct ResamplingFilterTests {
  @Test(arguments: resized.indices) func resultsEqualPillowsInEveryBit(index: Int) throws {
    let (name, width, height, newWidth, newHeight, digest) = resized[index]
    let filter = try #require(ResamplingFilter(rawValue: name))
    let result = filter.resize(picture(width, height), width: newWidth, height: newHeight)
    #expect(result.width == newWidth && result.height == newHeight)
    #expect(Digest(hashing: result.pixels).hex.hasPrefix(digest))
  }

  @Test func theSameSizeChangesNothing() {
    for filter in ResamplingFilter.allCases {
      #expect(filter.resize(picture(9, 4), width: 9, height: 4) == picture(9, 4))
    }
  }

  @Test func filtersAreKnownByPillowsNumbers() {
    let known = (0...6).map { ResamplingFilter(pillowCode: $0) }
    #expect(known == [nil, .lanczos, .bilinear, .bicubic, .box, .hamming, nil])
  }

  @Test func weightsOfAnOutputSumToOne() {
    for filter in ResamplingFilter.allCases {
      for (source, target) in [(1, 1), (1, 50), (50, 1), (7, 13), (1000, 3), (3, 1000)] {
        let weights = filter.weights(from: source, to: target)
        for output in 0..<target {
          let sum = weights.weights[output * weights.taps..<(output + 1) * weights.taps].reduce(0) { $0 + Int($1) }
          #expect(abs(sum - 1 << 22) <= weights.taps)
          #expect(Int(weights.starts[output]) + weights.taps <= source)
        }
      }
    }
  }
}

@Suite struct ImagePreprocessingTests {
  /// Channels-last samples at the (channel, row, column)s that the generator prints.
  private func samples(_ values: ContiguousArray<Float>) -> [Float] {
    let places = [(0, 0, 0), (1, 3, 200), (2, 111, 57), (0, 223, 223), (1, 160, 12), (2, 5, 219)]
    return places.map { values[($1 * 224 + $2) * 3 + $0] }
  }

  private func expectEqual(_ preprocessing: ImagePreprocessing, _ image: RGBImage, _ wanted: [Float], mean: Double) {
    let values = preprocessing.apply(to: image)
    #expect(values.count == 224 * 224 * 3)
    expectClose(samples(values), wanted, tolerance: 1e-6)
    #expect(abs(values.reduce(0) { $0 + Double($1) } / Double(values.count) - mean) < 1e-6)
  }

  @Test func vitsResultsEqualTransformers() throws {
    let preprocessing = try ImagePreprocessing(configuration(vit))
    expectEqual(
      preprocessing, picture(151, 224), [-1.0, 0.3333334, 0.4431373, -0.7176471, -0.5607843, 0.6627451],
      mean: -0.004288626)
  }

  @Test func clipsResultsEqualTransformers() throws {
    let preprocessing = try ImagePreprocessing(configuration(clip))
    expectEqual(
      preprocessing, picture(151, 224), [0.8062574, -1.181802, 1.207373, 0.4558952, 0.1688973, 0.3541688],
      mean: 0.1843483)
    expectEqual(
      preprocessing, picture(500, 333), [1.725958, 1.129394, 0.8945313, 0.09093457, 0.1688973, -0.6127958],
      mean: 0.1827313)
  }

  @Test func efficientNetsSamplesAreCenteredAndScaled() throws {
    let text = """
      {"preprocessing": {"resize": {"height": 4, "width": 6}, "filter": "bicubic", "mean": 127, "scale": 0.0078125}}
      """
    let preprocessing = try ImagePreprocessing(efficientNet: configuration(text))
    let values = preprocessing.apply(to: picture(6, 4))
    #expect(values == ContiguousArray(picture(6, 4).pixels.map { (Float($0) - 127) / 128 }))
    #expect(preprocessing.extent == ImagePreprocessing.Extent(width: 6, height: 4))
  }

  @Test func sizesAreReadInEveryFormThatProcessorsWrite() throws {
    func read(_ size: String, _ more: String = "") throws -> ImagePreprocessing {
      try ImagePreprocessing(
        configuration(#"{"size": \#(size), \#(more) "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#))
    }
    let square = ImagePreprocessing.Extent(width: 96, height: 96)
    #expect(try read("96").size == .exact(square))
    #expect(try read(#"{"height": 80, "width": 96}"#).extent == ImagePreprocessing.Extent(width: 96, height: 80))
    let cropped = try read(
      #"{"shortest_edge": 128}"#, #""do_center_crop": true, "crop_size": {"height": 96, "width": 96},"#)
    #expect(cropped.size == .shorterSide(128) && cropped.extent == square && cropped.filter == .bicubic)
    #expect(try read("128", #""crop_size": 96,"#).size == .shorterSide(128))
    let uncropped = try read(#"{"height": 96, "width": 96}"#, #""crop_size": 64, "do_center_crop": false,"#)
    #expect(uncropped.crop == nil && uncropped.extent == square)
    let plain = try read("96", #""do_rescale": false, "do_normalize": false, "resample": 1,"#)
    #expect(plain.rescale == 1 && plain.filter == .lanczos && plain.mean == [0, 0, 0])
  }

  @Test(arguments: [
    #"{}"#, #"{"size": 0}"#, #"{"size": "big"}"#, #"{"size": {"shortest_edge": 224}, "do_center_crop": false}"#,
    #"{"size": 128, "crop_size": 96, "do_center_crop": false}"#, #"{"size": {"shortest_edge": 100}, "crop_size": 224}"#,
    #"{"size": {"height": 9}}"#,
    #"{"size": {"height": 100, "width": 100}, "do_center_crop": true, "crop_size": 224}"#,
    #"{"size": {"shortest_edge": 224, "longest_edge": 300}, "crop_size": 224}"#, #"{"size": 9, "resample": 0}"#,
    #"{"size": 9, "do_resize": false}"#, #"{"size": 9, "do_pad": true}"#, #"{"size": 9, "do_center_crop": true}"#,
    #"{"size": 9, "image_mean": [0, 0], "image_std": [1, 1, 1]}"#, #"{"size": 9, "image_mean": [0, 0, 0]}"#,
    #"{"size": 9, "image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#, #"{"size": 100000}"#,
    #"{"size": 9, "image_mean": 0.5, "image_std": [1, 1, 1]}"#,
  ])
  func whatCannotBeDoneIsRefused(text: String) {
    let error = #expect(throws: NeuralNetworksError.self) { try ImagePreprocessing(configuration(text)) }
    #expect(error?.code == .unsupportedModel)
    #expect(error?.message.contains("preprocessor_config.json") == true)
  }

  @Test(arguments: [(1, 1), (1, 9000), (9000, 1), (3, 2), (225, 224)])
  func everyShapeIsPrepared(width: Int, height: Int) throws {
    for text in [vit, clip] {
      let preprocessing = try ImagePreprocessing(configuration(text))
      let values = preprocessing.apply(to: picture(width, height))
      #expect(values.count == 224 * 224 * 3)
      let isFinite = values.allSatisfy(\.isFinite)
      #expect(isFinite)
    }
  }

  @Test func damagedConfigurationsNeverCrashTheReader() {
    var random = RandomSource(seed: 5)
    var refused = 0
    for round in 0..<10_000 {
      let bytes = damaged(Array((round % 2 == 0 ? vit : clip).utf8), using: &random)
      do {
        _ = try ImagePreprocessing(ModelConfigurationFile(Data(bytes), path: "x"))
      } catch {
        refused += 1
      }
    }
    #expect(refused > 2000 && refused < 10_000)
  }
}
