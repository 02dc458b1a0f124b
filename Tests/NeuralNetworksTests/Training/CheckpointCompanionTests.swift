import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// Runs and parameters attached to a checkpoint, where what is attached is not what is asked for.
@Suite struct CheckpointCompanionTests {
  /// A state after two steps, and a checkpoint that carries it as `beside`.
  private static func attached() throws -> (checkpoint: TrainingCheckpoint, start: TrainingState, state: TrainingState)
  {
    var (model, state) = try TrainingStepTests.state()
    state.parameters.setTrainable(false, below: "second")
    let start = state
    for _ in 0..<2 { _ = try model.step(&state) }
    var checkpoint = TrainingCheckpoint(start)
    checkpoint.attach(state, as: "beside")
    return (checkpoint, start, state)
  }

  private static func refusal(_ body: () throws -> Void) -> NeuralNetworksError? {
    do { try body() } catch { return error as? NeuralNetworksError }
    return nil
  }

  private static func replaced(
    _ checkpoint: TrainingCheckpoint, _ name: String, by tensor: NamedTensor?
  ) -> TrainingCheckpoint {
    var result = checkpoint
    result.attachments.removeAll { $0.name == name }
    if let tensor { result.attachments.append(tensor) }
    return result
  }

  @Test func whatLearnsIsAttachedWithItsMomentsAndNothingElse() throws {
    let (checkpoint, _, _) = try Self.attached()
    #expect(
      Set(checkpoint.attachments.map(\.name)) == [
        "beside/parameter/first.weight", "beside/mean/first.weight", "beside/square/first.weight",
        "beside/updates/first.weight", "beside/parameter/first.bias", "beside/mean/first.bias",
        "beside/square/first.bias", "beside/updates/first.bias", "beside/generator", "beside/step",
      ])
    let step = try #require(checkpoint.attachments.first { $0.name == "beside/step" })
    #expect(step.shape.isEmpty)
    #expect(try step.integers(as: Int64.self) == [2])
  }

  @Test(arguments: [
    "parameter/first.weight", "parameter/first.bias", "mean/first.bias", "square/first.weight", "generator", "step",
  ])
  func whatIsMissingIsNamed(name: String) throws {
    let (checkpoint, start, _) = try Self.attached()
    let without = Self.replaced(checkpoint, "beside/" + name, by: nil)
    let error = Self.refusal { _ = try without.attachedState("beside", for: start) }
    #expect(error?.code == .incompatibleCheckpoint)
    #expect(error?.message.hasPrefix("the checkpoint lacks \"\(name)\"; it belongs to another model") == true)
  }

  /// Without its number of updates a parameter counts as one that was never updated.
  @Test func aParameterThatWasNeverUpdatedHasNoMoments() throws {
    let (checkpoint, start, state) = try Self.attached()
    let without = Self.replaced(checkpoint, "beside/updates/first.bias", by: nil)
    let read = try without.attachedState("beside", for: start)
    #expect(read.parameters == state.parameters && read.step == 2 && read.random == state.random)
    #expect(read.optimizer != state.optimizer)
    #expect(try checkpoint.attachedState("beside", for: start).optimizer == state.optimizer)
  }

  @Test func numbersOfUpdatesAndStepsAreOneIntegerWithinBounds() throws {
    let (checkpoint, start, _) = try Self.attached()
    let updates = "beside/updates/first.bias", step = "beside/step"
    for (name, tensor, code) in [
      (updates, NamedTensor(name: updates, shape: [1], integers: [Int64(1)]), .incompatibleCheckpoint),
      (updates, NamedTensor(name: updates, shape: [], integers: [Int64(0)]), .incompatibleCheckpoint),
      (updates, NamedTensor(name: updates, shape: [], integers: [Int32(1)]), .unexpectedTensor),
      (step, NamedTensor(name: step, shape: [], integers: [(Int64(1) << 48) + 1]), .malformedFile),
      (step, NamedTensor(name: step, shape: [], integers: [Int64(-1)]), .malformedFile),
      (step, NamedTensor(name: step, shape: [0], integers: [Int64]()), .malformedFile),
      (step, NamedTensor(name: step, shape: [], floats: [2]), .unexpectedTensor),
    ] as [(String, NamedTensor, NeuralNetworksError.Code)] {
      let changed = Self.replaced(checkpoint, name, by: tensor)
      let error = Self.refusal { _ = try changed.attachedState("beside", for: start) }
      #expect(error?.code == code, "\(tensor.elementType) of shape \(tensor.shape)")
      #expect(error?.message.contains(String(name.dropFirst("beside/".count))) == true)
    }
    let largest = NamedTensor(name: step, shape: [], integers: [Int64(1) << 48])
    #expect(try Self.replaced(checkpoint, step, by: largest).attachedState("beside", for: start).step == 1 << 48)
  }

  @Test func aGeneratorIsFourWordsThatAreNotAllZero() throws {
    let (checkpoint, start, _) = try Self.attached()
    let name = "beside/generator"
    for words in [[], [1, 2, 3], [0, 0, 0, 0], [1, 2, 3, 4, 5]] as [[UInt64]] {
      let tensor = NamedTensor(name: name, shape: [words.count], integers: words)
      let changed = Self.replaced(checkpoint, name, by: tensor)
      let error = Self.refusal { _ = try changed.attachedState("beside", for: start) }
      #expect(error?.code == .malformedFile && error?.message.contains("no state of a generator") == true)
    }
    let words: [UInt64] = [0, 0, 9, 0]
    let kept = Self.replaced(checkpoint, name, by: NamedTensor(name: name, shape: [4], integers: words))
    #expect(try kept.attachedState("beside", for: start).random.words == words)
  }

  /// Of another run's settings nothing is kept: they are the start's.
  @Test func settingsAreThoseOfTheStart() throws {
    let (checkpoint, start, state) = try Self.attached()
    var other = start
    other.maximumNorm = nil
    other.schedule = .constant(0.25)
    other.optimizer.parameters.weightDecay = 0.5
    let read = try checkpoint.attachedState("beside", for: other)
    #expect(read.maximumNorm == nil && read.schedule == .constant(0.25))
    #expect(read.optimizer.parameters.weightDecay == 0.5 && read.parameters == state.parameters)
  }

  /// What is frozen is the model's, whatever a checkpoint holds; what learns is the checkpoint's.
  @Test func frozenParametersComeFromTheModel() throws {
    let (checkpoint, start, state) = try Self.attached()
    var other = start
    let weight = try #require(start.parameters.parameter(named: "second.weight"))
    other.parameters[weight].elements[0] += 1
    let read = try checkpoint.attachedState("beside", for: other)
    #expect(read.parameters[weight] == other.parameters[weight])
    let learned = try #require(start.parameters.parameter(named: "first.weight"))
    #expect(
      read.parameters[learned] == state.parameters[learned] && read.parameters[learned] != start.parameters[learned])
    // Thawed, they are asked for and missing.
    other.parameters.setTrainable(true, below: "")
    let error = Self.refusal { _ = try checkpoint.attachedState("beside", for: other) }
    #expect(error?.message.contains("lacks \"parameter/second.weight\"") == true)
  }

  @Test func parametersThatLearnAreAttachedByTheirNames() throws {
    let (_, start, state) = try Self.attached()
    var checkpoint = TrainingCheckpoint(start)
    checkpoint.attachLearning(state.parameters, as: "best")
    #expect(checkpoint.attachments.map(\.name).sorted() == ["best/first.bias", "best/first.weight"])
    #expect(try checkpoint.attachedLearning("best", for: start.parameters) == state.parameters)
    // All of a model's parameters are more than those that learn.
    let all = Self.refusal { _ = try checkpoint.attachedParameters("best", for: start.parameters) }
    #expect(all?.code == .incompatibleCheckpoint && all?.message.contains("second.weight") == true)
    let cut = Self.replaced(
      checkpoint, "best/first.bias",
      by: NamedTensor(name: "best/first.bias", shape: [12], floats: [Float](repeating: 0, count: 12)))
    let flat = Self.refusal { _ = try cut.attachedLearning("best", for: start.parameters) }
    #expect(
      flat?.message.contains("has \"best/first.bias\" as F32 of shape [12], expected F32 of [1, 12]") == true)
  }

  /// One name may begin with another's: what is behind its slash is another attachment.
  @Test func attachmentsOfLikeNamesAreKeptApart() throws {
    let (_, start, state) = try Self.attached()
    var checkpoint = TrainingCheckpoint(start)
    checkpoint.attach(state, as: "run")
    checkpoint.attach(start, as: "run2")
    checkpoint.attach(start.parameters, as: "run/best")
    let read = try TrainingCheckpoint(SafetensorsFile(bytes: checkpoint.bytes()), for: start.parameters)
    #expect(try read.attachedState("run", for: start) == state)
    #expect(try read.attachedState("run2", for: start) == start)
    #expect(try read.attachedParameters("run/best", for: start.parameters) == start.parameters)
    #expect(read.state == start)
  }
}
