import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct TrainingCheckpointTests {
  static let schedule = LearningRateSchedule.warmupCosine(peak: 0.02, warmupSteps: 3, steps: 12)

  @Test func aRunThatStopsAndResumesGoesOnBitForBit() throws {
    var (model, straight) = try TrainingStepTests.state(dropout: 0.2, schedule: Self.schedule)
    var losses: [Float] = []
    for _ in 0..<10 { losses.append(try model.step(&straight)) }

    var first = try TrainingStepTests.state(dropout: 0.2, schedule: Self.schedule).state
    var resumedLosses: [Float] = []
    for _ in 0..<5 { resumedLosses.append(try model.step(&first)) }
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint.safetensors"
      try TrainingCheckpoint(first, metadata: ["epoch": "2", "format": "mine"]).write(to: path)
      // Another model of the same shape, so that nothing comes from it.
      let (_, template) = try SmallModel.made()
      let checkpoint = try TrainingCheckpoint.read(path, for: randomized(template))
      #expect(checkpoint.metadata == ["epoch": "2", "format": "mine"])
      #expect(checkpoint.state == first)
      var resumed = checkpoint.state
      for _ in 0..<5 { resumedLosses.append(try model.step(&resumed)) }
      #expect(resumed == straight)
    }
    #expect(resumedLosses == losses)
  }

  @Test func whatIsAttachedComesBack() throws {
    var (model, state) = try TrainingStepTests.state()
    let first = state.parameters
    _ = try model.step(&state)
    var checkpoint = TrainingCheckpoint(state)
    checkpoint.attach(first, as: "best")
    checkpoint.attachments.append(NamedTensor(name: "more", shape: [2], floats: [1, 2]))
    let read = try TrainingCheckpoint(SafetensorsFile(bytes: checkpoint.bytes()), for: state.parameters)
    #expect(read.state == state && read.metadata == checkpoint.metadata)
    let found = read.attachments.sorted { $0.name < $1.name }
    let wanted = checkpoint.attachments.sorted { $0.name < $1.name }
    #expect(found.map(\.name) == wanted.map(\.name) && found.map(\.shape) == wanted.map(\.shape))
    #expect(found.map { Array($0.bytes) } == wanted.map { Array($0.bytes) })
    #expect(try read.attachedParameters("best", for: state.parameters) == first)
    let missing = #expect(throws: NeuralNetworksError.self) {
      try read.attachedParameters("worst", for: state.parameters)
    }
    #expect(missing?.code == .incompatibleCheckpoint)
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    _ = try Linear(scope["first"], inputs: 6, outputs: 13)
    let other = try scope.finish()
    let shape = #expect(throws: NeuralNetworksError.self) { try read.attachedParameters("best", for: other) }
    #expect(shape?.message.contains("best/first.weight") == true)
  }

  /// Another run's state, of which only what learns is kept; the rest and the settings are those of its start.
  @Test func aRunBesideItComesBack() throws {
    var (model, state) = try TrainingStepTests.state()
    let main = state
    let frozen = try #require(state.parameters.entries.first).name
    state.parameters.setTrainable(false, below: frozen)
    let start = state
    for _ in 0..<3 { _ = try model.step(&state) }
    var checkpoint = TrainingCheckpoint(main)
    checkpoint.attach(state, as: "beside")
    checkpoint.attachLearning(state.parameters, as: "beside/best")
    #expect(!checkpoint.attachments.contains { $0.name.hasSuffix(frozen) })
    let read = try TrainingCheckpoint(SafetensorsFile(bytes: checkpoint.bytes()), for: main.parameters)
    #expect(read.state == main)
    #expect(try read.attachedState("beside", for: start) == state)
    #expect(try read.attachedLearning("beside/best", for: start.parameters) == state.parameters)
    #expect(try model.step(&state).isFinite)
    for name in ["other", "besid"] {
      let missing = #expect(throws: NeuralNetworksError.self) { try read.attachedState(name, for: start) }
      #expect(missing?.code == .incompatibleCheckpoint)
    }
    checkpoint.attachments.removeAll { $0.name == "beside/step" }
    checkpoint.attachments.append(NamedTensor(name: "beside/step", shape: [], integers: [Int64(-1)]))
    let negative = #expect(throws: NeuralNetworksError.self) { try checkpoint.attachedState("beside", for: start) }
    #expect(negative?.code == .malformedFile)
  }

  @Test func theSameStateGivesTheSameBytes() throws {
    var (model, state) = try TrainingStepTests.state()
    _ = try model.step(&state)
    #expect(try TrainingCheckpoint(state).bytes() == TrainingCheckpoint(state).bytes())
  }

  @Test func aModelLoadsItsParametersFromACheckpoint() throws {
    var (model, state) = try TrainingStepTests.state()
    _ = try model.step(&state)
    let file = try SafetensorsFile(bytes: TrainingCheckpoint(state).bytes())
    let scope = ParameterScope(loading: file, prefix: TrainingCheckpoint.parameterPrefix)
    _ = try SmallModel(scope)
    #expect(try scope.finish() == state.parameters)
  }

  @Test func statesBeforeTheFirstStepAreSavedToo() throws {
    let (_, state) = try TrainingStepTests.state()
    let file = try SafetensorsFile(bytes: TrainingCheckpoint(state).bytes())
    #expect(try TrainingCheckpoint(file, for: state.parameters).state == state)
  }

  /// A checkpoint's tensors and metadata, changed before they are written.
  static func changed(
    _ change: (inout [NamedTensor], inout [String: String]) -> Void
  ) throws -> (file: SafetensorsFile, model: ParameterSet) {
    var (model, state) = try TrainingStepTests.state()
    _ = try model.step(&state)
    let file = try SafetensorsFile(bytes: TrainingCheckpoint(state).bytes())
    var (tensors, metadata) = (file.tensors, file.metadata)
    change(&tensors, &metadata)
    return (
      try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors, metadata: metadata)), state.parameters
    )
  }

  @Test func anotherVersionIsRefused() throws {
    let (file, model) = try Self.changed { $1["format"] = "2" }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.code == .incompatibleCheckpoint)
    #expect(error?.message.hasPrefix("a checkpoint of format 2, expected 1") == true)
  }

  @Test func anotherShapeIsRefusedByName() throws {
    let (file, _) = try Self.changed { _, _ in }
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    _ = try Linear(scope["first"], inputs: 6, outputs: 13)
    _ = try Linear(scope["second"], inputs: 13, outputs: 3)
    let model = try scope.finish()
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.code == .incompatibleCheckpoint)
    #expect(
      error?.message.hasPrefix(
        "the checkpoint has \"parameter/first.weight\" as F32 of shape [12, 6], expected F32 of [13, 6]") == true)
  }

  @Test func parametersMissingOrTooManyAreRefusedByName() throws {
    let (missing, model) = try Self.changed { tensors, _ in tensors.removeAll { $0.name == "parameter/first.bias" } }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(missing, for: model) }
    #expect(error?.code == .incompatibleCheckpoint)
    #expect(error?.message.contains("lacks \"parameter/first.bias\"") == true)

    let (extra, _) = try Self.changed { tensors, _ in
      tensors.append(NamedTensor(name: "parameter/third.bias", shape: [1], floats: [1]))
    }
    let other = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(extra, for: model) }
    #expect(other?.message.contains("has \"parameter/third.bias\", which the model lacks") == true)
  }

  @Test(arguments: ["mean/first.bias", "square/second.weight"])
  func momentsMissingAreRefused(_ name: String) throws {
    let (file, model) = try Self.changed { tensors, _ in tensors.removeAll { $0.name == name } }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.message.contains("lacks \"\(name)\"") == true)
  }

  @Test(arguments: [
    ("step", "-1"), ("step", "many"), ("step", "9223372036854775807"), ("settings", "{}"), ("settings", "not JSON"),
    (
      "settings",
      #"{"optimizer":{"beta1":1.5,"beta2":0.9,"epsilon":0,"weightDecay":0},"schedule":{"floor":0,"peak":1,"warmupSteps":0}}"#
    ),
  ])
  func metadataOutOfRangeIsRefused(_ entry: (key: String, value: String)) throws {
    let (file, model) = try Self.changed { $1[entry.key] = entry.value }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.code == .malformedFile && error?.message.contains(entry.key) == true)
  }

  @Test(arguments: [0, -1, Int64.max])
  func countsOfUpdatesOutOfRangeAreRefused(_ count: Int64) throws {
    let (file, model) = try Self.changed { tensors, _ in
      tensors.removeAll { $0.name == "updates/first.bias" }
      tensors.append(NamedTensor(name: "updates/first.bias", shape: [], integers: [count]))
    }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.code == .incompatibleCheckpoint && error?.message.contains("updates/first.bias") == true)
  }

  @Test func aGeneratorOfZerosIsRefused() throws {
    let (file, model) = try Self.changed { tensors, _ in
      tensors.removeAll { $0.name == "generator" }
      tensors.append(NamedTensor(name: "generator", shape: [4], integers: [UInt64](repeating: 0, count: 4)))
    }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.message.contains("generator") == true)
  }

  @Test func numbersThatWereNotWrittenAreRefused() throws {
    let (file, model) = try Self.changed { tensors, _ in
      let index = tensors.firstIndex { $0.name == "mean/first.bias" } ?? 0
      var bytes = Array(tensors[index].bytes)
      bytes[1] ^= 4
      tensors[index] = NamedTensor(
        name: tensors[index].name, elementType: .float32, shape: tensors[index].shape, bytes: bytes[...])
    }
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(file, for: model) }
    #expect(error?.code == .malformedFile && error?.message.contains("does not hold what was written") == true)
    let (counted, _) = try Self.changed { $1["step"] = "17" }
    #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(counted, for: model) }
    // Files of before there was a checksum have none.
    let (former, _) = try Self.changed { $1["checksum"] = nil }
    #expect(try TrainingCheckpoint(former, for: model).state.parameters == model)
  }

  @Test func aFailedWriteLeavesTheFormerCheckpoint() throws {
    let (_, state) = try TrainingStepTests.state()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint.safetensors"
      try TrainingCheckpoint(state).write(to: path)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      var broken = state
      broken.maximumNorm = .nan
      let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(broken).write(to: path) }
      #expect(error?.code == .invalidTensor)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["checkpoint.safetensors"])
    }
  }

  @Test func errorsOfReadingNameTheFile() throws {
    let (_, state) = try TrainingStepTests.state()
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint.safetensors"
      try SafetensorsWriter.write([NamedTensor(name: "x", shape: [1], floats: [1])], to: path)
      let error = #expect(throws: NeuralNetworksError.self) {
        try TrainingCheckpoint.read(path, for: state.parameters)
      }
      #expect(error?.message == "\(path): the file's metadata has no \"format\"")
    }
  }

  @Test func damageNeverCrashesTheReader() throws {
    var (model, state) = try TrainingStepTests.state()
    _ = try model.step(&state)
    let bytes = try TrainingCheckpoint(state, metadata: ["epoch": "1"]).bytes()
    // Damage in the header and in the little that is no weight is the interesting kind.
    let header = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
    var random = RandomSource(seed: 12)
    var (refused, accepted) = (0, 0)
    for round in 0..<10_000 {
      let damage =
        round % 3 == 0
        ? damaged(bytes, using: &random)
        : damaged(Array(bytes[..<header]), using: &random) + bytes[header...]
      do {
        let checkpoint = try TrainingCheckpoint(SafetensorsFile(bytes: damage), for: state.parameters)
        #expect(checkpoint.state.parameters.entries.count == 4 && checkpoint.state.step >= 0)
        accepted += 1
      } catch { refused += 1 }
    }
    #expect(refused > 5_000 && accepted > 0)
  }
}
