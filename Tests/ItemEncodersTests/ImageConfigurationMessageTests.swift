import Foundation
import ItemEncoders
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// What is said of preprocessing that cannot be done: the file, the key, what it holds and what it may hold.
@Suite struct ImageConfigurationMessageTests {
  private static func configuration(_ text: String, path: String = "p.json") throws -> ModelConfigurationFile {
    try ModelConfigurationFile(Data(text.utf8), path: path)
  }

  private static func message(_ body: () throws -> Void) -> String? {
    do { try body() } catch {
      let error = error as? NeuralNetworksError
      return error?.code == .unsupportedModel ? error?.message : "code \(String(describing: error?.code))"
    }
    return nil
  }

  /// Either would make every sample of every picture no number.
  @Test(arguments: [
    (#""rescale_factor": 0"#, #"p.json: "rescale_factor" is 0.0; a number above 0 is expected"#),
    (#""rescale_factor": -1"#, #"p.json: "rescale_factor" is -1.0; a number above 0 is expected"#),
    (#""rescale_factor": 1e-300"#, #"p.json: "rescale_factor" is 1e-300; a number above 0 is expected"#),
    (
      #""image_mean": [0, 0, 0], "image_std": [1, 1e-300, 1]"#,
      #"p.json: "image_std" is [1.0, 1e-300, 1.0]; three numbers above 0 is expected"#
    ),
  ])
  func scalesThatLeaveNoNumberAreRefused(keys: String, expected: String) throws {
    let normalize = keys.contains("image_std") ? "" : #", "do_normalize": false"#
    let found = Self.message {
      _ = try ImagePreprocessing(try Self.configuration(#"{"size": 9, \#(keys)\#(normalize)}"#))
    }
    #expect(found == expected)
  }

  @Test(arguments: [
    (#"{}"#, #"p.json: "size" is missing; an integer is expected"#),
    (#"{"size": "big"}"#, #"p.json: "size" is big; an integer from 1 to 4096 is expected"#),
    (#"{"size": 0}"#, #"p.json: "size" is 0; an integer from 1 to 4096 is expected"#),
    (#"{"size": 4097}"#, #"p.json: "size" is 4097; an integer from 1 to 4096 is expected"#),
    (#"{"size": 9.5}"#, #"p.json: "size" is 9.5; an integer from 1 to 4096 is expected"#),
    (#"{"size": {"height": 9}}"#, #"p.json, size: "width" is missing; an integer is expected"#),
    (
      #"{"size": {"height": 9, "width": -9}}"#,
      #"p.json, size: "width" is -9; an integer from 1 to 4096 is expected"#
    ),
    (
      #"{"size": {"shortest_edge": 5000}, "crop_size": 9}"#,
      #"p.json, size: "shortest_edge" is 5000; an integer from 1 to 4096 is expected"#
    ),
    (
      #"{"size": {"shortest_edge": 224, "longest_edge": 300}, "crop_size": 224}"#,
      #"p.json, size: "longest_edge" is given; shortest_edge alone is expected"#
    ),
    (#"{"size": 9, "do_center_crop": true}"#, #"p.json: "crop_size" is missing; an integer is expected"#),
    (
      #"{"size": {"shortest_edge": 224}, "do_center_crop": false}"#,
      #"p.json: "do_center_crop" is false; true where size gives only the shorter side is expected"#
    ),
    (
      #"{"size": {"shortest_edge": 100}, "crop_size": {"height": 90, "width": 101}}"#,
      #"p.json: "crop_size" is 101 × 90; at most the resized side, 100 is expected"#
    ),
    (
      #"{"size": {"height": 100, "width": 90}, "crop_size": {"height": 50, "width": 91}}"#,
      #"p.json: "crop_size" is 91 × 50; at most 90 × 100 is expected"#
    ),
  ])
  func sizesAndCropsThatCannotBe(text: String, expected: String) {
    #expect(Self.message { _ = try ImagePreprocessing(Self.configuration(text)) } == expected)
  }

  @Test(arguments: [
    (
      #"{"size": 9, "do_resize": false}"#,
      #"p.json: "do_resize" is false; true; pictures come in all sizes is expected"#
    ),
    (#"{"size": 9, "do_resize": "no"}"#, #"p.json: "do_resize" is something else; true or false is expected"#),
    (
      #"{"size": 9, "resample": 0}"#,
      #"p.json: "resample" is 0, nearest neighbor; an antialiased filter, 1 to 5 is expected"#
    ),
    (#"{"size": 9, "resample": 6}"#, #"p.json: "resample" is 6; an integer from 0 to 5 is expected"#),
    (#"{"size": 9, "rescale_factor": "1/255"}"#, #"p.json: "rescale_factor" is something else; a number is expected"#),
    (#"{"size": 9}"#, #"p.json: "image_mean" is missing; a list of numbers is expected"#),
    (
      #"{"size": 9, "image_mean": 0.5}"#, #"p.json: "image_mean" is something else; a list of numbers is expected"#
    ),
    (
      #"{"size": 9, "image_mean": [0, 0]}"#,
      #"p.json: "image_mean" is 2 numbers; three: red, green and blue is expected"#
    ),
    (
      #"{"size": 9, "image_mean": [0, 0, 0], "image_std": [1, 1, 1, 1]}"#,
      #"p.json: "image_std" is 4 numbers; three: red, green and blue is expected"#
    ),
    (
      #"{"size": 9, "image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#,
      #"p.json: "image_std" is [1.0, 0.0, 1.0]; three numbers above 0 is expected"#
    ),
    (
      #"{"size": 9, "image_processor_type": 5}"#,
      #"p.json: "image_processor_type" is something else; a string is expected"#
    ),
  ])
  func settingsThatCannotBe(text: String, expected: String) {
    #expect(Self.message { _ = try ImagePreprocessing(Self.configuration(text)) } == expected)
  }

  @Test(arguments: ["do_pad", "do_reduce_labels", "do_flip_channel_order"])
  func stepsThatAreNotTakenAreRefusedRatherThanLeftOut(key: String) throws {
    let rest = #""size": 9, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]"#
    let message = Self.message { _ = try ImagePreprocessing(Self.configuration(#"{"\#(key)": true, \#(rest)}"#)) }
    #expect(message?.hasPrefix(#"p.json: "\#(key)" is true; false: supported are do_resize, "#) == true)
    #expect(message?.contains("run it as an external worker") == true)
    // Told not to, and not told at all, are the same.
    let without = try ImagePreprocessing(Self.configuration(#"{"\#(key)": false, \#(rest)}"#))
    #expect(try without == ImagePreprocessing(Self.configuration("{\(rest)}")))
  }

  @Test(arguments: [
    ("{}", #"c: "preprocessing" is without a resize; a section with resize, filter, mean and scale is expected"#),
    (
      #"{"preprocessing": {"filter": "box"}}"#,
      #"c: "preprocessing" is without a resize; a section with resize, filter, mean and scale is expected"#
    ),
    (#"{"preprocessing": 5}"#, #"c: "preprocessing" is something else; an object is expected"#),
    (#"{"preprocessing": {"resize": 5}}"#, #"c, preprocessing: "resize" is something else; an object is expected"#),
    (#"{"preprocessing": {"resize": {}}}"#, #"c, preprocessing: "filter" is missing; a string is expected"#),
    (
      #"{"preprocessing": {"resize": {}, "filter": "nearest"}}"#,
      #"c, preprocessing: "filter" is "nearest"; box, bilinear, hamming, bicubic, lanczos is expected"#
    ),
    (
      #"{"preprocessing": {"resize": {}, "filter": "box"}}"#,
      #"c, preprocessing: "scale" is missing; a number is expected"#
    ),
    (
      #"{"preprocessing": {"resize": {}, "filter": "box", "scale": -0.5}}"#,
      #"c, preprocessing: "scale" is -0.5; a number above 0 is expected"#
    ),
    (
      #"{"preprocessing": {"resize": {}, "filter": "box", "scale": 1}}"#,
      #"c, preprocessing: "mean" is missing; a number is expected"#
    ),
    (
      #"{"preprocessing": {"resize": {"height": 2, "width": 0}, "filter": "box", "scale": 1, "mean": 0}}"#,
      #"c, preprocessing, resize: "width" is 0; an integer from 1 to 4096 is expected"#
    ),
  ])
  func sectionsOfConvertedModelsThatLackSomething(text: String, expected: String) {
    let message = Self.message { _ = try ImagePreprocessing(efficientNet: Self.configuration(text, path: "c")) }
    #expect(message == expected)
  }

  /// Encoders with other preprocessing must have other fingerprints, which are made of the description.
  @Test func everySettingShowsInTheDescription() {
    let extent = ImagePreprocessing.Extent(width: 6, height: 4)
    let plain = ImagePreprocessing(
      size: .exact(extent), filter: .bicubic, rescale: 0.5, mean: [0, 1, 2], deviation: [1, 2, 4])
    #expect(
      plain.description
        == "exactly 6 × 4, bicubic, no crop, rescale 0.5, mean [0.0, 1.0, 2.0], deviation [1.0, 2.0, 4.0]")
    let changes: [(inout ImagePreprocessing) -> Void] = [
      { $0.size = .exact(.init(width: 4, height: 6)) }, { $0.size = .shorterSide(6) }, { $0.size = .shorterSide(4) },
      { $0.filter = .lanczos }, { $0.crop = extent }, { $0.crop = .init(width: 4, height: 6) }, { $0.rescale = 0.25 },
      { $0.mean[2] = 0 }, { $0.deviation[0] = 8 }, { $0.mean = [1, 0, 2] }, { $0.allowsReducedDecoding = true },
    ]
    var seen: Set<String> = [plain.description]
    for change in changes {
      var changed = plain
      change(&changed)
      seen.insert(changed.description)
    }
    #expect(seen.count == changes.count + 1)
  }

  @Test func pillowsNumbersAreThoseOfItsFilters() {
    let found = (-1...6).map { ResamplingFilter(pillowCode: $0) }
    #expect(found == [nil, nil, .lanczos, .bilinear, .bicubic, .box, .hamming, nil])
  }
}
