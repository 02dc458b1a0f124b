import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// What a model's configuration may say, value by value.
@Suite struct ConfigurationFileTests {
  private func file(_ text: String) throws -> ModelConfigurationFile {
    try ModelConfigurationFile(Data(text.utf8), path: "m/config.json")
  }

  private func error(_ text: String, _ read: (ModelConfigurationFile) throws -> Void) -> NeuralNetworksError? {
    do {
      try read(try file(text))
      return nil
    } catch {
      return error as? NeuralNetworksError
    }
  }

  @Test func valuesAreReadAsTheyAre() throws {
    let config = try file(
      #"{"s":"x","i":12,"f":12.0,"n":1e-5,"l":[1,2.5],"t":true,"z":null,"o":{"a":1,"o":{"b":2}},"empty":""}"#)
    #expect(try config.text("s") == "x")
    #expect(try config.text("empty") == "")
    #expect(try config.text("none", default: "d") == "d")
    #expect(try config.integer("i", 0...12) == 12)
    #expect(try config.integer("f", 12...12) == 12)
    #expect(try config.integer("none", 0...1, default: 7) == 7, "a default is not looked at")
    #expect(try config.number("n") == 1e-5)
    #expect(try config.number("i") == 12)
    #expect(try config.number("none", default: 2) == 2)
    #expect(try config.numbers("l") == [1, 2.5])
    #expect(try config.flag("t", default: false))
    #expect(try config.flag("none", default: true))
    #expect(config.has("s") && !config.has("none") && !config.has("z"), "null is not there")
    #expect(try config.text("z", default: "d") == "d")
    #expect(try config.section("o")?.section("o")?.integer("b", 0...9) == 2)
    #expect(try config.section("none") == nil)
    #expect(try config.section("z") == nil)
  }

  @Test(arguments: [
    (#"{"a":13}"#, "an integer from 0 to 12"), (#"{"a":-1}"#, "an integer from 0 to 12"),
    (#"{"a":1.5}"#, "an integer from"),
    (#"{"a":"3"}"#, "an integer from 0 to 12"), (#"{"a":[3]}"#, "an integer from 0 to 12"), (#"{}"#, "an integer"),
    (#"{"a":1e30}"#, "an integer from 0 to 12"), (#"{"a":null}"#, "an integer"),
  ])
  func anIntegerOutOfRangeIsRefusedWithTheRange(text: String, expected: String) {
    let found = error(text) { _ = try $0.integer("a", 0...12) }
    #expect(found?.code == .unsupportedModel)
    #expect(found?.message.hasPrefix("m/config.json: \"a\" is ") == true && found?.message.contains(expected) == true)
  }

  @Test func valuesOfAnotherKindAreRefused() {
    #expect(error(#"{"a":1}"#) { _ = try $0.text("a") }?.message.contains("a string is expected") == true)
    #expect(error(#"{}"#) { _ = try $0.text("a") }?.message.contains("\"a\" is missing") == true)
    #expect(error(#"{"a":"1"}"#) { _ = try $0.number("a") }?.message.contains("a number is expected") == true)
    #expect(error(#"{"a":["x"]}"#) { _ = try $0.numbers("a") }?.message.contains("a list of numbers") == true)
    #expect(error(#"{"a":3}"#) { _ = try $0.numbers("a") }?.message.contains("a list of numbers") == true)
    #expect(error(#"{"a":"yes"}"#) { _ = try $0.flag("a", default: true) }?.message.contains("true or false") == true)
    #expect(error(#"{"a":[]}"#) { _ = try $0.section("a") }?.message.contains("an object is expected") == true)
    // A section's errors name the way to it.
    let inner = error(#"{"o":{"b":"x"}}"#) { _ = try $0.section("o")?.number("b") }
    #expect(inner?.message.hasPrefix("m/config.json, o: \"b\" is ") == true)
  }

  @Test(arguments: [("gelu", Activation.gelu), ("quick_gelu", .quickGELU), ("relu", .relu), ("relu6", .relu6)])
  func activationsHaveTheirNames(name: String, activation: Activation) throws {
    #expect(try file("{\"a\":\"\(name)\"}").activation("a") == activation)
    #expect(try file("{}").activation("a") == .gelu)
    #expect(error(#"{"a":"swish"}"#) { _ = try $0.activation("a") }?.message.contains("\"swish\"") == true)
  }

  @Test func filesThatAreTooLongOrNotThereAreRefused() throws {
    try withTemporaryDirectory { folder in
      let missing = #expect(throws: NeuralNetworksError.self) {
        try ModelConfigurationFile(contentsOf: folder + "/none")
      }
      #expect(missing?.code == .unreadableFile && missing?.message.contains("there is no such file") == true)
    }
    let long = Data(repeating: UInt8(ascii: " "), count: 1 << 20) + Data("{}".utf8)
    let found = #expect(throws: NeuralNetworksError.self) { try ModelConfigurationFile(long, path: "m") }
    #expect(found?.code == .tooLarge)
    #expect((try? ModelConfigurationFile(long.dropFirst(2), path: "m")) != nil, "the limit itself is allowed")
  }

  @Test func listsHaveTheirEntriesByNumber() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/modules.json"
      try #"[{"path":"1_Pooling"},{"path":3}]"#.write(toFile: path, atomically: true, encoding: .utf8)
      let list = try ModelConfigurationFile.list(contentsOf: path)
      #expect(list.count == 2)
      #expect(try list[0].text("path") == "1_Pooling")
      let found = #expect(throws: NeuralNetworksError.self) { _ = try list[1].text("path") }
      #expect(found?.message.hasPrefix("\(path), entry 2: ") == true)
      for text in ["{}", "[1]", "", "[{}, []]"] {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: NeuralNetworksError.self) { try ModelConfigurationFile.list(contentsOf: path) }
      }
    }
  }
}

/// How states of tokens become one vector.
@Suite struct SequencePoolingTests {
  private let states: [Float] = [1, -8, 5, 2, 3, 4, -6, 0]  // Four tokens of two.

  private func pooled(_ pooling: SequencePooling, _ range: Range<Int>) -> [Float] {
    Array(pooling(states.span, range, width: 2))
  }

  @Test func eachKindTakesItsOwn() {
    #expect(pooled(.first, 0..<4) == [1, -8] && pooled(.first, 1..<3) == [5, 2])
    #expect(pooled(.last, 0..<4) == [-6, 0] && pooled(.last, 1..<3) == [3, 4])
    #expect(pooled(.maximum, 0..<4) == [5, 4] && pooled(.maximum, 3..<4) == [-6, 0])
    #expect(pooled(.mean, 0..<4) == [0.75, -0.5] && pooled(.mean, 1..<3) == [4, 3])
    for pooling in [SequencePooling.first, .last, .maximum, .mean] { #expect(pooled(pooling, 2..<2) == [0, 0]) }
  }

  private func read(_ text: String) throws -> SequencePooling {
    try SequencePooling(ModelConfigurationFile(Data(text.utf8), path: "1_Pooling/config.json"))
  }

  @Test(arguments: [
    ("pooling_mode_mean_tokens", SequencePooling.mean), ("pooling_mode_cls_token", .first),
    ("pooling_mode_lasttoken", .last), ("pooling_mode_max_tokens", .maximum),
  ])
  func theOneModeThatIsTrueIsTaken(key: String, pooling: SequencePooling) throws {
    #expect(try read("{\"\(key)\":true,\"word_embedding_dimension\":8}") == pooling)
  }

  @Test(arguments: [
    "{}", #"{"pooling_mode_mean_tokens":true,"pooling_mode_max_tokens":true}"#,
    #"{"pooling_mode_mean_sqrt_len_tokens":true}"#,
    #"{"pooling_mode_mean_tokens":true,"pooling_mode_weightedmean_tokens":true}"#,
    #"{"pooling_mode_mean_tokens":"yes"}"#,
  ])
  func otherModesAndSeveralAtOnceAreRefused(text: String) {
    let error = #expect(throws: NeuralNetworksError.self) { try read(text) }
    #expect(error?.code == .unsupportedModel && error?.message.contains("1_Pooling/config.json") == true)
  }

  @Test func sequencesLieOneBehindTheOther() {
    var tokens = TextTokens([[5, 6], [], [7]])
    tokens.append([8, 9])
    #expect(tokens.count == 4 && tokens.ids == [5, 6, 7, 8, 9] && tokens.offsets == [0, 2, 2, 3, 5])
    #expect((0..<4).map(tokens.range) == [0..<2, 2..<2, 2..<3, 3..<5])
    #expect(TextTokens().count == 0)
  }
}

/// Reading a file's header alone must not be less strict than reading the file.
@Suite struct SafetensorsInspectionTests {
  private func sample() throws -> [UInt8] {
    var random = RandomSource(seed: 3)
    return try SafetensorsWriter.bytes(
      [
        NamedTensor(name: "a.weight", matrix: normalMatrix(3, 4, using: &random)),
        NamedTensor(name: "b", shape: [], integers: [Int64(7)]), NamedTensor(name: "none", shape: [0, 5], floats: []),
        NamedTensor(name: "c", shape: [2, 1, 3], integers: [UInt8](0..<6)),
      ], metadata: ["architecture": "test", "note": "\u{1}é"])
  }

  @Test func countsTensorsAndNumbers() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m.safetensors"
      try Data(sample()).write(to: URL(fileURLWithPath: path))
      let found = try SafetensorsFile.inspect(path)
      #expect(found.tensors == 4 && found.elements == 12 + 1 + 0 + 6)
      try Data(SafetensorsWriter.bytes([])).write(to: URL(fileURLWithPath: path))
      let none = try SafetensorsFile.inspect(path)
      #expect(none.tensors == 0 && none.elements == 0)
    }
  }

  @Test func acceptsWhatReadingAcceptsAndNothingElse() throws {
    let sound = try sample()
    var random = RandomSource(seed: 4)
    try withTemporaryDirectory { folder in
      let path = folder + "/m.safetensors"
      var refused = 0
      for round in 0..<1_500 {
        var bytes = damaged(sound, using: &random)
        // Also lengths around the header's own.
        if round % 5 == 0 { bytes = Array(sound.prefix(Int.random(in: 0...sound.count, using: &random))) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let whole = try? SafetensorsFile(bytes: bytes)
        do {
          let header = try SafetensorsFile.inspect(path)
          #expect(whole?.tensors.count == header.tensors, "round \(round)")
          #expect(whole?.tensors.reduce(0) { $0 + $1.count } == header.elements)
        } catch let error as NeuralNetworksError {
          refused += 1
          #expect(whole == nil, "round \(round): \(error)")
          #expect(error.message.contains(path))
        }
      }
      #expect(refused > 500)
    }
  }

  @Test func aMissingFileIsNamed() throws {
    try withTemporaryDirectory { folder in
      let error = #expect(throws: NeuralNetworksError.self) { try SafetensorsFile.inspect(folder + "/none") }
      #expect(error?.code == .unreadableFile && error?.message.contains(folder + "/none") == true)
      #expect(throws: NeuralNetworksError.self) { try SafetensorsFile.read(folder) }
    }
  }

  /// Two writers of one name: one of the two files is there afterwards, whole, and nothing else.
  @Test func writersOfOneNameDoNotMixTheirFiles() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m.safetensors"
      let contents = (0..<6).map { number in
        NamedTensor(name: "t\(number)", shape: [5000], floats: [Float](repeating: Float(number), count: 5000))
      }
      withThreads(3) {
        Parallelism.forEachChunk(of: 30, size: 1) { range in
          try? SafetensorsWriter.write([contents[range.lowerBound % 6]], to: path)
        }
      }
      let file = try SafetensorsFile.read(path)
      #expect(file.tensors.count == 1 && contents.contains(file.tensors[0]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.safetensors"])
    }
  }
}
