import NeuralNetworks
import Quantizers
import TensorMath
import TestSupport
import Testing

private typealias Parameters = ResidualAutoencoder.Parameters

private func sample(_ rows: Int = 1200, _ columns: Int = 16, seed: UInt64 = 1) -> Matrix {
  var random = RandomSource(seed: seed)
  return clusteredMatrix(rows, columns, centers: 40, using: &random)
}

/// Small enough for a test, large enough to learn.
private func small(
  sizes: [Int] = [16, 16], hidden: [Int] = [32], latent: Int = 8, epochs: Int = 8, seed: UInt64 = 1
) -> Parameters {
  Parameters(
    sizes: sizes, hidden: hidden, latentDimensions: latent, epochs: epochs, settlingEpochs: 3, batchSize: 128,
    learningRate: 3e-3, seed: seed)
}

private func code(_ body: () throws -> Void) -> QuantizerError.Code? {
  do { try body() } catch { return (error as? QuantizerError)?.code }
  return nil
}

@Suite struct ResidualAutoencoderTests {
  @Test(arguments: QuantizationEstimator.allCases) func conforms(estimator: QuantizationEstimator) throws {
    let x = sample()
    var parameters = small(sizes: [24, 16, 7])
    parameters.estimator = estimator
    try expectConformance(ResidualAutoencoder.train(x, parameters: parameters).quantizer, on: x)
  }

  @Test func conformsWithoutAnEncoder() throws {
    let x = sample()
    let result = try ResidualAutoencoder.train(x, parameters: small(hidden: [], latent: 0))
    #expect(result.quantizer.shape.isIdentity && result.quantizer.model.parameters.elementCount == 0)
    #expect(try result.quantizer.codedVectors(x) == x)
    try expectConformance(result.quantizer, on: x)
  }

  @Test func conformsWithSeveralHiddenLayers() throws {
    let x = sample()
    let result = try ResidualAutoencoder.train(x, parameters: small(hidden: [40, 24], latent: 5))
    #expect(result.quantizer.shape.hidden == [40, 24] && result.quantizer.codebooks.dimensions == 5)
    try expectConformance(result.quantizer, on: x)
  }

  @Test(arguments: QuantizationEstimator.allCases) func learns(estimator: QuantizationEstimator) throws {
    let x = sample()
    var parameters = small(epochs: 20)
    parameters.estimator = estimator
    let result = try ResidualAutoencoder.train(x, parameters: parameters)
    let first = result.epochs[0], best = result.epochs[result.bestEpoch]
    #expect(best.heldOutError < 0.7 * first.heldOutError)
    let variance = x.rowSquaredNorms().reduce(0.0) { $0 + Double($1) } / Double(x.rows)
    #expect(try result.quantizer.encode(x).meanSquaredError < 0.5 * variance)
  }

  @Test func trainsTheSameWithOneSeedOnAnyNumberOfThreads() throws {
    let x = sample(900)
    let one = try withThreads(1) { try ResidualAutoencoder.train(x, parameters: small(epochs: 4)) }
    let two = try withThreads(2) { try ResidualAutoencoder.train(x, parameters: small(epochs: 4)) }
    #expect(one.quantizer.codebooks == two.quantizer.codebooks)
    #expect(one.quantizer.model == two.quantizer.model)
    #expect(one.epochs == two.epochs)
    let other = try ResidualAutoencoder.train(x, parameters: small(epochs: 4, seed: 2))
    #expect(one.quantizer.codebooks != other.quantizer.codebooks)
  }

  @Test func theScaleOfTheVectorsDoesNotMatter() throws {
    let x = sample(600)
    var short = x
    for index in short.elements.indices { short.elements[index] *= 0x1p-8 }
    let long = try ResidualAutoencoder.train(x, parameters: small(epochs: 4)).quantizer
    let result = try ResidualAutoencoder.train(short, parameters: small(epochs: 4)).quantizer
    #expect(try result.encode(short).codes == long.encode(x).codes)
    let error = try result.encode(short).meanSquaredError * 0x1p16
    #expect(abs(error / (try long.encode(x).meanSquaredError) - 1) < 1e-6)
  }

  @Test func statisticsAreThoseOfTheEpochs() throws {
    let x = sample()
    var seen: [Int] = []
    let result = try ResidualAutoencoder.train(x, parameters: small(epochs: 5)) { epoch, total in
      seen.append(epoch.epoch)
      #expect(total == 8)
    }
    #expect(seen == Array(0..<8) && result.epochs.map(\.epoch) == seen)
    #expect(result.epochs.map(\.isSettling) == [false, false, false, false, false, true, true, true])
    #expect(result.sampleCount == 1200 - 60)
    for epoch in result.epochs {
      #expect(epoch.levels.count == 2 && epoch.pairDistance == nil)
      #expect(epoch.trainingError > 0 && epoch.heldOutError > 0 && epoch.commitment >= 0)
      for level in epoch.levels {
        #expect(level.utilization > 0 && level.utilization <= 1)
        #expect(level.entropy >= 0 && level.entropy <= 2.7726)
      }
      #expect(!epoch.isSettling || epoch.levels.allSatisfy { $0.restarted == 0 })
    }
    let best = result.epochs.map(\.heldOutError).min()
    #expect(result.epochs[result.bestEpoch].heldOutError == best)
  }

  @Test func theHeldOutErrorIsThatOfTheServedQuantizer() throws {
    let x = sample(800)
    var parameters = small(epochs: 3)
    parameters.heldOutShare = 0
    let result = try ResidualAutoencoder.train(x, parameters: parameters)
    let error = try result.quantizer.encode(x).meanSquaredError
    #expect(abs(error / result.epochs[result.bestEpoch].heldOutError - 1) < 1e-4)
  }

  @Test func deadCodesAreRestarted() throws {
    // Nearly all rows at one place: k-means leaves most of the sixteen centroids with little or nothing to do.
    var x = sample(16).selectingRows((0..<1000).map { $0 % 4 })
    var random = RandomSource(seed: 3)
    for index in x.elements.indices { x.elements[index] += 1e-3 * random.nextNormal() }
    let result = try ResidualAutoencoder.train(x, parameters: small(sizes: [64, 64], epochs: 6))
    let restarted = result.epochs.flatMap { $0.levels.map(\.restarted) }.reduce(0, +)
    #expect(restarted > 0)
    #expect(result.epochs[result.bestEpoch].levels[0].utilization > 0.1)
  }

  @Test func stopsEarlyWhereNothingImproves() throws {
    var parameters = small(epochs: 400)
    parameters.patience = 2
    parameters.settlingEpochs = 0
    parameters.learningRate = 1e-9
    parameters.centroidDecay = 0.999_999
    let result = try ResidualAutoencoder.train(sample(300), parameters: parameters)
    #expect(result.epochs.count < 400)
  }

  @Test func aPairTermBringsPairsTogether() throws {
    // What a pair shares lies in a few columns with little variance, which codes of the whole vector hardly see.
    var random = RandomSource(seed: 6)
    let kinds = normalMatrix(8, 4, using: &random)
    var x = clusteredMatrix(1000, 16, centers: 40, using: &random)
    for row in 0..<1000 { for column in 0..<4 { x[row, column] = 0.5 * kinds[row % 8, column] } }
    let pairs = (0..<4000).map { index in RowPair(index % 1000, (index + 8 * (1 + index / 1000)) % 1000) }
    var parameters = small(epochs: 12)
    let apart = try ResidualAutoencoder.train(x, parameters: parameters, pairs: pairs)
    parameters.pairWeight = 4
    let together = try ResidualAutoencoder.train(x, parameters: parameters, pairs: pairs)
    func agreement(_ quantizer: ResidualAutoencoder) throws -> Double {
      NeighborAgreement(try quantizer.encode(x).codes, pairs: pairs).sharedPrefix[0]
    }
    #expect(try agreement(together.quantizer) > agreement(apart.quantizer))
    #expect(apart.epochs[0].pairDistance == nil && together.epochs[0].pairDistance != nil)
    try expectConformance(together.quantizer, on: x)
  }

  /// What the term learns from some pairs holds for others of the same kinds, which it never saw.
  @Test func aPairTermBringsPairsTogetherThatItDidNotSee() throws {
    var random = RandomSource(seed: 6)
    let kinds = normalMatrix(8, 4, using: &random)
    var x = clusteredMatrix(1000, 16, centers: 40, using: &random)
    for row in 0..<1000 { for column in 0..<4 { x[row, column] = 0.5 * kinds[row % 8, column] } }
    let pairs = (0..<4000).map { index in RowPair(index % 1000, (index + 8 * (1 + index / 1000)) % 1000) }
    let heldOut = (0..<1000).map { RowPair($0, ($0 + 8 * 61) % 1000) }
    var parameters = small(epochs: 12)
    func agreement(_ weight: Float) throws -> Double {
      parameters.pairWeight = weight
      let trained = try ResidualAutoencoder.train(x, parameters: parameters, pairs: pairs)
      return NeighborAgreement(try trained.quantizer.encode(x).codes, pairs: heldOut).sharedPrefix[0]
    }
    let (without, with) = (try agreement(0), try agreement(4))
    #expect(with > 1.5 * without, "\(with), and \(without) without the term")
  }

  /// The epoch that is kept is chosen by what is trained for, the pairs' distance included.
  @Test func theBestEpochCountsThePairsToo() throws {
    let x = sample(600)
    let pairs = (0..<600).map { RowPair($0, ($0 * 7 + 1) % 600) }
    var parameters = small(epochs: 10)
    parameters.settlingEpochs = 0
    parameters.pairWeight = 1000
    let result = try ResidualAutoencoder.train(x, parameters: parameters, pairs: pairs)
    let kept = result.epochs[result.bestEpoch]
    let byError = try #require(result.epochs.min { $0.heldOutError < $1.heldOutError })
    #expect(try #require(kept.pairDistance) <= #require(byError.pairDistance))
  }

  @Test func aRefitStartsFromTheOldWeightsAndCentroids() throws {
    let x = sample()
    let first = try ResidualAutoencoder.train(x, parameters: small(epochs: 15))
    var parameters = small(epochs: 1)
    parameters.settlingEpochs = 0
    parameters.learningRate = 1e-7
    let again = try ResidualAutoencoder.train(x, parameters: parameters, startingFrom: first.quantizer)
    let (old, new) = (try first.quantizer.encode(x), try again.quantizer.encode(x))
    #expect(new.meanSquaredError < 1.1 * old.meanSquaredError)
    let same = (0..<x.rows).count { old.codes[$0, 0] == new.codes[$0, 0] }
    #expect(same > x.rows * 3 / 4)
    #expect(
      code { _ = try ResidualAutoencoder.train(x, parameters: small(latent: 9), startingFrom: first.quantizer) }
        == .dimensionMismatch)
  }
}

@Suite struct ResidualAutoencoderEdgeTests {
  @Test(arguments: [1, 2, 5, 30]) func trainsOnFewerRowsThanCentroids(rows: Int) throws {
    let x = sample(rows)
    let result = try ResidualAutoencoder.train(x, parameters: small(epochs: 3))
    let encoding = try result.quantizer.encode(x)
    #expect(encoding.codes.count == rows && encoding.meanSquaredError.isFinite)
  }

  @Test func trainsOnCopiesOfOneRowAndOnZeros() throws {
    let x = sample(1).selectingRows(Array(repeating: 0, count: 200))
    let encoding = try ResidualAutoencoder.train(x, parameters: small(epochs: 10)).quantizer.encode(x)
    #expect(Set((0..<200).map { Array(encoding.codes.row($0)) }).count == 1)
    let zeros = Matrix(rows: 50, columns: 6)
    #expect(
      try ResidualAutoencoder.train(zeros, parameters: small(epochs: 2)).quantizer.encode(zeros).codes.count == 50)
  }

  @Test func refusesWhatCannotBeTrainedOn() throws {
    let x = sample(40)
    func refusal(_ change: (inout Parameters) -> Void) -> QuantizerError.Code? {
      var parameters = small(epochs: 1)
      change(&parameters)
      return code { _ = try ResidualAutoencoder.train(x, parameters: parameters) }
    }
    let changes: [(inout Parameters) -> Void] = [
      { $0.sizes = [] }, { $0.sizes = [4, 0] }, { $0.sizes = [65_537] }, { $0.latentDimensions = -1 },
      { $0.hidden = [0] }, { $0.hidden = Array(repeating: 4, count: 9) }, { $0.latentDimensions = 0 },
      { $0.commitment = -1 }, { $0.commitment = .nan }, { $0.pairWeight = .infinity }, { $0.centroidDecay = 1 },
      { $0.epochs = 0 }, { $0.settlingEpochs = -1 }, { $0.patience = 0 }, { $0.batchSize = 0 },
      { $0.learningRate = 0 }, { $0.learningRate = .nan }, { $0.weightDecay = -1 }, { $0.heldOutShare = 0.6 },
      { $0.heldOutShare = .nan }, { $0.sampleLimit = 0 },
    ]
    for (index, change) in changes.enumerated() { #expect(refusal(change) == .invalidParameters, "change \(index)") }
    #expect(code { _ = try ResidualAutoencoder.train(Matrix(rows: 0, columns: 3), parameters: small()) } == .emptyInput)
    var broken = x
    broken[7, 2] = .nan
    #expect(code { _ = try ResidualAutoencoder.train(broken, parameters: small()) } == .notFinite)
    let far = [RowPair(0, 40)]
    #expect(code { _ = try ResidualAutoencoder.train(x, parameters: small(), pairs: far) } == .invalidParameters)
  }

  @Test func aDivergingTrainingStopsWithTheEpochAndWhatToDo() throws {
    var parameters = small(epochs: 30)
    parameters.learningRate = 1e30
    do {
      _ = try ResidualAutoencoder.train(sample(300), parameters: parameters)
      Issue.record("a learning rate of 1e30 did not diverge")
    } catch let error as QuantizerError {
      #expect(error.code == .diverged && error.message.contains("epoch") && error.message.contains("learning rate"))
    }
  }

  @Test func anInterruptionIsPassedOn() {
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try ResidualAutoencoder.train(sample(100), parameters: small()) { _, _ in throw Stop() }
    }
  }
}

@Suite struct AutoencoderFileTests {
  private func trained() throws -> ResidualAutoencoder {
    try ResidualAutoencoder.train(sample(300), parameters: small(epochs: 2)).quantizer
  }

  @Test func whatIsSavedEncodesAsBefore() throws {
    let quantizer = try trained(), x = sample(200, seed: 2)
    let file = try SafetensorsFile(bytes: quantizer.fileBytes())
    let read = try ResidualAutoencoder(file, codebooks: quantizer.codebooks)
    #expect(read.model == quantizer.model && read.codebooks == quantizer.codebooks)
    #expect(try read.encode(x) == quantizer.encode(x))
    #expect(try quantizer.fileBytes() == read.fileBytes(), "the same weights give the same bytes")
  }

  @Test func whatHasNoWeightsIsSavedToo() throws {
    let x = sample(200)
    let quantizer = try ResidualAutoencoder.train(x, parameters: small(hidden: [], latent: 0, epochs: 2)).quantizer
    let read = try ResidualAutoencoder(
      try SafetensorsFile(bytes: quantizer.fileBytes()), codebooks: quantizer.codebooks)
    #expect(try read.encode(x) == quantizer.encode(x))
  }

  @Test func refusesFilesThatAreNotItsOwn() throws {
    let quantizer = try trained()
    let file = try SafetensorsFile(bytes: quantizer.fileBytes())
    func refusal(_ tensors: [NamedTensor], _ metadata: [String: String]) -> QuantizerError.Code? {
      code {
        let bytes = try SafetensorsWriter.bytes(tensors, metadata: metadata)
        _ = try ResidualAutoencoder(try SafetensorsFile(bytes: bytes), codebooks: quantizer.codebooks)
      }
    }
    #expect(refusal(file.tensors, file.metadata) == nil)
    #expect(refusal(file.tensors, [:]) == .invalidModel)
    #expect(refusal(Array(file.tensors.dropFirst()), file.metadata) == .invalidModel)
    #expect(
      refusal(file.tensors + [NamedTensor(name: "more", shape: [1], floats: [1])], file.metadata) == .invalidModel)
    for (key, value) in [
      ("architecture", "another"), ("shape", "16 32"), ("shape", "16 x 8"), ("shape", "0 32 8"),
      ("shape", "16 99999999999999999999 8"), ("shape", "16 33 8"), ("shape", "-16 32 8"), ("shape", ""),
    ] {
      var metadata = file.metadata
      metadata[key] = value
      #expect(refusal(file.tensors, metadata) == .invalidModel, "\(key) = \(value)")
    }
    let other = try ResidualAutoencoder.train(sample(100), parameters: small(latent: 9, epochs: 1)).quantizer
    #expect(code { _ = try ResidualAutoencoder(file, codebooks: other.codebooks) } == .invalidModel)
    let first = file.tensors[0]
    let broken = NamedTensor(
      name: first.name, shape: first.shape, floats: Array(repeating: Float.nan, count: first.count))
    #expect(refusal([broken] + file.tensors.dropFirst(), file.metadata) == .invalidModel)
  }

  @Test func damagedFilesAreErrorsAndNeverTraps() throws {
    let quantizer = try trained(), bytes = try quantizer.fileBytes()
    var random = RandomSource(seed: 5)
    for _ in 0..<10_000 {
      let hurt = damaged(bytes, using: &random)
      do {
        let read = try ResidualAutoencoder(try SafetensorsFile(bytes: hurt), codebooks: quantizer.codebooks)
        #expect(read.shape == quantizer.shape)
      } catch { #expect(error is QuantizerError || error is NeuralNetworksError) }
    }
  }
}
