import NeuralNetworks
import Quantizers
import TensorMath
import TestSupport
import Testing

/// What a refusal says: what was found, what would do, and where.
@Suite struct QuantizerMessageTests {
  private static func refusal(_ body: () throws -> Void) -> QuantizerError? {
    do { try body() } catch { return error as? QuantizerError }
    return nil
  }

  private static func sample(_ rows: Int = 40, _ columns: Int = 5) -> Matrix {
    var random = RandomSource(seed: 4)
    return normalMatrix(rows, columns, using: &random)
  }

  private static func codebook(_ size: Int, _ dimensions: Int, prices: [Float]? = nil) -> Codebook {
    Codebook(centroids: Matrix(rows: size, columns: dimensions), prices: prices)
  }

  private static func autoencoder(latent: Int = 3, sizes: [Int] = [4]) throws -> ResidualAutoencoder {
    try ResidualAutoencoder.train(
      sample(), parameters: .init(sizes: sizes, latentDimensions: latent, epochs: 1, settlingEpochs: 0)
    ).quantizer
  }

  @Test func anErrorIsDescribedByItsCodeAndItsMessage() {
    let error = QuantizerError(.capacityExceeded, "too many")
    #expect(error.description == "capacityExceeded: too many" && "\(error)" == error.description)
    #expect(error != QuantizerError(.diverged, "too many") && error != QuantizerError(.capacityExceeded, "too few"))
  }

  @Test func settingsThatCannotTrainAreNamedWithTheirValue() {
    typealias Parameters = ResidualAutoencoder.Parameters
    let changes: [(change: (inout Parameters) -> Void, found: String)] = [
      ({ $0.latentDimensions = -1 }, "-1 latent dimensions"),
      ({ $0.latentDimensions = 65_537 }, "65537 latent dimensions"),
      ({ $0.hidden = [8, 0] }, "hidden widths [8, 0]"),
      ({ $0.hidden = [65_537] }, "hidden widths [65537]"),
      ({ ($0.hidden, $0.latentDimensions) = ([8], 0) }, "hidden layers without latent dimensions"),
      ({ $0.commitment = -0.5 }, "a commitment of -0.5"),
      ({ $0.commitment = .infinity }, "a commitment of inf"),
      ({ $0.pairWeight = -2 }, "a pair weight of -2.0"),
      ({ $0.pairWeight = .nan }, "a pair weight of nan"),
      ({ $0.centroidDecay = -0.25 }, "a centroid decay of -0.25"),
      ({ $0.centroidDecay = 1 }, "a centroid decay of 1.0"),
      ({ ($0.epochs, $0.settlingEpochs, $0.patience) = (0, 3, 4) }, "0 + 3 epochs, patience 4"),
      ({ ($0.epochs, $0.settlingEpochs, $0.patience) = (2, -1, 4) }, "2 + -1 epochs, patience 4"),
      ({ ($0.epochs, $0.settlingEpochs, $0.patience) = (2, 3, 0) }, "2 + 3 epochs, patience 0"),
      ({ $0.batchSize = -1 }, "batches of -1"),
      ({ $0.learningRate = -1 }, "a learning rate of -1.0"),
      ({ $0.weightDecay = .infinity }, "a weight decay of inf"),
      ({ $0.heldOutShare = 0.75 }, "a held-out share of 0.75"),
      ({ $0.heldOutShare = -0.5 }, "a held-out share of -0.5"),
      ({ $0.sampleLimit = -7 }, "a sample of -7 rows"),
    ]
    let x = Self.sample()
    for (change, found) in changes {
      var parameters = Parameters(sizes: [4], latentDimensions: 3, epochs: 1)
      change(&parameters)
      let error = Self.refusal { _ = try ResidualAutoencoder.train(x, parameters: parameters) }
      #expect(error == QuantizerError(.invalidParameters, "\(found) cannot be trained with"))
    }
  }

  /// Where several settings are wrong, the first in the order of their declaration is named.
  @Test func oneOfSeveralWrongSettingsIsNamed() {
    var parameters = ResidualAutoencoder.Parameters(sizes: [4], latentDimensions: 3, epochs: 1)
    (parameters.commitment, parameters.batchSize, parameters.sampleLimit) = (-1, 0, 0)
    let error = Self.refusal { _ = try ResidualAutoencoder.train(Self.sample(), parameters: parameters) }
    #expect(error?.message == "a commitment of -1.0 cannot be trained with")
  }

  @Test func aStartAndPairsThatDoNotFitAreNamed() throws {
    let start = try Self.autoencoder()
    let parameters = ResidualAutoencoder.Parameters(sizes: [8], latentDimensions: 3, epochs: 1, settlingEpochs: 0)
    let sizes = Self.refusal {
      _ = try ResidualAutoencoder.train(Self.sample(), parameters: parameters, startingFrom: start)
    }
    #expect(sizes == QuantizerError(.dimensionMismatch, "a start of 5 3 and sizes [4] for 5 3 and [8]"))
    for pair in [RowPair(0, 40), RowPair(-1, 0)] {
      let error = Self.refusal {
        _ = try ResidualAutoencoder.train(Self.sample(), parameters: parameters, pairs: [RowPair(0, 39), pair])
      }
      #expect(error?.code == .invalidParameters)
      #expect(error?.message.contains("second: \(pair.second)) names a row outside 0..<40") == true)
    }
  }

  @Test func vectorsAndCodesOfAnotherShapeAreRefusedWithBothShapes() throws {
    let quantizer = ResidualQuantizer(
      codebooks: try ResidualCodebooks(levels: [Self.codebook(4, 2), Self.codebook(3, 2)]))
    let wide = Self.refusal { _ = try quantizer.encode(Matrix(rows: 1, columns: 3)) }
    #expect(wide == QuantizerError(.dimensionMismatch, "vectors of 3 dimensions for codebooks of 2"))
    let deep = Self.refusal { _ = try quantizer.decode(CodeMatrix(count: 1, levels: 3)) }
    #expect(deep == QuantizerError(.dimensionMismatch, "codes of 3 levels for a quantizer of 2"))
    // The first level has a code 3, the second has not.
    let high = Self.refusal { _ = try quantizer.decode(CodeMatrix(count: 2, levels: 2, elements: [3, 2, 3, 3])) }
    #expect(high == QuantizerError(.codeOutOfRange, "row 1 has code 3 at level 2, which has 3 centroids"))
    let encoder = try Self.autoencoder()
    let short = Self.refusal { _ = try encoder.encode(Matrix(rows: 1, columns: 4)) }
    #expect(short == QuantizerError(.dimensionMismatch, "vectors of 4 dimensions for an encoder of 5"))
    var broken = Self.sample(3)
    broken[1, 4] = .infinity
    let infinite = Self.refusal { _ = try encoder.codedVectors(broken) }
    #expect(infinite?.code == .notFinite && infinite?.message.hasPrefix("row 1 holds a NaN or an infinity") == true)
  }

  @Test func codebooksOfAFileAreRefusedByTheirLevel() {
    let nan = Codebook(centroids: Matrix(rows: 1, columns: 4, elements: [0, 0, .nan, 0]))
    for (levels, message) in [
      ([], "there is no codebook; a quantizer needs at least one level"),
      (
        [Self.codebook(3, 4), Self.codebook(3, 5)],
        "level 2 has centroids of 5 dimensions, level 1 of 4; all must agree"
      ),
      ([Self.codebook(3, 4), Self.codebook(0, 4)], "level 2 has 0 centroids; 1 to 65536 are possible"),
      ([Self.codebook(65_537, 1)], "level 1 has 65537 centroids; 1 to 65536 are possible"),
      (
        [Self.codebook(1, 4), Self.codebook(1, 4), Self.codebook(3, 4, prices: [0, 1])],
        "level 3 has 2 prices for 3 centroids; one each is needed"
      ),
      ([Self.codebook(1, 4), nan], "level 2 holds a number that is not finite; train the codebook anew"),
      (
        [Self.codebook(1, 4, prices: [-.infinity])],
        "level 1 holds a number that is not finite; train the codebook anew"
      ),
    ] as [([Codebook], String)] {
      let error = Self.refusal { _ = try ResidualCodebooks(levels: levels) }
      #expect(error == QuantizerError(.invalidCodebook, message))
    }
  }

  @Test func trainingOfCodebooksSaysWhatItNeeds() throws {
    let x = Self.sample(20, 4)
    func error(_ parameters: ResidualQuantizer.Parameters, start: ResidualCodebooks? = nil) -> QuantizerError? {
      Self.refusal { _ = try ResidualQuantizer.train(x, parameters: parameters, startingFrom: start) }
    }
    #expect(error(.init(sizes: [2], iterations: -1))?.message == "-1 iterations; at least one is needed")
    #expect(error(.init(sizes: [2], sampleLimit: 0))?.message == "a sample of 0 rows; at least one is needed")
    #expect(
      error(.init(sizes: [2], capacitySlack: .nan))?.message == "a capacity slack of nan; 0 or more is needed")
    #expect(
      error(.init(sizes: [2, 65_537]))?.message
        == "codebook sizes [2, 65537]; at least one is needed, each from 1 to 65536")
    let start = try ResidualCodebooks(levels: [Codebook(centroids: x.rows(0..<3))])
    #expect(
      error(.init(sizes: [2]), start: start)
        == QuantizerError(.dimensionMismatch, "a start of sizes [3] × 4 for sizes [2] × 4; they must agree"))
    let empty = Self.refusal {
      _ = try ResidualQuantizer.train(Matrix(rows: 3, columns: 0), parameters: .init(sizes: [2]))
    }
    #expect(empty == QuantizerError(.emptyInput, "3 × 0 vectors; training needs at least one of one dimension"))
  }

  @Test func theCollisionPolicysSettingsSayTheirRange() throws {
    for capacity in [0, -1, 65_537] {
      let error = Self.refusal { _ = try CollisionResolver(.init(policy: .suffix, suffixCapacity: capacity)) }
      #expect(
        error
          == QuantizerError(
            .invalidParameters, "a suffix capacity of \(capacity); a suffix is 16 bits, so 1 to 65,536 are possible"))
    }
    for (budget, text) in [(0.5, "0.5"), (.infinity, "inf"), (.nan, "nan")] as [(Float, String)] {
      let error = Self.refusal { _ = try CollisionResolver(.init(policy: .relocate, distanceBudget: budget)) }
      #expect(error?.code == .invalidParameters)
      #expect(error?.message.hasPrefix("a distance budget of \(text); it is a ratio of distances, 1 or more") == true)
    }
    for edge in [1, 65_536] {
      let kept = try CollisionResolver(.init(policy: .suffix, suffixCapacity: edge, distanceBudget: 1)).parameters
      #expect(kept.suffixCapacity == edge && kept.distanceBudget == 1)
    }
  }

  @Test func itemSetsSayHowManyNeighborsCanBeAskedFor() throws {
    let set = try ItemSetCodebook(vectors: Self.sample(5, 2))
    let x = Self.sample(2, 2)
    #expect(set.largestNeighborCount() == 4 && set.largestNeighborCount(excludingSelf: false) == 5)
    let excluding = Self.refusal { _ = try set.nearest(x, count: 5, excluding: [0, -1]) }
    #expect(excluding?.message == "5 neighbors from a set of 5 items; 1 to 4 can be asked for")
    let all = Self.refusal { _ = try set.nearest(x, count: 6) }
    #expect(all?.message == "6 neighbors from a set of 5 items; 1 to 5 can be asked for")
    let wide = Self.refusal { _ = try set.nearest(Self.sample(2, 3), count: 1) }
    #expect(wide == QuantizerError(.dimensionMismatch, "vectors of 3 dimensions for an item set of 2"))
    for rows in [[0], [0, 5], [-2, 0]] as [ContiguousArray<Int32>] {
      let error = Self.refusal { _ = try set.nearest(x, count: 1, excluding: rows) }
      #expect(error?.code == .invalidParameters && error?.message.contains("one row of the set, or -1") == true)
    }
    let limit = Self.refusal { _ = try ItemSetSelection.sample(limit: 0, seed: 1).rows(of: 3) }
    #expect(limit?.message == "an item set of 0 items; at least one is needed")
    let counts = Self.refusal { _ = try ItemSetSelection.mostInteracted(limit: 2, counts: [1, 2, 3]).rows(of: 4) }
    #expect(counts?.message == "3 interaction counts for 4 items; one each is needed")
  }

  @Test func labelsOfAnotherSpaceAreRefused() throws {
    let wide = try ResidualCodebooks(levels: [Self.codebook(2, 3)])
    let narrow = try ResidualCodebooks(levels: [Self.codebook(2, 2)])
    let error = Self.refusal { _ = try RelabeledCodebooks(wide, like: narrow) }
    #expect(
      error
        == QuantizerError(
          .dimensionMismatch, "codebooks of 3 dimensions cannot take the labels of codebooks of 2"))
  }

  @Test func weightsThatDoNotFitAreRefusedByName() throws {
    let quantizer = try Self.autoencoder()
    let file = try SafetensorsFile(bytes: quantizer.fileBytes())
    let place = try #require(file.tensors.firstIndex { $0.name == "encoder.layers.0.weight" })
    var tensors = file.tensors
    tensors[place] = NamedTensor(
      name: tensors[place].name, shape: tensors[place].shape, floats: [Float](repeating: .infinity, count: 15))
    let infinite = try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors, metadata: file.metadata))
    let error = Self.refusal { _ = try ResidualAutoencoder(infinite, codebooks: quantizer.codebooks) }
    #expect(error?.code == .invalidModel)
    #expect(
      error?.message == "the weights encoder.layers.0.weight hold a number that is not finite; train anew")
    let other = Self.refusal { _ = try ResidualAutoencoder(file, codebooks: .init(levels: [Self.codebook(2, 4)])) }
    #expect(other == QuantizerError(.invalidModel, "codebooks of 4 dimensions for an encoder of 3"))
    // A file of no weights holds the mark of that and nothing else.
    let plain = try Self.autoencoder(latent: 0)
    let metadata = try SafetensorsFile(bytes: plain.fileBytes()).metadata
    let weighty = try SafetensorsFile(bytes: SafetensorsWriter.bytes(file.tensors, metadata: metadata))
    let weights = Self.refusal { _ = try ResidualAutoencoder(weighty, codebooks: plain.codebooks) }
    #expect(
      weights == QuantizerError(.invalidModel, "weights for a quantizer that has none; train the quantizer anew"))
  }
}
