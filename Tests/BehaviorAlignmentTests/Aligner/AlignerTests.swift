import BehaviorAlignment
import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct AlignerTests {
  static let fixture = AlignerFixture()

  @Test(arguments: AlignerConfiguration.Fusion.allCases)
  func trainingBringsPairedItemsTogether(_ fusion: AlignerConfiguration.Fusion) throws {
    let result = try Self.fixture.train(fusion)
    let first = try #require(result.measurements.first), last = try #require(result.measurements.last)
    #expect(last.validation.recall[10]! > 2 * first.validation.recall[10]!)
    #expect(try #require(last.loss) < #require(result.measurements[1].loss))
    // And beyond what the vectors have by themselves.
    var joined = Self.fixture.modalities[0].vectors
    joined.normalizeRows()
    #expect(last.validation.recall[10]! > PairRecall.measure(joined, Self.fixture.validation).recall[10]!)
  }

  @Test func itemsOfOneModalityLieWithTheirKind() throws {
    let fixture = Self.fixture, aligner = try fixture.train().aligner
    for modality in fixture.modalities {
      let recall = PairRecall.measure(aligner.represent([modality]), fixture.validation)
      #expect(recall.recall[10]! > 1.5 * 10 / Double(fixture.kind.count), "\(modality.name)")
    }
  }

  @Test func representationsHaveUnitLengthAndDoNotDependOnTheOthers() throws {
    let fixture = Self.fixture, aligner = try fixture.train(.queries, fixture.parameters(steps: 5)).aligner
    let all = aligner.represent(fixture.modalities)
    for (row, norm) in all.rowSquaredNorms().enumerated() {
      let hasVector = fixture.modalities.contains { $0.isPresent[row] }
      #expect(abs(norm - (hasVector ? 1 : 0)) < 1e-4, "item \(row)")
    }
    let few = [3, 100, 41]
    let alone = aligner.represent(
      fixture.modalities.map { batch in
        ModalityBatch(
          name: batch.name, vectors: batch.vectors.selectingRows(few), isPresent: few.map { batch.isPresent[$0] })
      })
    #expect(alone == all.selectingRows(few))
  }

  /// A modality that is reduced to components is so everywhere: in training, for single items, and from a file.
  @Test func aModalityCanBeReducedToComponents() throws {
    let fixture = Self.fixture
    var configuration = fixture.configuration()
    configuration.modalities[1].components = 5
    let result = try AlignerTraining(configuration, parameters: fixture.parameters()).train(
      fixture.modalities, pairs: fixture.pairs, validation: fixture.validation)
    let first = try #require(result.measurements.first), last = try #require(result.measurements.last)
    #expect(last.validation.recall[10]! > 2 * first.validation.recall[10]!)
    let all = result.aligner.represent(fixture.modalities)
    let few = [3, 100, 41]
    let alone = result.aligner.represent(fixture.modalities.map { $0.selecting(few) })
    for (value, expected) in zip(alone.elements, all.selectingRows(few).elements) {
      #expect(abs(value - expected) < 1e-5)
    }
    try withTemporaryDirectory { directory in
      try result.aligner.write(to: directory + "/aligner.safetensors")
      let again = try Aligner(contentsOf: directory + "/aligner.safetensors")
      #expect(again.fingerprint == result.aligner.fingerprint)
      #expect(again.represent(fixture.modalities) == all)
    }
  }

  /// What lies across the components changes nothing.
  @Test func onlyTheComponentsCount() throws {
    let fixture = Self.fixture
    var configuration = fixture.configuration(.perceptron)
    configuration.modalities[1].components = 2
    // All images lie in a plane of two axes.
    var plane = fixture.modalities[1].vectors
    for row in 0..<plane.rows {
      for column in 2..<plane.columns { plane[row, column] = 0 }
    }
    let image = ModalityBatch(name: "image", vectors: plane, isPresent: fixture.modalities[1].isPresent)
    let aligner = try AlignerTraining(configuration, parameters: fixture.parameters(steps: 20)).train(
      [fixture.modalities[0], image], pairs: fixture.pairs, validation: fixture.validation
    ).aligner
    var lifted = plane
    for row in 0..<lifted.rows { lifted[row, 7] = Float(row % 5) }
    let other = ModalityBatch(name: "image", vectors: lifted, isPresent: image.isPresent)
    let (before, after) = (aligner.represent([image]), aligner.represent([other]))
    for (value, expected) in zip(after.elements, before.elements) { #expect(abs(value - expected) < 1e-3) }
  }

  @Test func moreComponentsThanDimensionsAreRefused() {
    let fixture = Self.fixture
    var configuration = fixture.configuration()
    configuration.modalities[1].components = 17
    let error = #expect(throws: AlignmentError.self) { try AlignerTraining(configuration) }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("17 components of image, expected 1 to its 16 dimensions") == true)
  }

  @Test func anItemWithoutAnyModalityHasNoRepresentation() throws {
    let fixture = Self.fixture, aligner = try fixture.train(.perceptron, fixture.parameters(steps: 2)).aligner
    let batch = ModalityBatch(name: "text", vectors: Matrix(rows: 2, columns: 24), isPresent: [false, true])
    let vectors = aligner.represent([batch])
    #expect(vectors.row(0).allSatisfy { $0 == 0 })
    #expect(vectors.row(1).contains { $0 != 0 })
  }

  /// What stands in the row of a missing modality does not matter.
  @Test func missingVectorsAreIgnored() throws {
    let fixture = Self.fixture, aligner = try fixture.train(.queries, fixture.parameters(steps: 2)).aligner
    var changed = fixture.modalities[1].vectors
    for row in 0..<changed.rows where !fixture.modalities[1].isPresent[row] { changed[row, 2] = .nan }
    let image = ModalityBatch(name: "image", vectors: changed, isPresent: fixture.modalities[1].isPresent)
    #expect(aligner.represent([fixture.modalities[0], image]) == aligner.represent(fixture.modalities))
  }

  @Test func theSeedDecidesAndTheThreadsDoNot() throws {
    let fixture = Self.fixture
    var parameters = fixture.parameters(steps: 6)
    let first = try withThreads(1) { try fixture.train(.queries, parameters).aligner }
    #expect(try withThreads(3) { try fixture.train(.queries, parameters).aligner }.fingerprint == first.fingerprint)
    parameters.seed = 2
    #expect(try fixture.train(.queries, parameters).aligner.fingerprint != first.fingerprint)
  }

  @Test func anAlignerThatIsReadIsTheOneThatWasWritten() throws {
    try withTemporaryDirectory { directory in
      let fixture = Self.fixture, aligner = try fixture.train(.queries, fixture.parameters(steps: 3)).aligner
      try aligner.write(to: directory + "/aligner.safetensors")
      let again = try Aligner(contentsOf: directory + "/aligner.safetensors")
      #expect(again.fingerprint == aligner.fingerprint)
      #expect(again.represent(fixture.modalities) == aligner.represent(fixture.modalities))
    }
  }

  @Test func aDamagedAlignerIsRefused() throws {
    try withTemporaryDirectory { directory in
      let fixture = Self.fixture, path = directory + "/aligner.safetensors"
      try fixture.train(.perceptron, fixture.parameters(steps: 1)).aligner.write(to: path)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var random = RandomSource(seed: 4)
      for _ in 0..<300 {
        var damaged = whole
        damaged[Int.random(in: 0..<whole.count, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        if Bool.random(using: &random) { damaged = damaged.prefix(Int.random(in: 0..<whole.count, using: &random)) }
        try damaged.write(to: URL(fileURLWithPath: path))
        #expect(throws: AlignmentError.self) { try Aligner(contentsOf: path) }
      }
    }
  }

  @Test func trainingWithoutPairsSaysWhatToDo() {
    let fixture = Self.fixture
    let error = #expect(throws: AlignmentError.self) {
      try AlignerTraining(fixture.configuration()).train(
        fixture.modalities, pairs: PairTable(itemCount: 360), validation: fixture.validation)
    }
    #expect(error?.code == .noPairs)
  }

  @Test func aModalityThatNoItemHasIsRefused() {
    let fixture = Self.fixture
    let empty = ModalityBatch(
      name: "image", vectors: Matrix(rows: 360, columns: 16), isPresent: Array(repeating: false, count: 360))
    let error = #expect(throws: AlignmentError.self) {
      try AlignerTraining(fixture.configuration()).train(
        [fixture.modalities[0], empty], pairs: fixture.pairs, validation: fixture.validation)
    }
    #expect(error?.code == .tooFewItems)
  }

  @Test func vectorsThatAreNoNumbersStopTheTraining() {
    let fixture = Self.fixture
    var vectors = fixture.modalities[0].vectors
    for row in 0..<vectors.rows { vectors[row, 3] = .infinity }
    let broken = ModalityBatch(name: "text", vectors: vectors, isPresent: fixture.modalities[0].isPresent)
    let error = #expect(throws: AlignmentError.self) {
      try AlignerTraining(fixture.configuration(), parameters: fixture.parameters(steps: 3)).train(
        [broken, fixture.modalities[1]], pairs: fixture.pairs, validation: fixture.validation)
    }
    #expect(error?.code == .diverged)
  }

  @Test func trainingStopsWhereItNoLongerGains() throws {
    let fixture = Self.fixture
    var parameters = fixture.parameters(steps: 400)
    // No pair to measure on gains anything: each is as good as the one before.
    parameters.evaluationInterval = 5
    parameters.patience = 3
    parameters.learningRate = 1e-12
    let result = try fixture.train(.queries, parameters)
    #expect(result.steps < 400)
    #expect(try #require(result.stopReason).contains("no gain"))
  }

  @Test func parametersOutOfRangeAreRefused() {
    let changes: [(inout AlignerTraining.Parameters) -> Void] = [
      { $0.temperature = 0 }, { $0.clip = 0 }, { $0.learningRate = .nan }, { $0.batch = 1 }, { $0.modalityDropout = 1 },
    ]
    for change in changes {
      var parameters = AlignerTraining.Parameters()
      change(&parameters)
      let error = #expect(throws: AlignmentError.self) {
        try AlignerTraining(Self.fixture.configuration(), parameters: parameters)
      }
      #expect(error?.code == .invalidParameter)
    }
  }
}
