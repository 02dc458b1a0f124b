public import ItemCatalog
internal import Synchronization
internal import TensorMath

extension BuiltinTextEncoder {
  /// Fits an encoder to a catalogue that is handed over in batches.
  ///
  /// The batches are gone through once, and memory does not grow with their number.
  public static func fit(
    _ batches: some Sequence<[Item]>, parameters: Parameters = Parameters()
  ) throws(EncoderError) -> BuiltinTextEncoder {
    var fitting = try Fitting(parameters: parameters)
    for batch in batches { fitting.add(batch) }
    return fitting.finish()
  }

  /// A fit in progress: add every item once, in batches of any size, then finish.
  ///
  /// The result depends on the items and their order, not on how they were cut into batches.
  public struct Fitting {
    private let parameters: Parameters
    private var frequencies = ContiguousArray<UInt32>(repeating: 0, count: InverseDocumentFrequency.bucketCount)
    private var itemsWithText = 0
    private var seen = 0
    private var sample: [Item] = []
    private var random: RandomSource

    public init(parameters: Parameters = Parameters()) throws(EncoderError) {
      try parameters.validate()
      self.parameters = parameters
      random = RandomSource(seed: parameters.seed)
    }

    /// Counts the features of a batch on all threads.
    public mutating func add(_ items: [Item]) {
      let parameters = parameters
      let total = Mutex((frequencies: frequencies, items: 0))
      Parallelism.forEachChunk(of: items.count, size: 4096) { chunk in
        var extractor = TextFeatureExtractor(parameters: parameters)
        var counted = ContiguousArray<UInt32>(repeating: 0, count: InverseDocumentFrequency.bucketCount)
        var itemsWithText = 0
        for item in items[chunk] where extractor.extract(item) {
          itemsWithText += 1
          for feature in extractor.counter.features { counted[InverseDocumentFrequency.bucket(of: feature)] &+= 1 }
        }
        total.withLock { total in
          for index in counted.indices { total.frequencies[index] &+= counted[index] }
          total.items += itemsWithText
        }
      }
      total.withLock { total in
        frequencies = total.frequencies
        itemsWithText += total.items
      }
      for item in items { addToSample(item) }
    }

    /// Reservoir sampling: Vitter's algorithm R (1985).
    private mutating func addToSample(_ item: Item) {
      seen += 1
      if sample.count < parameters.sampleLimit {
        sample.append(item)
      } else {
        let position = Int.random(in: 0..<seen, using: &random)
        if position < sample.count { sample[position] = item }
      }
    }

    /// Learns the linear map and returns the encoder.
    /// - Complexity: O(sample · sketchDimensions²).
    public func finish() -> BuiltinTextEncoder {
      let frequencies = InverseDocumentFrequency(frequencies: frequencies, items: itemsWithText)
      var moments = SecondMoments(columns: parameters.sketchDimensions)
      for start in stride(from: 0, to: sample.count, by: 4096) {
        moments.add(sketches(of: Array(sample[start..<min(sample.count, start + 4096)]), frequencies))
      }
      let reduction = LinearReduction(
        principalDirectionsOf: moments, dimensions: parameters.dimensions, seed: parameters.seed)
      return BuiltinTextEncoder(parameters: parameters, frequencies: frequencies, reduction: reduction)
    }

    /// The sketches of those items that have text, in order.
    private func sketches(of items: [Item], _ frequencies: InverseDocumentFrequency) -> Matrix {
      let parameters = parameters
      let width = parameters.sketchDimensions
      let chunks = Mutex([Int: ContiguousArray<Float>]())
      Parallelism.forEachChunk(of: items.count, size: chunkSize) { chunk in
        var sketcher = TextSketcher(parameters: parameters, frequencies: frequencies)
        var rows = Matrix(rows: chunk.count, columns: width)
        var present: [Int] = []
        for (row, item) in items[chunk].enumerated() where sketcher.sketch(item, into: &rows, row: row) {
          present.append(row)
        }
        let kept = rows.selectingRows(present).elements
        chunks.withLock { $0[chunk.lowerBound] = kept }
      }
      let elements = chunks.withLock { chunks in
        ContiguousArray(chunks.sorted { $0.key < $1.key }.lazy.flatMap(\.value))
      }
      return Matrix(rows: elements.count / width, columns: width, elements: elements)
    }
  }
}

extension BuiltinTextEncoder.Parameters {
  func validate() throws(EncoderError) {
    func check(_ condition: Bool, _ expectation: String) throws(EncoderError) {
      guard condition else { throw EncoderError(.invalidParameter, "built-in text encoder: \(expectation)") }
    }
    try check(
      sketchDimensions % 4 == 0 && (4...8192).contains(sketchDimensions),
      "sketchDimensions is \(sketchDimensions), expected a multiple of 4 up to 8192")
    try check(
      (1...sketchDimensions).contains(dimensions),
      "dimensions is \(dimensions), expected 1 to sketchDimensions (\(sketchDimensions))")
    try check((0...100).contains(titleWeight), "titleWeight is \(titleWeight), expected 0 to 100")
    try check((1...1_000_000).contains(maximumWords), "maximumWords is \(maximumWords), expected 1 to 1,000,000")
    try check(sampleLimit > 0, "sampleLimit is \(sampleLimit), expected at least 1")
    let weights = [wordWeight, wordPairWeight, characterWeight]
    try check(
      weights.allSatisfy { $0 >= 0 && $0.isFinite } && weights.contains { $0 > 0 },
      "the family weights are \(weights), expected none negative and one above zero")
  }
}
