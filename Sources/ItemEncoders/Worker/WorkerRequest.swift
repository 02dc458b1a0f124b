internal import Foundation
package import ItemCatalog

/// One line of a worker's input: `{"id":…,"title":…,"text":…,"image":…}`.
package enum WorkerRequest {
  /// The line for an item, with its line break.
  /// - Parameter text: the string that a text encoder is to see.
  package static func line(for item: Item, text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 + item.id.utf8.count + item.title.utf8.count + text.utf8.count)
    bytes += "{\"id\":".utf8
    append(item.id, to: &bytes)
    bytes += ",\"title\":".utf8
    append(item.title, to: &bytes)
    bytes += ",\"text\":".utf8
    append(text, to: &bytes)
    bytes += ",\"image\":".utf8
    if let path = item.imagePath { append(path, to: &bytes) } else { bytes += "null".utf8 }
    bytes += "}\n".utf8
    return bytes
  }

  /// Appends a string as JSON.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x0A: bytes += "\\n".utf8
      case 0x00..<0x20: bytes += "\\u00\(byte < 16 ? "0" : "1")\(String(byte & 15, radix: 16))".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The item that a line, without its line break, describes. Only `id` must be there; `attributes` may be, for
  /// templates that name them; other keys are ignored.
  package static func item(from line: [UInt8]) throws(EncoderError) -> Item {
    let record: Record
    do {
      record = try JSONDecoder().decode(Record.self, from: Data(line))
    } catch {
      throw EncoderError(.workerProtocol, "\(reason(error)) in \"\(printable(line.prefix(120)))\"")
    }
    return Item(
      id: record.id, title: record.title ?? "", text: record.text ?? "", image: record.image,
      imagePath: record.image, attributes: (record.attributes ?? [:]).compactMapValues(\.value))
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "no \"\(key.stringValue)\""
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      context.codingPath.last.map { "a wrong type of \"\(printable($0.stringValue.utf8.prefix(40)))\"" }
        ?? "no JSON object"
    default: "no JSON object"
    }
  }

  private struct Record: Decodable {
    var id: String
    var title: String?
    var text: String?
    var image: String?
    var attributes: [String: Attribute]?
  }

  /// A flat value; nested ones and nulls are nothing that a template could show.
  private struct Attribute: Decodable {
    let value: AttributeValue?

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        value = .boolean(flag)
      } else if let number = try? container.decode(Double.self) {
        value = .number(number)
      } else {
        value = (try? container.decode(String.self)).map { .string($0) }
      }
    }
  }
}
