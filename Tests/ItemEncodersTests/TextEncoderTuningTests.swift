import Foundation
import ItemCatalog
import ItemEncoders
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A text encoder that learns gives the vectors of the one that encodes, before training and after.
@Suite struct TextEncoderTuningTests {
  private static let depths: [TrainableDepth] = [.last(1), .last(2), .all]

  private static func items(_ count: Int) -> [Item] {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    var random = RandomSource(seed: 3)
    return (0..<count).map { index in
      let words = (0..<1 + index % 12).map { _ in String(letters.randomElement(using: &random)!) }
      return Item(id: "\(index)", title: "", text: index == 4 ? " " : words.joined(separator: " "))
    }
  }

  private static func tuning(
    _ depth: TrainableDepth, _ items: [Item], name: String = "text-model", stateBytes: Int = 1 << 20
  ) throws -> TextEncoderTuning {
    var tuning = try TextEncoderTuning(
      folder: PretrainedTextEncoderTests.folder(name), depth: depth, stateBytes: stateBytes)
    tuning.append(Array(items.prefix(5)))
    tuning.append(Array(items.dropFirst(5)))
    return tuning
  }

  /// Weights moved at random.
  private static func moved(_ parameters: ParameterSet, by size: Float = 0.05) -> ParameterSet {
    var (result, random) = (parameters, RandomSource(seed: 8))
    for entry in parameters.entries {
      guard let parameter = parameters.parameter(named: entry.name) else { continue }
      for index in entry.value.elements.indices { result[parameter].elements[index] += size * random.nextNormal() }
    }
    return result
  }

  @Test(arguments: ["text-model", "text-model-cls"], depths)
  func untouchedWeightsGiveTheEncodersVectors(name: String, depth: TrainableDepth) throws {
    let items = Self.items(300)
    var tuning = try Self.tuning(depth, items, name: name)
    #expect(tuning.count == 300 && tuning.dimensions == 16)
    #expect(!tuning.hasVector(4) && tuning.hasVector(5))
    let rows = [7, 299, 0] + Array(20..<280)
    let wanted = try PretrainedTextEncoder(folder: PretrainedTextEncoderTests.folder(name)).encode(items).vectors
    let parameters = tuning.parameters
    for _ in 0..<2 {
      let found = tuning.vectors(of: rows, by: parameters, precision: .single)
      expectClose(found.elements, wanted.selectingRows(rows).elements, tolerance: 1e-5)
    }
  }

  @Test func itDoesNotMatterWhetherStatesAreKept() throws {
    let items = Self.items(60), rows = Array(5..<60)
    var (kept, few, none) = (
      try Self.tuning(.last(1), items), try Self.tuning(.last(1), items, stateBytes: 5000),
      try Self.tuning(.last(1), items, stateBytes: 0)
    )
    let parameters = Self.moved(kept.parameters)
    let first = kept.vectors(of: rows, by: parameters, precision: .single)
    let again = kept.vectors(of: rows, by: parameters, precision: .single)
    let withFew = few.vectors(of: rows, by: parameters, precision: .single)
    let withNone = none.vectors(of: rows, by: parameters, precision: .single)
    #expect(again == first && withFew == first && withNone == first)
  }

  /// More tokens than go through at once: the parts' gradients add up to those of the whole, as differences give them.
  @Test(arguments: depths)
  func gradientsAreThoseOfTheWholeBatch(depth: TrainableDepth) throws {
    var tuning = try Self.tuning(depth, Self.items(500))
    let rows = Array(5..<500)
    let parameters = tuning.parameters
    var random = RandomSource(seed: 2)
    let outer = normalMatrix(rows.count, 16, using: &random)
    let made = tuning.gradients(of: rows, outer: outer, by: parameters, precision: .single)
    let gradients = try #require(made)
    func loss(_ parameters: ParameterSet) -> Double {
      let vectors = tuning.vectors(of: rows, by: parameters, precision: .single)
      return zip(vectors.elements, outer.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    for name in ["encoder.layer.1.attention.self.value.weight", "encoder.layer.1.output.LayerNorm.bias"] {
      let parameter = try #require(parameters.parameter(named: name))
      let gradient = try #require(gradients[parameter])
      let length = gradient.squaredNorm().squareRoot()
      var (above, below) = (parameters, parameters)
      // Along the gradient the loss rises by its length.
      for index in gradient.elements.indices {
        let step = 0.003 * gradient.elements[index] / Float(length)
        above[parameter].elements[index] += step
        below[parameter].elements[index] -= step
      }
      let slope = (loss(above) - loss(below)) / 0.006
      #expect(abs(slope - length) < 0.01 * length, "\(name): \(slope), \(length)")
    }
    let nothing = tuning.gradients(of: [], outer: Matrix(rows: 0, columns: 16), by: parameters, precision: .single)
    #expect(nothing == nil)
  }

  @Test(arguments: depths)
  func tunedWeightsMakeTheEncoderThatTrainingSaw(depth: TrainableDepth) throws {
    let items = Self.items(40), rows = Array(5..<40), folder = try PretrainedTextEncoderTests.folder()
    var tuning = try Self.tuning(depth, items)
    let parameters = Self.moved(tuning.parameters)
    let weights = tuning.tuned(parameters)
    let base = try PretrainedTextEncoder(folder: folder)
    #expect(weights.base == base.fingerprint && weights.fingerprint != base.fingerprint)
    #expect(weights.changedTensors == parameters.entries.count)
    try withTemporaryDirectory { directory in
      let path = directory + "/tuned.safetensors"
      try weights.write(to: path)
      let read = try TunedTextWeights(contentsOf: path)
      #expect(read.fingerprint == weights.fingerprint && read.base == weights.base)
      let encoder = try PretrainedTextEncoder(folder: folder, tuned: read)
      #expect(encoder.fingerprint == weights.fingerprint)
      let found = try encoder.encode(items).vectors.selectingRows(rows)
      let wanted = tuning.vectors(of: rows, by: parameters, precision: .single)
      expectClose(found.elements, wanted.elements, tolerance: 1e-5)
      let before = try base.encode(items).vectors.selectingRows(rows)
      #expect(zip(found.elements, before.elements).contains { abs($0 - $1) > 0.01 })
    }
  }

  @Test func weightsThatDidNotChangeAreTheSameVectors() throws {
    let items = Self.items(10), folder = try PretrainedTextEncoderTests.folder()
    let tuning = try Self.tuning(.all, items)
    let weights = tuning.tuned(tuning.parameters)
    #expect(weights.changedTensors == 0)
    try withTemporaryDirectory { directory in
      try weights.write(to: directory + "/tuned.safetensors")
      let read = try TunedTextWeights(contentsOf: directory + "/tuned.safetensors")
      let vectors = try PretrainedTextEncoder(folder: folder, tuned: read).encode(items).vectors
      #expect(try vectors == PretrainedTextEncoder(folder: folder).encode(items).vectors)
    }
  }

  // MARK: What is refused

  @Test func weightsOfAnotherEncoderAreRefused() throws {
    let tuning = try Self.tuning(.last(1), Self.items(6))
    let weights = tuning.tuned(Self.moved(tuning.parameters))
    for (name, prefix) in [("text-model-cls", ""), ("text-model", "q ")] {
      let error = #expect(throws: EncoderError.self) {
        try PretrainedTextEncoder(folder: PretrainedTextEncoderTests.folder(name), prefix: prefix, tuned: weights)
      }
      #expect(error?.code == .unreadableEncoder)
      #expect(error?.message.contains("tuned from another encoder") == true)
    }
  }

  /// Every byte of the file counts: a changed one is found, and none makes it crash.
  @Test func aDamagedFileIsRefused() throws {
    let tuning = try Self.tuning(.last(1), Self.items(6))
    try withTemporaryDirectory { directory in
      let path = directory + "/tuned.safetensors"
      try tuning.tuned(Self.moved(tuning.parameters)).write(to: path)
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 6)
      for round in 0..<120 {
        var damaged = bytes
        let place = Int.random(in: 0..<bytes.count, using: &random)
        if round % 3 == 0 { damaged = Array(bytes[..<place]) } else { damaged[place] ^= 1 << UInt8(round % 8) }
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: EncoderError.self, "byte \(place)") { try TunedTextWeights(contentsOf: path) }
        #expect(error?.message.contains(path) == true)
      }
    }
    let model = try PretrainedTextEncoderTests.folder() + "/model.safetensors"
    #expect(throws: EncoderError.self) { try TunedTextWeights(contentsOf: model) }
  }

  @Test func moreLayersThanThereAreAreRefused() throws {
    let error = #expect(throws: EncoderError.self) { try Self.tuning(.last(3), []) }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("the model has 2") == true)
  }

  @Test func onlyTheFamilyOfBERTCanBeTuned() throws {
    let clip = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../NeuralNetworksTests/Fixtures/clip-text-tiny").standardizedFileURL.path
    try withTemporaryDirectory { directory in
      let copy = directory + "/clip"
      try FileManager.default.copyItem(atPath: clip, toPath: copy)
      try FileManager.default.copyItem(
        atPath: PretrainedTextEncoderTests.folder() + "/tokenizer.json", toPath: copy + "/tokenizer.json")
      let error = #expect(throws: EncoderError.self) { try TextEncoderTuning(folder: copy, depth: .last(1)) }
      #expect(error?.code == .invalidParameter)
      #expect(error?.message.contains("BERT family") == true)
    }
  }
}
