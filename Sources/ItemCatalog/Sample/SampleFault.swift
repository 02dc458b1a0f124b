/// Bad records and pictures on purpose: one of each kind in turn.
struct SampleFault {
  let number: Int
  /// A valid picture's bytes, to damage.
  let picture: [UInt8]

  private static let kinds = 11

  /// The record's line, newline included, and the file that it points to, if there is one.
  func make() -> (line: [UInt8], image: (name: String, bytes: [UInt8])?) {
    let name = "fault-\(number)"
    switch number % Self.kinds {
    case 0: return (record("item-0000000", title: "An id that is taken"), nil)
    case 1: return withImage(name, Array(picture.prefix(picture.count / 2)), "A picture cut in half")
    case 2: return (record(name, title: ""), nil)
    case 3: return (record(name, title: "A picture outside the folder", image: "../../outside.jpg"), nil)
    case 4: return (Array("{\"id\": \"\(name)\", \"title\": \"A record cut\n".utf8), nil)
    case 5: return (record(name, title: "A picture that is not there", image: "images/\(name)-absent.jpg"), nil)
    case 6: return withImage(name, hugePNG, "A picture that claims 20,000 × 20,000 pixels")
    case 7: return (record(String(repeating: "x", count: 300), title: "An id too long"), nil)
    case 8: return withImage(name, Array("<!DOCTYPE html><title>Not found</title>".utf8), "A web page for a picture")
    case 9: return (record(name, title: "Broken text ").dropLast(40) + [0xC3, 0x28] + Array("\"}\n".utf8), nil)
    default: return (record("", title: "No id"), nil)
    }
  }

  private func record(_ id: String, title: String, image: String? = nil) -> [UInt8] {
    let path = image.map { "\"\($0)\"" } ?? "null"
    return Array(
      "{\"id\": \"\(id)\", \"title\": \"\(title)\", \"text\": \"\", \"image\": \(path), \"attributes\": {}}\n".utf8)
  }

  private func withImage(
    _ name: String, _ bytes: [UInt8], _ title: String
  ) -> (line: [UInt8], image: (name: String, bytes: [UInt8])?) {
    (record(name, title: title, image: "images/\(name).jpg"), ("\(name).jpg", bytes))
  }

  /// A signature and a valid header chunk of an RGBA picture.
  private var hugePNG: [UInt8] {
    let side: [UInt8] = [0, 0, 0x4E, 0x20]
    return pngMagic + [0, 0, 0, 13] + Array("IHDR".utf8) + side + side + [8, 6, 0, 0, 0, 0x44, 0xA4, 0x8A, 0xC6]
  }
}
