internal import ItemCatalog
internal import Synchronization
internal import TensorMath

/// Why an item's image gave no vector.
struct ImageProblem: Error {
  let reason: String
}

extension Item {
  /// What `load` makes of the item's image, or why it could not; nil for an item without an image.
  func withImage<Loaded>(_ load: (String) throws(ImageError) -> Loaded) -> Result<Loaded, ImageProblem>? {
    guard let path = imagePath else {
      return image.map { .failure(ImageProblem(reason: "image \($0) is missing or unusable")) }
    }
    do throws(ImageError) {
      return .success(try load(path))
    } catch {
      return .failure(ImageProblem(reason: "\(image ?? path): \(error.message)"))
    }
  }
}

extension EncodedBatch {
  /// The vectors of `count` items' images, `chunkSize` at a time on all threads.
  /// - Parameter encode: the outcomes of a chunk's items that have an image, in any order.
  init<Features: Collection<Float> & Sendable>(
    ofImages count: Int, dimensions: Int, chunkSize: Int,
    encode: @Sendable (Range<Int>) -> [(index: Int, outcome: Result<Features, ImageProblem>)]
  ) {
    let outcomes = Mutex([(index: Int, outcome: Result<Features, ImageProblem>)]())
    Parallelism.forEachChunk(of: count, size: chunkSize) { chunk in
      let encoded = encode(chunk)
      outcomes.withLock { $0 += encoded }
    }
    self.init(vectors: Matrix(rows: count, columns: dimensions), isPresent: Array(repeating: false, count: count))
    for (index, outcome) in outcomes.withLock({ $0 }).sorted(by: { $0.index < $1.index }) {
      switch outcome {
      case .success(let features):
        isPresent[index] = true
        vectors.elements.replaceSubrange(index * dimensions..<(index + 1) * dimensions, with: features)
      case .failure(let problem): failures.append(EncodingFailure(index: index, reason: problem.reason))
      }
    }
  }
}
