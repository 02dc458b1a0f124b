internal import Foundation
internal import ItemCatalog
package import TensorMath

/// The product's side of `peers/encode_text.py` and `peers/encode_image.py`: the same inputs, one timed pass after a
/// small one that brings weights and code into memory.
package enum EncoderBenchmark {
  /// Figures under the peers' JSON keys.
  package struct Result: Sendable, Encodable {
    package var product: String
    package var precision: String
    package var items: Int
    /// Of texts.
    package var tokens: Int?
    package var seconds: Double
    package var itemsPerSecond: Double
    package var tokensPerSecond: Int?
    /// Products of the model's layers per second, of texts; attention's own left out.
    package var gigaflopsPerSecond: Double?

    enum CodingKeys: String, CodingKey {
      case product, precision, items, tokens, seconds
      case itemsPerSecond = "items_per_s"
      case tokensPerSecond = "tokens_per_s"
      case gigaflopsPerSecond = "gflop_per_s"
    }
  }

  /// Items that go through an encoder at once, as in a night.
  private static let block = 1024

  package static func text(
    folder: String, items path: String, limit: Int, precision: WeightPrecision
  ) throws -> (result: Result, vectors: Matrix) {
    let encoder = try PretrainedTextEncoder(folder: folder, precision: precision)
    let items = try texts(path, limit: limit)
    var (result, vectors) = try run(encoder, items, warmUp: 8, precision)
    let tokens = encoder.tokenCount(of: items)
    result.tokens = tokens
    result.tokensPerSecond = Int(Double(tokens) / result.seconds)
    result.gigaflopsPerSecond = 2e-9 * Double(encoder.weightCount) * Double(tokens) / result.seconds
    return (result, vectors)
  }

  /// - Parameter folder: its `.jpg` and `.png` files, by name, `limit` of them.
  package static func images(
    folder: String, images: String, limit: Int, precision: WeightPrecision
  ) throws -> (result: Result, vectors: Matrix) {
    let encoder = try PretrainedImageEncoder(folder: folder, precision: precision)
    let names = try FileManager.default.contentsOfDirectory(atPath: images)
      .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }.sorted().prefix(limit)
    let items = names.map { Item(id: $0, image: $0, imagePath: images + "/" + $0) }
    return try run(encoder, items, warmUp: 16, precision)
  }

  private static func run(
    _ encoder: some ItemEncoder, _ items: [Item], warmUp: Int, _ precision: WeightPrecision
  ) throws -> (result: Result, vectors: Matrix) {
    _ = try encoder.encode(Array(items.prefix(warmUp)))
    var vectors: ContiguousArray<Float> = []
    let start = ContinuousClock.now
    for first in stride(from: 0, to: items.count, by: block) {
      vectors += try encoder.encode(Array(items[first..<min(items.count, first + block)])).vectors.elements
    }
    let elapsed = start.duration(to: .now)
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let result = Result(
      product: "tessera", precision: PackedMatrix.effective(precision).rawValue, items: items.count, seconds: seconds,
      itemsPerSecond: Double(items.count) / seconds)
    return (result, Matrix(rows: items.count, columns: encoder.dimensions, elements: vectors))
  }

  /// The `text` of the first lines of a JSON Lines file.
  private static func texts(_ path: String, limit: Int) throws -> [Item] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").prefix(limit)
    return try lines.enumerated().map { index, line in
      guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
        throw EncoderError(.invalidParameter, "\(path), line \(index + 1): a JSON object is expected")
      }
      return Item(id: "\(index)", text: object["text"] as? String ?? "")
    }
  }
}
