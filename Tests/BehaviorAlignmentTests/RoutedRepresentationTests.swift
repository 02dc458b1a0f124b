import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

/// Items of a few topics whose texts two models embed: `split` says which one takes a row. Each model has its own
/// directions for the same topics; every seventh item lacks the image.
private struct RoutedItems {
  static let topics = 5
  let first: Matrix, second: Matrix, image: Matrix
  let isSecond: [Bool]

  init(_ count: Int, seed: UInt64 = 3, split: (Int) -> Bool) {
    var random = RandomSource(seed: seed)
    func normal(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns, elements: ContiguousArray((0..<rows * columns).map { _ in random.nextNormal() }))
    }
    let centers = [normal(Self.topics, 20), normal(Self.topics, 12), normal(Self.topics, 8)]
    var vectors = [normal(count, 20), normal(count, 12), normal(count, 8)]
    for kind in 0..<3 {
      for row in 0..<count {
        for column in 0..<vectors[kind].columns {
          vectors[kind][row, column] = 0.5 * vectors[kind][row, column] + centers[kind][row % Self.topics, column] + 2
        }
      }
    }
    (first, second, image) = (vectors[0], vectors[1], vectors[2])
    isSecond = (0..<count).map(split)
  }

  func text(_ name: String, _ vectors: Matrix, second: Bool, scale: Float = 1, offset: Float = 0) -> ModalityBatch {
    var scaled = vectors
    for index in scaled.elements.indices { scaled.elements[index] = scaled.elements[index] * scale + offset }
    return ModalityBatch(name: name, group: "text", vectors: scaled, isPresent: isSecond.map { $0 == second })
  }

  func batches(secondScale: Float = 1, secondOffset: Float = 0, withImage: Bool = true) -> [ModalityBatch] {
    let texts = [
      text("text.1", first, second: false),
      text("text.2", second, second: true, scale: secondScale, offset: secondOffset),
    ]
    let images = ModalityBatch(
      name: "image", vectors: image, isPresent: isSecond.indices.map { $0 % 7 != 0 })
    return texts + (withImage ? [images] : [])
  }
}

private func fit(_ batches: [ModalityBatch], dimensions: Int = 16) throws -> RepresentationModel {
  var parameters = RepresentationModel.Parameters()
  parameters.dimensions = dimensions
  return try RepresentationModel.fit(batches, parameters: parameters)
}

private func similarities(_ x: Matrix) -> Matrix { matrixProduct(x, x, transposingRight: true) }

/// The share of rows whose nearest other row, among those that `counts`, has the same topic.
private func topicAgreement(_ x: Matrix, _ rows: [Int]) -> Double {
  let similarity = similarities(x)
  let same = rows.count { row in
    let nearest = rows.filter { $0 != row }.max { similarity[row, $0] < similarity[row, $1] }!
    return nearest % RoutedItems.topics == row % RoutedItems.topics
  }
  return Double(same) / Double(rows.count)
}

@Suite struct RoutedRepresentationTests {
  @Test func aRoutesScaleAndOriginAreItsOwnAffair() throws {
    let items = RoutedItems(300) { $0 % 3 == 0 }
    let plain = items.batches(), scaled = items.batches(secondScale: 1000, secondOffset: 70)
    let x = try fit(plain).represent(plain), y = try fit(scaled).represent(scaled)
    expectClose(similarities(x).elements, similarities(y).elements, tolerance: 5e-3)
  }

  @Test func itemsOfTwoModelsShareNoDirectionOfTheirTexts() throws {
    let items = RoutedItems(300) { $0 % 2 == 0 }
    let batches = items.batches(withImage: false)
    let similarity = similarities(try fit(batches, dimensions: 24).represent(batches))
    for row in 0..<300 {
      for other in 0..<300 where items.isSecond[row] != items.isSecond[other] {
        #expect(abs(similarity[row, other]) < 1e-3)
      }
    }
  }

  @Test func imagesBringItemsOfTwoModelsTogether() throws {
    let items = RoutedItems(420) { $0 % 2 == 0 }
    let batches = items.batches()
    let similarity = similarities(try fit(batches).represent(batches))
    var (same, other): ([Float], [Float]) = ([], [])
    for row in 0..<420 where row % 7 != 0 && items.isSecond[row] {
      for column in 0..<420 where column % 7 != 0 && !items.isSecond[column] {
        if row % 5 == column % 5 { same.append(similarity[row, column]) } else { other.append(similarity[row, column]) }
      }
    }
    let means = [same, other].map { $0.reduce(0, +) / Float($0.count) }
    #expect(means[0] > means[1] + 0.1, "\(means)")
  }

  /// One item in fifty has the second model's vectors: they still have directions enough to tell topics apart.
  @Test func aSmallRouteKeepsItsTopicsApart() throws {
    let items = RoutedItems(2000) { $0 % 51 == 0 }
    let batches = items.batches(withImage: false)
    let x = try fit(batches, dimensions: 12).represent(batches)
    let few = items.isSecond.indices.filter { items.isSecond[$0] }
    let many = items.isSecond.indices.filter { !items.isSecond[$0] }.prefix(400)
    #expect(topicAgreement(x, few) > 0.9)
    #expect(topicAgreement(x, Array(many)) > 0.9)
  }

  @Test func anItemWithoutAnImageLiesAmongItsRoutesTopic() throws {
    let items = RoutedItems(420) { $0 % 2 == 0 }
    let batches = items.batches()
    let x = try fit(batches).represent(batches)
    let second = items.isSecond.indices.filter { items.isSecond[$0] }
    #expect(topicAgreement(x, second) > 0.9)
    #expect(second.contains { $0 % 7 == 0 })
  }

  @Test func oneRouteAloneIsTheModalityItself() throws {
    let items = RoutedItems(200) { _ in false }
    let image = items.batches()[2]
    let routed = [items.text("text.1", items.first, second: false), image]
    let plain = [
      ModalityBatch(name: "text", vectors: items.first, isPresent: items.isSecond.map { !$0 }), image,
    ]
    expectClose(
      similarities(try fit(routed).represent(routed)).elements, similarities(try fit(plain).represent(plain)).elements,
      tolerance: 1e-4)
  }

  @Test func aGroupHasTheWeightOfItsModality() throws {
    let items = RoutedItems(300) { $0 % 2 == 0 }
    let batches = items.batches()
    var parameters = RepresentationModel.Parameters()
    parameters.dimensions = 16
    parameters.weights = ["text": 1000, "image": 0.001]
    let heavy = try RepresentationModel.fit(batches, parameters: parameters)
    let textOnly = Array(batches.prefix(2))
    expectClose(
      similarities(heavy.represent(batches)).elements, similarities(heavy.represent(textOnly)).elements,
      tolerance: 1e-2)
  }

  @Test func aRouteWithoutItemsIsNamed() throws {
    let items = RoutedItems(120) { _ in false }
    let batches = items.batches()
    let model = try fit(batches)
    #expect(model.modalities == ["text.1", "text.2", "image"])
    #expect(model.unfittedModalities == ["text.2"])
    let both = RoutedItems(120) { $0 % 2 == 0 }
    #expect(try fit(both.batches()).unfittedModalities.isEmpty)
  }

  @Test func aStoredModelKnowsItsGroups() throws {
    try withTemporaryDirectory { folder in
      let items = RoutedItems(200) { $0 % 4 == 0 }
      let batches = items.batches()
      let model = try fit(batches)
      try model.write(to: folder + "/model.safetensors")
      let read = try RepresentationModel(contentsOf: folder + "/model.safetensors")
      #expect(read.fingerprint == model.fingerprint)
      #expect(read.represent(batches) == model.represent(batches))
      #expect(read.unfittedModalities == model.unfittedModalities)
      // The same matrices without groups are another model.
      let alone = batches.map { ModalityBatch(name: $0.name, vectors: $0.vectors, isPresent: $0.isPresent) }
      #expect(try fit(alone).fingerprint != model.fingerprint)
    }
  }

  @Test func threadsAndBatchesMakeNoDifference() throws {
    let items = RoutedItems(300) { $0 % 3 == 0 }
    let batches = items.batches()
    let model = try fit(batches)
    let whole = model.represent(batches)
    let before = Parallelism.threadCount
    defer { Parallelism.threadCount = before }
    Parallelism.threadCount = 1
    #expect(try fit(batches).fingerprint == model.fingerprint)
    let part = batches.map {
      ModalityBatch(
        name: $0.name, group: $0.group, vectors: $0.vectors.rows(40..<150), isPresent: Array($0.isPresent[40..<150]))
    }
    #expect(model.represent(part) == whole.rows(40..<150))
  }
}
