import BehaviorAlignment
import Foundation
import ItemCatalog
import ItemEncoders
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A text encoder that learns with the aligner.
@Suite struct AlignerTuningTests {
  /// Items whose kind is a digit among letters that say nothing: a mean over all of them drowns it, and attention that
  /// learns finds it.
  struct Fixture {
    static let kinds = 10
    let items: [Item]
    let kind: [Int]
    let text: ModalityBatch
    let pairs: PairTable
    let validation: HeldOutPairs
    /// Of the encoder's tests: 2 layers, a word per letter and digit.
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../../ItemEncodersTests/Fixtures/text-model").standardizedFileURL.path

    init(count: Int = 200) throws {
      var random = RandomSource(seed: 12)
      let letters = Array("abcdefghijklmnopqrstuvwxyz")
      var (items, kind): ([Item], [Int]) = ([], [])
      for index in 0..<count {
        let own = Int.random(in: 0..<Self.kinds, using: &random)
        var words = (0..<8).map { _ in String(letters.randomElement(using: &random)!) }
        words.insert("\(own)", at: Int.random(in: 0...8, using: &random))
        items.append(Item(id: "\(index)", title: "", text: index % 25 == 9 ? "" : words.joined(separator: " ")))
        kind.append(own)
      }
      var (chosen, heldOut): ([PairTable.Pair], [(UInt32, UInt32)]) = ([], [])
      for first in 0..<count {
        for second in 0..<count where first != second && kind[first] == kind[second] {
          switch Int.random(in: 0..<10, using: &random) {
          case 0...2:
            chosen.append(
              .init(trigger: UInt32(first), target: UInt32(second), source: .swing, weight: 1, support: 2))
          case 3 where first % 4 == 0: heldOut.append((UInt32(first), UInt32(second)))
          default: break
          }
        }
      }
      self.items = items
      self.kind = kind
      pairs = PairTable(itemCount: count, chosen)
      validation = HeldOutPairs(heldOut)
      let encoded = try PretrainedTextEncoder(folder: Self.folder).encode(items)
      text = ModalityBatch(name: "text", vectors: encoded.vectors, isPresent: encoded.isPresent)
    }

    func tuning(_ depth: TrainableDepth?) throws -> TextEncoderTuning? {
      guard let depth else { return nil }
      var tuning = try TextEncoderTuning(folder: Self.folder, depth: depth)
      tuning.append(items)
      return tuning
    }

    func configuration(components: Int? = nil) -> AlignerConfiguration {
      var configuration = AlignerConfiguration(
        modalities: [.init(name: "text", dimensions: text.vectors.columns, components: components)])
      configuration.fusion = .perceptron
      configuration.width = 16
      configuration.tokensPerModality = 2
      configuration.dimensions = 16
      configuration.dropout = 0.1
      return configuration
    }

    func parameters(steps: Int, encoderRate: Float = 5e-3) -> AlignerTraining.Parameters {
      var parameters = AlignerTraining.Parameters()
      parameters.batch = 96
      parameters.steps = steps
      parameters.learningRate = 3e-3
      parameters.encoderRate = encoderRate
      parameters.warmup = 10
      parameters.evaluationInterval = 50
      return parameters
    }

    func train(
      _ depth: TrainableDepth?, _ parameters: AlignerTraining.Parameters, components: Int? = nil
    ) throws -> AlignerTraining.Result {
      try AlignerTraining(configuration(components: components), parameters: parameters).train(
        [text], pairs: pairs, validation: validation, tuning: tuning(depth))
    }
  }

  @Test(arguments: [TrainableDepth.last(1), .all])
  func anEncoderThatLearnsFindsWhatItsProjectionCannot(depth: TrainableDepth) throws {
    let fixture = try Fixture(), parameters = fixture.parameters(steps: 200)
    let head = try fixture.train(nil, parameters), tuned = try fixture.train(depth, parameters)
    func best(_ result: AlignerTraining.Result) -> Double {
      result.measurements.map { $0.validation.recall[10] ?? 0 }.max() ?? 0
    }
    #expect(best(tuned) > 1.2 * best(head), "\(best(tuned)) after \(best(head))")
    #expect(head.tuned == nil && head.aligner.configuration.modalities[0].encoder == nil)
    let weights = try #require(tuned.tuned).weights
    #expect(weights.changedTensors > 10)
    #expect(tuned.aligner.configuration.modalities[0].encoder == weights.fingerprint)
  }

  /// What the result says of the items is what encoder and aligner give after both were read from their files.
  @Test func theFilesMakeTheVectorsThatWereMeasured() throws {
    let fixture = try Fixture()
    let result = try fixture.train(.last(1), fixture.parameters(steps: 60))
    let tuned = try #require(result.tuned)
    #expect(tuned.vectors.isPresent == fixture.text.isPresent)
    try withTemporaryDirectory { directory in
      try tuned.weights.write(to: directory + "/tuned.safetensors")
      try result.aligner.write(to: directory + "/aligner.safetensors")
      let aligner = try Aligner(contentsOf: directory + "/aligner.safetensors")
      #expect(aligner.configuration == result.aligner.configuration)
      let encoder = try PretrainedTextEncoder(
        folder: Fixture.folder, tuned: TunedTextWeights(contentsOf: directory + "/tuned.safetensors"))
      let encoded = try encoder.encode(fixture.items)
      let batch = ModalityBatch(name: "text", vectors: encoded.vectors, isPresent: encoded.isPresent)
      let (found, wanted) = (aligner.represent([batch]), result.aligner.represent([tuned.vectors]))
      expectClose(found.elements, wanted.elements, tolerance: 1e-4)
      let recall = PairRecall.measure(found, fixture.validation, excluding: PairLookup(fixture.pairs))
      let best = try #require(result.measurements.map(\.validation.meanReciprocalRank).max())
      #expect(abs(recall.meanReciprocalRank - best) < 0.01)
    }
  }

  /// The way over the tape, through mean, scale and components, is the one that vectors at rest take.
  @Test(arguments: [nil, 6])
  func aRateThatHardlyMovesTheEncoderLeavesTheHeadAsItIsAlone(components: Int?) throws {
    let fixture = try Fixture()
    var parameters = fixture.parameters(steps: 12, encoderRate: 1e-12)
    parameters.clip = 1e6
    let head = try fixture.train(nil, parameters, components: components)
    let tuned = try fixture.train(.last(2), parameters, components: components)
    let (found, wanted) = (tuned.aligner.represent([fixture.text]), head.aligner.represent([fixture.text]))
    expectClose(found.elements, wanted.elements, tolerance: 5e-3)
    for (one, other) in zip(tuned.measurements, head.measurements) {
      #expect(abs((one.loss ?? 0) - (other.loss ?? 0)) < 1e-3)
    }
  }

  @Test func theThreadsDecideNothing() throws {
    let fixture = try Fixture(count: 80), parameters = fixture.parameters(steps: 5)
    let one = try withThreads(1) { try fixture.train(.last(1), parameters) }
    let three = try withThreads(3) { try fixture.train(.last(1), parameters) }
    #expect(one.aligner.fingerprint == three.aligner.fingerprint)
    #expect(one.tuned?.weights.fingerprint == three.tuned?.weights.fingerprint)
  }

  /// What the encoder has learned comes out of the checkpoint too: its weights, their moments and the best of them.
  @Test(arguments: [TrainableDepth.last(1), .all], [1, 24, 45])
  func aRunThatIsStoppedGoesOnBitForBit(depth: TrainableDepth, stop: Int) throws {
    let fixture = try Fixture(count: 80)
    var parameters = fixture.parameters(steps: 50)
    parameters.evaluationInterval = 20
    let training = try AlignerTraining(fixture.configuration(), parameters: parameters)
    let whole = try fixture.train(depth, parameters)
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      var done = 0
      expectAlignmentError(.cancelled) {
        _ = try training.train(
          [fixture.text], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(depth),
          checkpoint: path, isCancelled: { done == stop }, didStep: { done = $0 })
      }
      #expect(done == stop)
      let resumed = try training.train(
        [fixture.text], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(depth),
        checkpoint: path)
      #expect(resumed.aligner.fingerprint == whole.aligner.fingerprint)
      #expect(resumed.tuned?.weights.fingerprint == whole.tuned?.weights.fingerprint)
      #expect(resumed.tuned?.vectors.vectors == whole.tuned?.vectors.vectors)
      #expect(resumed.measurements == whole.measurements)
    }
  }

  @Test func aCheckpointOfAnotherDepthIsRefused() throws {
    let fixture = try Fixture(count: 80)
    let training = try AlignerTraining(fixture.configuration(), parameters: fixture.parameters(steps: 5))
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      _ = try training.train(
        [fixture.text], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(.last(1)),
        checkpoint: path)
      for depth in [nil, TrainableDepth.last(2), .all] {
        expectAlignmentError(.unreadableCheckpoint, "other settings") {
          _ = try training.train(
            [fixture.text], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(depth),
            checkpoint: path)
        }
      }
    }
  }

  @Test func itemsWithoutTextTrainTheRest() throws {
    let fixture = try Fixture(count: 80)
    var random = RandomSource(seed: 4)
    let image = ModalityBatch(
      name: "image", vectors: normalMatrix(80, 5, using: &random), isPresent: (0..<80).map { $0 % 3 != 0 })
    var configuration = fixture.configuration()
    configuration.modalities.insert(.init(name: "image", dimensions: 5), at: 0)
    let result = try AlignerTraining(configuration, parameters: fixture.parameters(steps: 5)).train(
      [fixture.text, image], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(.last(1)))
    let tuned = try #require(result.tuned)
    #expect(result.aligner.configuration.modalities.map(\.encoder) == [nil, tuned.weights.fingerprint])
    #expect(tuned.vectors.name == "text")
    let norms = result.aligner.represent([tuned.vectors, image]).rowSquaredNorms()
    for (row, norm) in norms.enumerated() {
      let hasVector = fixture.text.isPresent[row] || image.isPresent[row]
      #expect(abs(norm - (hasVector ? 1 : 0)) < 1e-4)
    }
  }

  @Test func anEncoderOfOtherVectorsIsRefused() throws {
    let fixture = try Fixture(count: 30)
    var configuration = fixture.configuration()
    configuration.modalities[0].dimensions = 24
    let batch = ModalityBatch(
      name: "text", vectors: Matrix(rows: 30, columns: 24), isPresent: Array(repeating: true, count: 30))
    let error = #expect(throws: AlignmentError.self) {
      try AlignerTraining(configuration).train(
        [batch], pairs: fixture.pairs, validation: fixture.validation, tuning: fixture.tuning(.last(1)))
    }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("16 dimensions") == true)
    var parameters = AlignerTraining.Parameters()
    parameters.encoderRate = 0
    #expect(throws: AlignmentError.self) { try AlignerTraining(fixture.configuration(), parameters: parameters) }
  }
}
