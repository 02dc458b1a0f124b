internal import RealModule
package import TensorMath

/// Some examples as a network reads them: each distinct item once, histories packed one behind the other.
package struct RankerBatch {
  /// Distinct items of the batch.
  package private(set) var items: ContiguousArray<UInt32> = []
  /// Of each example, its item's place in `items`.
  package private(set) var targets: ContiguousArray<Int32> = []
  /// Of each packed item of a history, its place in `items`.
  package private(set) var histories: ContiguousArray<Int32> = []
  /// Of each packed item of a history, its example.
  package private(set) var owners: ContiguousArray<Int32> = []
  package private(set) var users: ContiguousArray<Int32> = []
  package private(set) var labels: ContiguousArray<Float> = []
  /// `examples × numberCount`: the logarithm of the history's length, and hits of codes.
  package let numbers: Matrix

  /// Examples per parallel task of counting hits.
  private static let chunkSize = 64

  package init(
    _ examples: RankingExamples, _ selection: some RandomAccessCollection<Int>, _ configuration: RankerConfiguration,
    _ features: RankerItems
  ) {
    let selection = Array(selection)
    var places: [UInt32: Int32] = [:]
    func place(_ item: UInt32, _ items: inout ContiguousArray<UInt32>) -> Int32 {
      if let place = places[item] { return place }
      places[item] = Int32(items.count)
      items.append(item)
      return Int32(items.count - 1)
    }
    for (row, example) in selection.enumerated() {
      targets.append(place(examples.items[example], &items))
      users.append(examples.users[example])
      labels.append(examples.labels[example])
      for item in examples.history(of: example).suffix(configuration.historyLength) {
        histories.append(place(item, &items))
        owners.append(Int32(row))
      }
    }
    let parts = Parallelism.mapChunks(of: selection.count, size: Self.chunkSize) { range in
      Self.numbers(examples, selection[range], configuration, features)
    }
    numbers = Matrix(
      rows: selection.count, columns: configuration.numberCount(features), elements: ContiguousArray(parts.joined()))
  }

  package var count: Int { targets.count }

  private static func numbers(
    _ examples: RankingExamples, _ selection: ArraySlice<Int>, _ configuration: RankerConfiguration,
    _ features: RankerItems
  ) -> [Float] {
    var numbers: [Float] = []
    for example in selection {
      let target = examples.items[example]
      let history = examples.history(of: example).suffix(configuration.hitHistoryLength)
      numbers.append(Float.log(onePlus: Float(examples.historyCount(of: example))))
      if configuration.variant.hasNearest, let nearest = features.nearest {
        CodeHits.appendNearest(of: target, in: history, features, nearest, to: &numbers)
      }
      if configuration.variant.hasTokens, let tokens = features.tokens {
        CodeHits.appendPrefixes(of: target, in: history, tokens, to: &numbers)
      }
    }
    return numbers
  }
}
