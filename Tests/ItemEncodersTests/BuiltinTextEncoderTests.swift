import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

private let topics = [
  "space rocket planet astronaut orbit galaxy alien spaceship star captain",
  "kitchen recipe flour oven butter sugar chef bakery cake dough",
  "football goal league striker keeper match stadium referee penalty trophy",
  "piano orchestra violin concert melody symphony conductor opera sonata choir",
].map { $0.split(separator: " ").map(String.init) }

/// Items of four topics, whose texts share a topic's words and some that all topics have.
private func topicItems(_ count: Int, seed: UInt64 = 1) -> [Item] {
  var random = RandomSource(seed: seed)
  return (0..<count).map { index in
    let words = (0..<6).map { _ in topics[index % 4].randomElement(using: &random)! }
    return Item(id: "\(index)", title: "Item \(index)", text: "the story of the " + words.joined(separator: " and "))
  }
}

private func smallParameters() -> BuiltinTextEncoder.Parameters {
  var parameters = BuiltinTextEncoder.Parameters()
  parameters.dimensions = 32
  parameters.sketchDimensions = 128
  return parameters
}

private func cosine(_ x: Matrix, _ a: Int, _ b: Int) -> Float { zip(x.row(a), x.row(b)).reduce(0) { $0 + $1.0 * $1.1 } }

@Suite struct BuiltinTextEncoderTests {
  @Test func nearestNeighborsShareTheTopic() throws {
    let items = topicItems(200)
    let x = try BuiltinTextEncoder.fit([items], parameters: smallParameters()).encode(items).vectors
    let agreement = NeighborAgreement(
      vectors: x, labels: items.indices.map { 1 << UInt64($0 % 4) }, isPresent: items.map { _ in true }, neighbors: 5)
    #expect(agreement.sharing > 0.9 && agreement.chanceSharing < 0.3)
  }

  @Test func itemsAfterTheFitAreEncodedByItUnchanged() throws {
    let items = topicItems(100)
    let encoder = try BuiltinTextEncoder.fit([items], parameters: smallParameters())
    let later = [Item(id: "new", text: "astronaut on a planet"), items[3], Item(id: "newer", text: "butter cake")]
    let x = encoder.encode(later).vectors
    #expect(x.rows(1..<2) == encoder.encode(items).vectors.rows(3..<4))
    #expect(encoder.encode(later).isPresent == [true, true, true])
  }

  @Test func rowsHaveUnitLengthAndItemsWithoutWordsAreAbsent() throws {
    var items = topicItems(50)
    items[7] = Item(id: "7", title: "...", text: " -- ")
    items[8] = Item(id: "8")
    let batch = try BuiltinTextEncoder.fit([items], parameters: smallParameters()).encode(items)
    #expect(batch.isPresent.indices.filter { !batch.isPresent[$0] } == [7, 8])
    #expect(batch.failures.isEmpty)
    let lengths = items.indices.map { cosine(batch.vectors, $0, $0) }
    expectClose(lengths, items.indices.map { $0 == 7 || $0 == 8 ? 0 : 1 }, tolerance: 1e-4)
  }

  @Test func batchesAndThreadsMakeNoDifference() throws {
    let items = topicItems(700)
    let before = Parallelism.threadCount
    defer { Parallelism.threadCount = before }
    Parallelism.threadCount = 1
    let encoder = try BuiltinTextEncoder.fit([items], parameters: smallParameters())
    let whole = encoder.encode(items)
    Parallelism.threadCount = 2
    let batches = stride(from: 0, to: 700, by: 90).map { Array(items[$0..<min(700, $0 + 90)]) }
    let other = try BuiltinTextEncoder.fit(batches, parameters: smallParameters())
    #expect(other.frequencies == encoder.frequencies)
    #expect(encoder.encode(items) == whole)
    #expect(encoder.encode([items[137]]).vectors == whole.vectors.rows(137..<138))
    #expect(encoder.encode(Array(items[100..<431])).vectors == whole.vectors.rows(100..<431))
  }

  @Test func fittingTwiceGivesTheSameEncoder() throws {
    let batches = [topicItems(300), topicItems(200, seed: 2)]
    var parameters = smallParameters()
    parameters.sampleLimit = 100
    let first = try BuiltinTextEncoder.fit(batches, parameters: parameters)
    #expect(first.fingerprint == (try BuiltinTextEncoder.fit(batches, parameters: parameters)).fingerprint)
    parameters.seed = 2
    #expect(first.fingerprint != (try BuiltinTextEncoder.fit(batches, parameters: parameters)).fingerprint)
  }

  @Test func spellingVariantsAreNearOneAnother() throws {
    let items =
      topicItems(60) + [
        Item(id: "a", text: "Café Amélie"), Item(id: "b", text: "CAFE amelie"), Item(id: "c", text: "الكِتَابُ ١٢"),
        Item(id: "d", text: "كتاب 12"),
      ]
    let x = try BuiltinTextEncoder.fit([items], parameters: smallParameters()).encode(items).vectors
    #expect(cosine(x, 60, 61) > 0.999)
    #expect(cosine(x, 62, 63) > cosine(x, 62, 0) + 0.3)
  }

  @Test func theTitleCountsUnlessTheTextBeginsWithIt() throws {
    let items = topicItems(50)
    let encoder = try BuiltinTextEncoder.fit([items], parameters: smallParameters())
    let variants = [
      Item(id: "1", title: "piano concert", text: "a symphony"), Item(id: "2", text: "a symphony"),
      Item(id: "3", title: "a symphony", text: "a symphony"), Item(id: "4", title: "a symphony"),
    ]
    let x = encoder.encode(variants).vectors
    #expect(cosine(x, 0, 1) < 0.99)
    #expect(x.row(1).elementsEqual(x.row(2)) && x.row(1).elementsEqual(x.row(3)))
  }

  @Test func aCatalogOfOneItemCanBeFitted() throws {
    let encoder = try BuiltinTextEncoder.fit([[Item(id: "1", text: "alone")]], parameters: smallParameters())
    let batch = encoder.encode([Item(id: "1", text: "alone"), Item(id: "2", text: "another thing")])
    #expect(batch.isPresent == [true, true] && batch.vectors.elements.allSatisfy(\.isFinite))
    let nothing = try BuiltinTextEncoder.fit([[Item]](), parameters: smallParameters())
    #expect(nothing.encode(topicItems(3)).isPresent == [true, true, true])
    #expect(nothing.encode([]).vectors.rows == 0)
  }

  @Test func invalidParametersAreRefused() {
    let changes: [(inout BuiltinTextEncoder.Parameters) -> Void] = [
      { $0.dimensions = 0 }, { $0.dimensions = 5000 }, { $0.sketchDimensions = 130 }, { $0.titleWeight = -1 },
      { $0.maximumWords = 0 }, { $0.sampleLimit = 0 }, { $0.wordWeight = .nan },
      { ($0.wordWeight, $0.wordPairWeight, $0.characterWeight) = (0, 0, 0) },
    ]
    for change in changes {
      var parameters = BuiltinTextEncoder.Parameters()
      change(&parameters)
      let error = #expect(throws: EncoderError.self) { try BuiltinTextEncoder.Fitting(parameters: parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }
}

@Suite struct TextEncoderPersistenceTests {
  @Test func aWrittenEncoderReadsBackTheSame() throws {
    let items = topicItems(100)
    var parameters = smallParameters()
    parameters.template = try TextTemplate("{title}. {text}")
    parameters.wordPairWeight = 0.1
    let encoder = try BuiltinTextEncoder.fit([items], parameters: parameters)
    try withTemporaryDirectory { folder in
      try encoder.write(to: folder + "/encoder.safetensors")
      let read = try BuiltinTextEncoder(contentsOf: folder + "/encoder.safetensors")
      #expect(read.parameters == parameters && read.fingerprint == encoder.fingerprint)
      #expect(read.encode(items) == encoder.encode(items))
    }
  }

  @Test func fingerprintsTellTemplatesApart() throws {
    let items = topicItems(20)
    var parameters = smallParameters()
    let plain = try BuiltinTextEncoder.fit([items], parameters: parameters)
    parameters.template = try TextTemplate("{text}")
    #expect(plain.fingerprint != (try BuiltinTextEncoder.fit([items], parameters: parameters)).fingerprint)
    #expect(plain.fingerprint.count == 64)
  }

  @Test func damagedEncodersAreRefused() throws {
    let encoder = try BuiltinTextEncoder.fit([topicItems(20)], parameters: smallParameters())
    try withTemporaryDirectory { folder in
      let path = folder + "/encoder.safetensors"
      try encoder.write(to: path)
      let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      for position in [0, 9, 40, 200, original.count / 2, original.count - 1] {
        var bytes = original
        bytes[position] ^= 0x55
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: EncoderError.self) { try BuiltinTextEncoder(contentsOf: path) }
        #expect(error?.code == .unreadableEncoder)
      }
      let missing = #expect(throws: EncoderError.self) { try BuiltinTextEncoder(contentsOf: folder + "/none") }
      #expect(missing?.code == .unreadableEncoder)
    }
  }
}

@Suite struct TextWeightingTests {
  @Test func inverseDocumentFrequencyFollowsItsFormula() {
    // math.sqrt(math.log(1 + (n - f + .5) / (f + .5))) for n = 1000; f above n counts as n.
    let idf = InverseDocumentFrequency(frequencies: [0, 1, 10, 500, 1000, 5000], items: 1000)
    expectClose(
      idf.weights, [2.757_154_7, 2.550_154_8, 2.134_802, 0.832_554_6, 0.022_352_3, 0.022_352_3], tolerance: 1e-5)
  }

  @Test func anUntouchedBucketHasTheHighestWeight() throws {
    let encoder = try BuiltinTextEncoder.fit([topicItems(50)], parameters: smallParameters())
    let weights = encoder.frequencies.weights
    #expect(weights.count == InverseDocumentFrequency.bucketCount)
    let highest = Float(Foundation.log(102.0).squareRoot())
    #expect(weights.max() == highest)
    #expect(weights.min()! > 0 && weights.count { $0 < highest } > 100)
  }

  @Test func principalDirectionsAreThoseOfTheFullDecomposition() {
    var random = RandomSource(seed: 1)
    var rows = Matrix(rows: 300, columns: 160)
    for row in 0..<300 {
      for column in 0..<160 { rows[row, column] = random.nextNormal() * (column < 8 ? Float(12 - column) : 0.3) }
    }
    var moments = SecondMoments(columns: 160)
    moments.add(rows)
    let exact = SymmetricEigen(of: moments.momentsAboutZero)
    let found = principalDirections(of: moments.momentsAboutZero, count: 8, using: &random)
    let alignment = matrixProduct(found, exact.vectors.rows(0..<8), transposingRight: true)
    expectClose((0..<8).map { abs(alignment[$0, $0]) }, Array(repeating: 1, count: 8), tolerance: 1e-3)
  }

  @Test func directionsOfALowRankMatrixAreStillOrthonormal() {
    var random = RandomSource(seed: 2)
    var matrix = Matrix(rows: 200, columns: 200)
    matrix[3, 3] = 5
    let found = principalDirections(of: matrix, count: 20, using: &random)
    let products = matrixProduct(found, found, transposingRight: true)
    var identity = Matrix(rows: 20, columns: 20)
    for index in 0..<20 { identity[index, index] = 1 }
    expectClose(products.elements, identity.elements, tolerance: 1e-3)
    #expect(abs(found[0, 3]) > 0.999)
  }
}
