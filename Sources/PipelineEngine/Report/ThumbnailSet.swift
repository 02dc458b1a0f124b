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

  /// Reads pictures in parallel: a millisecond or two each, less for JPEGs, which are decoded at reduced scale, and
  /// next to nothing for those that the last report had.
  ///
  /// - Parameters:
  ///   - paths: absolute paths, the most wanted first; a path may repeat.
  ///   - cache: The file with the last report's pictures, which these replace.
  init(paths: [String], cache: String? = nil) {
    var seen: Set<String> = []
    let wanted = paths.filter { seen.insert($0).inserted }.prefix(Self.mostPictures).map { $0 }
    let known = cache.map { PictureCache(contentsOf: $0) } ?? PictureCache()
    let drawn = Mutex<(uris: [Int: String], pictures: PictureCache)>(([:], PictureCache()))
    Parallelism.forEachChunk(of: wanted.count, size: 4) { chunk in
      for index in chunk {
        guard let key = PictureCache.key(of: wanted[index], settings: [Self.side, Self.quality]),
          let picture = known.pictures[key] ?? Self.picture(ofImageAt: wanted[index])
        else { continue }
        let uri = "data:image/jpeg;base64," + Data(picture).base64EncodedString()
        drawn.withLock {
          $0.uris[index] = uri
          $0.pictures.pictures[key] = picture
        }
      }
    }
    let (found, pictures) = drawn.withLock { ($0.uris, $0.pictures) }
    if let cache, pictures != known { try? pictures.write(to: cache) }
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

  private static func picture(ofImageAt path: String) -> [UInt8]? {
    guard let image = try? ImageDecoder.decode(path: path, targetSide: side), image.width > 0, image.height > 0 else {
      return nil
    }
    return ImageEncoder.jpeg(image.filled(side: side), quality: quality)
  }
}
