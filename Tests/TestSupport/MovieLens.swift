import Foundation
public import ItemCatalog

/// The movies of the MovieLens set, with their genres as labels and without them in the text.
public struct MovieLens {
  /// Items whose text has no "Genres: …" sentence, so that encoders cannot read the labels.
  public private(set) var items: [Item] = []
  /// The same items with that sentence.
  public private(set) var itemsWithGenres: [Item] = []
  /// One bit per genre.
  public private(set) var genres: [UInt64] = []

  /// Where the set is, or nil.
  public static let folder = realData("movielens")

  public init(folder: String) throws {
    var bits: [Substring: UInt64] = [:]
    let contents = try String(contentsOfFile: folder + "/items.jsonl", encoding: .utf8)
    for line in contents.split(separator: "\n") {
      let record = try JSONDecoder().decode(Record.self, from: Data(line.utf8))
      let image = record.image.map { folder + "/" + $0 }
      let item = Item(id: record.id, title: record.title, text: record.text, image: record.image, imagePath: image)
      var blind = item
      var labels: UInt64 = 0
      if let begin = record.text.range(of: "Genres: "),
        let end = record.text.range(of: ".", range: begin.upperBound..<record.text.endIndex)
      {
        for genre in record.text[begin.upperBound..<end.lowerBound].split(separator: ", ") {
          let bit = bits[genre] ?? 1 << UInt64(bits.count)
          bits[genre] = bit
          labels |= bit
        }
        blind.text.removeSubrange(begin.lowerBound..<end.upperBound)
      }
      items.append(blind)
      itemsWithGenres.append(item)
      genres.append(labels)
    }
  }

  private struct Record: Decodable {
    let id, title, text: String
    let image: String?
  }
}
