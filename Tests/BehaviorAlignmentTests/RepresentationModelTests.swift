import BehaviorAlignment
import Foundation
import TensorMath
import TestSupport
import Testing

/// What `tools/fixtures/representation.py` prints: inner products of 12 representations.
private let reference: [Float] = [
  1.00000, -0.51792, 0.29798, -0.42016, -0.02232, 0.05352, -0.67142, -0.30778, 0.00363, -0.20682, 0.75680, 0.61166,
  -0.51792, 1.00000, -0.32719, 0.78768, -0.61043, -0.22195, 0.17509, -0.19100, -0.44342, 0.34931, -0.60670, -0.05824,
  0.29798, -0.32719, 1.00000, 0.15445, -0.04510, 0.54225, -0.22501, -0.47774, -0.32673, -0.44846, 0.64764, -0.36279,
  -0.42016, 0.78768, 0.15445, 1.00000, -0.71327, 0.23254, 0.27053, -0.07380, -0.38426, -0.23972, -0.38929, -0.45933,
  -0.02232, -0.61043, -0.04510, -0.71327, 1.00000, -0.47982, 0.38780, 0.22806, -0.00587, 0.04347, -0.07575, 0.18813,
  0.05352, -0.22195, 0.54225, 0.23254, -0.47982, 1.00000, -0.31086, 0.02071, 0.47254, -0.45243, 0.51721, -0.69775,
  -0.67142, 0.17509, -0.22501, 0.27053, 0.38780, -0.31086, 1.00000, 0.64389, -0.09375, -0.32926, -0.80565, -0.38846,
  -0.30778, -0.19100, -0.47774, -0.07380, 0.22806, 0.02071, 0.64389, 1.00000, 0.64123, -0.47660, -0.50813, -0.29346,
  0.00363, -0.44342, -0.32673, -0.38426, -0.00587, 0.47254, -0.09375, 0.64123, 1.00000, -0.18053, 0.12323, -0.26409,
  -0.20682, 0.34931, -0.44846, -0.23972, 0.04347, -0.45243, -0.32926, -0.47660, -0.18053, 1.00000, -0.11983, 0.41482,
  0.75680, -0.60670, 0.64764, -0.38929, -0.07575, 0.51721, -0.80565, -0.50813, 0.12323, -0.11983, 1.00000, 0.12686,
  0.61166, -0.05824, -0.36279, -0.45933, 0.18813, -0.69775, -0.38846, -0.29346, -0.26409, 0.41482, 0.12686, 1.00000,
]

private func value(_ row: Int, _ column: Int, _ salt: Int) -> Float {
  Float((row * 37 + column * 101 + salt * 53 + row * row * (column + 3)) % 97) / 97 - 0.4
}

/// The data of the reference: 4 dimensions of text, 3 of image, some rows without one of them.
private func referenceData() -> [ModalityBatch] {
  var text = Matrix(rows: 12, columns: 4), image = Matrix(rows: 12, columns: 3)
  for row in 0..<12 {
    for column in 0..<4 { text[row, column] = value(row, column, 1) }
    for column in 0..<3 { image[row, column] = value(row, column, 2) + text[row, column] }
  }
  return [
    ModalityBatch(name: "text", vectors: text, isPresent: (0..<12).map { $0 % 6 != 5 }),
    ModalityBatch(name: "image", vectors: image, isPresent: (0..<12).map { $0 % 3 != 1 }),
  ]
}

/// Items of a few topics that show in both modalities, with noise; every seventh lacks the image.
private func topicData(_ count: Int, topics: Int = 6, seed: UInt64 = 3) -> [ModalityBatch] {
  var random = RandomSource(seed: seed)
  func normal(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(
      rows: rows, columns: columns, elements: ContiguousArray((0..<rows * columns).map { _ in random.nextNormal() }))
  }
  let textCenters = normal(topics, 24), imageCenters = normal(topics, 10)
  var text = normal(count, 24), image = normal(count, 10)
  for row in 0..<count {
    for column in 0..<24 { text[row, column] = 0.6 * text[row, column] + textCenters[row % topics, column] + 1 }
    for column in 0..<10 { image[row, column] = 5 * (image[row, column] + imageCenters[row % topics, column]) }
  }
  return [
    ModalityBatch(name: "text", vectors: text, isPresent: Array(repeating: true, count: count)),
    ModalityBatch(name: "image", vectors: image, isPresent: (0..<count).map { $0 % 7 != 0 }),
  ]
}

private func parameters(_ dimensions: Int) -> RepresentationModel.Parameters {
  var parameters = RepresentationModel.Parameters()
  parameters.dimensions = dimensions
  return parameters
}

private func rows(_ batches: [ModalityBatch], _ range: Range<Int>) -> [ModalityBatch] {
  batches.map {
    ModalityBatch(name: $0.name, vectors: $0.vectors.rows(range), isPresent: Array($0.isPresent[range]))
  }
}

@Suite struct RepresentationModelTests {
  @Test func agreesWithTheDefinition() throws {
    var parameters = parameters(5)
    parameters.weights = ["image": 0.8]
    parameters.whitening = 0.5
    parameters.shrinkage = 0.01
    parameters.ridge = 1
    let model = try RepresentationModel.fit(referenceData(), parameters: parameters)
    let x = model.represent(referenceData())
    expectClose(matrixProduct(x, x, transposingRight: true).elements, reference, tolerance: 1e-3)
  }

  @Test func rowsHaveUnitLength() throws {
    let data = topicData(200)
    let x = try RepresentationModel.fit(data, parameters: parameters(16)).represent(data)
    #expect(x.columns == 16)
    expectClose(
      (0..<200).map { x.row($0).reduce(0) { $0 + $1 * $1 } }, Array(repeating: 1, count: 200), tolerance: 1e-4)
  }

  @Test func fullWhiteningEqualizesTheVariances() throws {
    var random = RandomSource(seed: 5)
    var x = Matrix(rows: 4000, columns: 6)
    for row in 0..<4000 { for column in 0..<6 { x[row, column] = random.nextNormal() * Float(column + 1) } }
    let data = [ModalityBatch(name: "text", vectors: x, isPresent: Array(repeating: true, count: 4000))]
    var parameters = parameters(6)
    parameters.whitening = 1
    parameters.shrinkage = 0
    let y = try RepresentationModel.fit(data, parameters: parameters).represent(data)
    let squares = (0..<6).map { column in (0..<4000).reduce(Float(0)) { $0 + y[$1, column] * y[$1, column] } / 4000 }
    expectClose(squares, Array(repeating: Float(1) / 6, count: 6), tolerance: 0.02)
  }

  @Test func topicsOfItemsWithoutAnImageAreStillFound() throws {
    let data = topicData(420)
    let x = try RepresentationModel.fit(data, parameters: parameters(12)).represent(data)
    let similarity = matrixProduct(x, x, transposingRight: true)
    for row in stride(from: 0, to: 420, by: 7) {
      let nearest = (0..<420).filter { $0 != row }.max { similarity[row, $0] < similarity[row, $1] }!
      #expect(nearest % 6 == row % 6, "item \(row) is nearest to \(nearest)")
    }
  }

  @Test func batchesAndThreadsMakeNoDifference() throws {
    let data = topicData(500)
    let model = try RepresentationModel.fit(data, parameters: parameters(16))
    let before = Parallelism.threadCount
    defer { Parallelism.threadCount = before }
    Parallelism.threadCount = 1
    let whole = model.represent(data)
    Parallelism.threadCount = 2
    #expect(model.represent(data) == whole)
    #expect(model.represent(rows(data, 137..<138)) == whole.rows(137..<138))
    #expect(model.represent(rows(data, 100..<431)) == whole.rows(100..<431))
    #expect(model.represent(data.reversed()) == whole)
  }

  @Test func batchesOfTheFitMakeLittleDifference() throws {
    let data = topicData(300)
    var fitting = try RepresentationModel.Fitting(parameters: parameters(8))
    for start in stride(from: 0, to: 300, by: 50) { fitting.add(rows(data, start..<start + 50)) }
    let streamed = try fitting.finish().represent(data)
    let whole = try RepresentationModel.fit(data, parameters: parameters(8)).represent(data)
    expectClose(
      matrixProduct(streamed, streamed, transposingRight: true).elements,
      matrixProduct(whole, whole, transposingRight: true).elements, tolerance: 1e-3)
  }

  @Test func aModalityThatIsLeftOutCountsAsMissing() throws {
    let data = topicData(100)
    let model = try RepresentationModel.fit(data, parameters: parameters(8))
    let none = ModalityBatch(name: "image", vectors: data[1].vectors, isPresent: Array(repeating: false, count: 100))
    #expect(model.represent([data[0]]) == model.represent([data[0], none]))
    #expect(model.modalities == ["text", "image"])
  }

  @Test func anItemWithNothingHasARowOfZeros() throws {
    let data = topicData(50)
    let model = try RepresentationModel.fit(data, parameters: parameters(8))
    let nothing = rows(data, 0..<2).map {
      ModalityBatch(name: $0.name, vectors: $0.vectors, isPresent: [false, true])
    }
    let x = model.represent(nothing)
    #expect(x.row(0).allSatisfy { $0 == 0 } && x.row(1).contains { $0 != 0 })
    #expect(model.represent([]).rows == 0)
  }

  @Test func asManyDimensionsAsTheSampleSupports() throws {
    #expect(try RepresentationModel.fit(rows(topicData(50), 0..<4), parameters: parameters(64)).dimensions == 3)
    #expect(try RepresentationModel.fit(topicData(200), parameters: parameters(64)).dimensions == 34)
  }

  @Test func samplesOfItemsWithoutDifferencesAreRefused() throws {
    let same = ModalityBatch(
      name: "text", vectors: Matrix(rows: 3, columns: 2, elements: [1, 2, 1, 2, 1, 2]), isPresent: [true, true, true])
    for data in [rows(topicData(5), 0..<1), [same]] {
      let error = #expect(throws: AlignmentError.self) { try RepresentationModel.fit(data) }
      #expect(error?.code == .tooFewItems)
    }
  }

  @Test func oneModalityPresentEverywhereAndTheOtherNowhereIsFine() throws {
    let data = topicData(60)
    let none = ModalityBatch(name: "image", vectors: data[1].vectors, isPresent: Array(repeating: false, count: 60))
    let x = try RepresentationModel.fit([data[0], none], parameters: parameters(8)).represent([data[0], none])
    #expect(x.columns == 8 && x.elements.allSatisfy(\.isFinite))
  }

  @Test func invalidParametersAreRefused() {
    let changes: [(inout RepresentationModel.Parameters) -> Void] = [
      { $0.dimensions = 0 }, { $0.whitening = 1.5 }, { $0.whitening = .nan }, { $0.shrinkage = -1 }, { $0.ridge = 0 },
      { $0.sampleLimit = 1 }, { $0.weights = ["text": -1] },
    ]
    for change in changes {
      var parameters = RepresentationModel.Parameters()
      change(&parameters)
      let error = #expect(throws: AlignmentError.self) { try RepresentationModel.Fitting(parameters: parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }

  @Test func samplesAreSeededAscendingAndOfTheRightSize() {
    var parameters = parameters(8)
    parameters.sampleLimit = 100
    let sample = parameters.sampleRows(of: 10_000)
    #expect(sample.count == 100 && sample == sample.sorted() && Set(sample).count == 100)
    #expect(sample.last! < 10_000 && sample == parameters.sampleRows(of: 10_000))
    parameters.seed = 2
    #expect(sample != parameters.sampleRows(of: 10_000))
    #expect(parameters.sampleRows(of: 7) == Array(0..<7))
  }
}

@Suite struct RepresentationPersistenceTests {
  @Test func aWrittenModelReadsBackTheSame() throws {
    let data = topicData(80)
    let model = try RepresentationModel.fit(data, parameters: parameters(8))
    try withTemporaryDirectory { folder in
      try model.write(to: folder + "/model.safetensors")
      let read = try RepresentationModel(contentsOf: folder + "/model.safetensors")
      #expect(read.fingerprint == model.fingerprint && read.fingerprint.count == 64)
      #expect(read.represent(data) == model.represent(data))
      #expect(read.dimensions == 8)
    }
  }

  @Test func fittingTwiceGivesOneFingerprintAndOtherDataAnother() throws {
    let model = try RepresentationModel.fit(topicData(80), parameters: parameters(8))
    #expect(try RepresentationModel.fit(topicData(80), parameters: parameters(8)).fingerprint == model.fingerprint)
    #expect(try RepresentationModel.fit(topicData(81), parameters: parameters(8)).fingerprint != model.fingerprint)
  }

  @Test func damagedModelsAreRefusedAndNeverCrash() throws {
    let model = try RepresentationModel.fit(topicData(40), parameters: parameters(4))
    try withTemporaryDirectory { folder in
      let path = folder + "/model.safetensors"
      try model.write(to: path)
      let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 1)
      for _ in 0..<500 {
        try Data(damaged(original, using: &random)).write(to: URL(fileURLWithPath: path))
        if let read = try? RepresentationModel(contentsOf: path) { #expect(read.fingerprint == model.fingerprint) }
      }
      let error = #expect(throws: AlignmentError.self) { try RepresentationModel(contentsOf: folder + "/none") }
      #expect(error?.code == .unreadableModel)
    }
  }
}

/// Small cases whose answers follow by hand.
@Suite struct RepresentationByHandTests {
  private func batch(_ name: String, _ values: [[Float]], present: [Bool]? = nil) -> ModalityBatch {
    ModalityBatch(
      name: name,
      vectors: Matrix(rows: values.count, columns: values[0].count, elements: ContiguousArray(values.joined())),
      isPresent: present ?? values.map { _ in true })
  }

  @Test func oneDimensionTellsTheSidesOfTheMean() throws {
    let data = [batch("text", [[1], [2], [6], [7]])]
    let x = try RepresentationModel.fit(data, parameters: parameters(4)).represent(data)
    expectClose(x.elements.map { $0 * (x[3, 0] > 0 ? 1 : -1) }, [-1, -1, 1, 1], tolerance: 1e-5)
  }

  @Test func scalingOrShiftingAModalityChangesNothing() throws {
    let data = topicData(150)
    let stretched = data.map { batch in
      var vectors = batch.vectors
      for index in vectors.elements.indices { vectors.elements[index] = vectors.elements[index] * 7 + 3 }
      return ModalityBatch(name: batch.name, vectors: vectors, isPresent: batch.isPresent)
    }
    let x = try RepresentationModel.fit(data, parameters: parameters(10)).represent(data)
    let y = try RepresentationModel.fit(stretched, parameters: parameters(10)).represent(stretched)
    expectClose(
      matrixProduct(x, x, transposingRight: true).elements, matrixProduct(y, y, transposingRight: true).elements,
      tolerance: 5e-3)
  }

  @Test func whatIsInTheRowsOfMissingModalitiesIsIgnored() throws {
    let data = topicData(90)
    var noise = data[1].vectors
    for row in stride(from: 0, to: 90, by: 7) { for column in 0..<10 { noise[row, column] = .nan } }
    let dirty = [data[0], ModalityBatch(name: "image", vectors: noise, isPresent: data[1].isPresent)]
    let model = try RepresentationModel.fit(data, parameters: parameters(8))
    #expect(try RepresentationModel.fit(dirty, parameters: parameters(8)).fingerprint == model.fingerprint)
    #expect(model.represent(dirty) == model.represent(data))
  }

  @Test func aMissingModalityIsPredictedFromThePresentOne() throws {
    // The image repeats the text; where it is missing, the text alone must lead to the same place.
    var random = RandomSource(seed: 8)
    let values = (0..<200).map { _ in (0..<3).map { _ in random.nextNormal() } }
    var parameters = parameters(3)
    parameters.ridge = 1e-4
    parameters.whitening = 0
    let data = [batch("text", values), batch("image", values.map { $0.map { 2 * $0 } })]
    let model = try RepresentationModel.fit(data, parameters: parameters)
    let whole = model.represent(data), alone = model.represent([data[0]])
    expectClose(alone.elements, whole.elements, tolerance: 0.01)
    #expect(model.dimensions == 3)
  }

  @Test func strongRegularizationLeavesTheMean() throws {
    var random = RandomSource(seed: 8)
    let values = (0..<200).map { _ in (0..<2).map { _ in random.nextNormal() } }
    var parameters = parameters(4)
    parameters.ridge = 1e9
    parameters.whitening = 0
    parameters.weights = [:]
    let data = [batch("text", values), batch("image", values.map { [$0[1], -$0[0]] })]
    let model = try RepresentationModel.fit(data, parameters: parameters)
    // Predictions are the mean, so one modality alone spans two of the four (here: two supported) directions.
    let x = model.represent([data[0]])
    #expect(x.elements.allSatisfy(\.isFinite) && model.dimensions == 2)
  }

  @Test func aModalitysWeightDecidesWhoIsNear() throws {
    // Two binary properties: text tells one, image the other. The heavier one decides among unlike neighbors.
    let text: [[Float]] = [[0, 1], [0, 1], [1, 0], [1, 0]], image: [[Float]] = [[5, 0], [0, 5], [5, 0], [0, 5]]
    for (weight, nearest) in [(Float(0.25), 1), (4, 2)] {
      var parameters = parameters(2)
      parameters.weights = ["image": weight]
      parameters.whitening = 0
      let data = [batch("text", text), batch("image", image)]
      let x = try RepresentationModel.fit(data, parameters: parameters).represent(data)
      let similarity = matrixProduct(x, x, transposingRight: true)
      #expect((1..<4).max { similarity[0, $0] < similarity[0, $1] } == nearest)
    }
  }

  @Test func threeModalitiesWithEveryPatternOfAbsence() throws {
    let data = topicData(210)
    let present = (0..<8).map { pattern in (0..<3).map { pattern >> $0 & 1 == 1 } }
    let batches = (0..<3).map { index in
      ModalityBatch(
        name: "m\(index)", vectors: data[index % 2].vectors, isPresent: (0..<210).map { present[$0 % 8][index] })
    }
    let model = try RepresentationModel.fit(batches, parameters: parameters(12))
    let x = model.represent(batches)
    let lengths = (0..<210).map { row in x.row(row).reduce(0) { $0 + $1 * $1 } }
    expectClose(lengths, (0..<210).map { $0 % 8 == 0 ? 0 : 1 }, tolerance: 1e-4)
    try withTemporaryDirectory { folder in
      try model.write(to: folder + "/m")
      #expect(try RepresentationModel(contentsOf: folder + "/m").represent(batches) == x)
    }
  }
}
