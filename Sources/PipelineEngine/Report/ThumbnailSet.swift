internal import Foundation
internal import ItemCatalog
internal import Synchronization
internal import TensorMath

/// Small pictures for a report, as data URIs. Their number and their bytes are bounded; a picture that cannot be
/// read is left out, and the page shows a tile instead.
struct ThumbnailSet: Sendable {
  /// Pixels a side; pages show the pictures a little smaller, so that they stay sharp on dense screens.
  static let side = 96
  static let mostPictures = 200
  /// Characters of all data URIs together.
  static let mostCharacters = 2_000_000
  private static let quality = 72

  private let uris: [String]
  private let numbers: [String: Int]

  /// Reads pictures in parallel: a millisecond or two each, less for JPEGs, which are decoded at reduced scale.
  ///
  /// - Parameter paths: absolute paths, the most wanted first; a path may repeat.
  init(paths: [String]) {
    var seen: Set<String> = []
    let wanted = paths.filter { seen.insert($0).inserted }.prefix(Self.mostPictures).map { $0 }
    let decoded = Mutex<[Int: String]>([:])
    Parallelism.forEachChunk(of: wanted.count, size: 4) { chunk in
      for index in chunk {
        guard let uri = Self.uri(ofImageAt: wanted[index]) else { continue }
        decoded.withLock { $0[index] = uri }
      }
    }
    let found = decoded.withLock { $0 }
    var uris: [String] = []
    var numbers: [String: Int] = [:]
    var characters = 0
    for (index, path) in wanted.enumerated() {
      guard let uri = found[index], characters + uri.utf8.count <= Self.mostCharacters else { continue }
      characters += uri.utf8.count
      numbers[path] = uris.count
      uris.append(uri)
    }
    self.uris = uris
    self.numbers = numbers
  }

  /// The number of a path's picture, nil where there is none.
  func number(of path: String?) -> Int? { path.flatMap { numbers[$0] } }

  /// The pictures as CSS variables `--p0`, `--p1` and so on.
  var styleSheet: String {
    ":root{" + uris.enumerated().map { "--p\($0):url(\($1));" }.joined() + "}"
  }

  private static func uri(ofImageAt path: String) -> String? {
    guard let image = try? ImageDecoder.decode(path: path, targetSide: side), image.width > 0, image.height > 0 else {
      return nil
    }
    let bytes = ImageEncoder.jpeg(image.filled(side: side), quality: quality)
    return "data:image/jpeg;base64," + Data(bytes).base64EncodedString()
  }
}
