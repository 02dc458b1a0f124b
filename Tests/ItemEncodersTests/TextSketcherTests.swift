import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

private let texts = ["The red lamp, the lamp", "A blue lamp", "red sofa a"]

/// What `tools/fixtures/text_sketch.py` prints: distinct features, and the sketch.
private let reference: [(features: Int, sketch: [Float])] = [
  (
    28,
    [
      0.46400, 0.30538, 0.02106, -0.17645, -0.10213, 0.02106, -0.15539, -0.26975,
      -0.10394, 0.26975, 0.39045, 0.07355, -0.16970, 0.35940, 0.07355, -0.02287,
      0.00000, -0.19217, -0.12577, -0.02287, 0.05145, 0.04393, 0.19724, 0.00961,
      -0.34931, 0.05249, -0.10289, 0.07432, 0.04393, 0.07432, -0.21830, -0.18960,
    ]
  ),
  (
    23,
    [
      0.46555, -0.02109, -0.19786, -0.11595, -0.04743, -0.08961, -0.06852, 0.00000,
      0.11595, -0.35729, -0.06083, -0.04743, -0.22421, 0.32150, -0.04743, -0.02109,
      -0.34259, -0.50772, -0.18447, 0.04743, 0.04743, 0.00000, -0.20312, 0.00000,
      -0.04743, -0.09486, 0.26243, 0.17881, -0.17678, -0.06852, -0.30816, 0.04743,
    ]
  ),
  (
    20,
    [
      0.00000, 0.44643, 0.12656, 0.00000, -0.35729, -0.05022, -0.12277, 0.17478,
      -0.15445, -0.35156, 0.14509, 0.00000, -0.02233, 0.60462, 0.07255, -0.07255,
      0.35729, -0.05022, 0.00000, 0.17678, 0.00000, -0.15445, -0.19711, -0.44264,
      -0.14689, 0.05022, 0.17678, 0.17478, -0.05022, 0.07255, 0.14509, -0.46152,
    ]
  ),
]

private func items(_ texts: [String]) -> [Item] { texts.enumerated().map { Item(id: "\($0)", text: $1) } }

private func parameters(_ sketchDimensions: Int) -> BuiltinTextEncoder.Parameters {
  var parameters = BuiltinTextEncoder.Parameters()
  parameters.sketchDimensions = sketchDimensions
  parameters.dimensions = 4
  return parameters
}

/// The sketches of some texts by an encoder that was fitted on them, and how many features each has.
private func sketches(_ texts: [String], dimensions: Int) throws -> (rows: Matrix, features: [Int]) {
  let parameters = parameters(dimensions)
  let encoder = try BuiltinTextEncoder.fit([items(texts)], parameters: parameters)
  var sketcher = TextSketcher(parameters: parameters, frequencies: encoder.frequencies)
  var extractor = TextFeatureExtractor(parameters: parameters)
  var rows = Matrix(rows: texts.count, columns: dimensions)
  var features: [Int] = []
  for (row, item) in items(texts).enumerated() {
    #expect(sketcher.sketch(item, into: &rows, row: row))
    _ = extractor.extract(item)
    features.append(extractor.counter.features.count)
  }
  return (rows, features)
}

private func product(_ x: Matrix, _ a: Int, _ b: Int) -> Float {
  zip(x.row(a), x.row(b)).reduce(0) { $0 + $1.0 * $1.1 }
}

@Suite struct TextSketcherTests {
  @Test func sketchesAreThoseOfTheDefinition() throws {
    let (rows, features) = try sketches(texts, dimensions: 32)
    #expect(features == reference.map(\.features))
    for (row, expected) in reference.enumerated() { expectClose(rows.row(row), expected.sketch, tolerance: 1e-4) }
  }

  @Test func wideSketchesKeepInnerProducts() throws {
    // A width at which hardly two features meet stands for the exact weights.
    let exact = try sketches(texts, dimensions: 8192).rows
    let narrow = try sketches(texts, dimensions: 1024).rows
    for a in texts.indices {
      // The families' squared weights: 1, ¼ and ¼.
      #expect(abs(product(exact, a, a) - 1.5) < 0.05)
      for b in texts.indices { #expect(abs(product(exact, a, b) - product(narrow, a, b)) < 0.2) }
    }
    #expect(product(exact, 0, 1) > 0.05 && product(exact, 0, 2) > 0.05)
  }

  @Test func anItemWithoutWordsLeavesItsRowAlone() {
    let frequencies = InverseDocumentFrequency(
      frequencies: ContiguousArray(repeating: 0, count: InverseDocumentFrequency.bucketCount), items: 0)
    var sketcher = TextSketcher(parameters: parameters(64), frequencies: frequencies)
    var rows = Matrix(rows: 2, columns: 64)
    let drawn = [Item(id: "1", text: "?!"), Item(id: "2", text: "lamp")].enumerated().map {
      sketcher.sketch($1, into: &rows, row: $0)
    }
    #expect(drawn == [false, true])
    #expect(rows.row(0).allSatisfy { $0 == 0 } && rows.row(1).contains { $0 != 0 })
  }

  @Test func theSeedMovesFeaturesElsewhere() throws {
    var parameters = parameters(64)
    let encoder = try BuiltinTextEncoder.fit([items(texts)], parameters: parameters)
    var rows = Matrix(rows: 2, columns: 64)
    for seed in 1...2 {
      parameters.seed = UInt64(seed)
      var sketcher = TextSketcher(parameters: parameters, frequencies: encoder.frequencies)
      #expect(sketcher.sketch(items(texts)[0], into: &rows, row: seed - 1))
    }
    #expect(!rows.row(0).elementsEqual(rows.row(1)))
  }

  @Test func aFamilyWithoutWeightLeavesNoTrace() throws {
    var parameters = parameters(256)
    (parameters.wordPairWeight, parameters.characterWeight) = (0, 0)
    let encoder = try BuiltinTextEncoder.fit([items(texts)], parameters: parameters)
    var sketcher = TextSketcher(parameters: parameters, frequencies: encoder.frequencies)
    var rows = Matrix(rows: 2, columns: 256)
    // The same words in another order have other pairs, and the same sketch.
    #expect(sketcher.sketch(Item(id: "1", text: "red lamp sofa"), into: &rows, row: 0))
    #expect(sketcher.sketch(Item(id: "2", text: "sofa lamp red"), into: &rows, row: 1))
    expectClose(rows.row(0), rows.row(1), tolerance: 1e-6)
  }
}

@Suite struct LinearReductionTests {
  private func correlated(_ rows: Int, seed: UInt64) -> Matrix {
    var random = RandomSource(seed: seed)
    var x = Matrix(rows: rows, columns: 12)
    for row in 0..<rows {
      let shared = 3 * random.nextNormal()
      for column in 0..<12 { x[row, column] = random.nextNormal() * 0.2 + (column < 4 ? shared : 0) + Float(column) }
    }
    return x
  }

  @Test func itKeepsTheDirectionOfMostVarianceAndTakesOffTheMean() {
    let x = correlated(500, seed: 1)
    var moments = SecondMoments(columns: 12)
    moments.add(x)
    let reduction = LinearReduction(principalDirectionsOf: moments, dimensions: 3, seed: 1)
    expectClose(
      reduction.mean, (0..<12).map { column in (0..<500).reduce(0) { $0 + x[$1, column] } / 500 }, tolerance: 1e-3)
    let first = (0..<12).map { abs(reduction.projection[$0, 0]) }
    expectClose(first, [0.5, 0.5, 0.5, 0.5] + Array(repeating: 0, count: 8), tolerance: 0.02)
    let y = reduction(x)
    for column in 0..<3 { #expect(abs((0..<500).reduce(Float(0)) { $0 + y[$1, column] } / 500) < 1e-3) }
  }

  @Test func distancesBetweenRowsSurviveAtFullWidth() {
    let x = correlated(40, seed: 2)
    var moments = SecondMoments(columns: 12)
    moments.add(x)
    let y = LinearReduction(principalDirectionsOf: moments, dimensions: 12, seed: 1)(x)
    for row in 1..<40 {
      let before = zip(x.row(0), x.row(row)).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let after = zip(y.row(0), y.row(row)).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      #expect(abs(before - after) < 1e-3 * max(1, before))
    }
  }
}

@Suite struct SecondMomentsTests {
  @Test func sumsAndProductsAreThoseOfTheDefinition() {
    var random = RandomSource(seed: 3)
    let elements = ContiguousArray((0..<2500 * 5).map { _ in random.nextNormal() + 0.5 })
    let x = Matrix(rows: 2500, columns: 5, elements: elements)
    var whole = SecondMoments(columns: 5), pieces = SecondMoments(columns: 5)
    whole.add(x)
    for start in stride(from: 0, to: 2500, by: 700) { pieces.add(x.rows(start..<min(2500, start + 700))) }
    #expect(whole.count == 2500 && pieces.count == 2500)
    for i in 0..<5 {
      let mean = (0..<2500).reduce(0.0) { $0 + Double(x[$1, i]) } / 2500
      #expect(abs(whole.means[i] - mean) < 1e-6 && abs(pieces.means[i] - mean) < 1e-6)
      for j in 0..<5 {
        let moment = (0..<2500).reduce(0.0) { $0 + Double(x[$1, i]) * Double(x[$1, j]) } / 2500
        #expect(abs(Double(whole.momentsAboutZero[i, j]) - moment) < 1e-5)
        #expect(abs(pieces.products[i * 5 + j] - whole.products[i * 5 + j]) < 0.01)
      }
    }
  }

  @Test func nothingAddedMeansZeros() {
    let moments = SecondMoments(columns: 3)
    #expect(moments.means == [0, 0, 0] && moments.momentsAboutZero.elements.allSatisfy { $0 == 0 })
  }
}
