import Foundation
import ItemCatalog
import TensorMath

/// Writes random item records together with what they mean.
struct RandomRecords {
  var random: RandomSource

  private static let scalars: [Unicode.Scalar] = [
    "a", "b", "z", " ", "\"", "\\", "/", "\u{1}", "\u{1F}", "\u{7F}", "\u{80}", "é", "ß", "\u{7FF}", "\u{800}", "日",
    "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFF}", "\u{10000}", "😀", "\u{10FFFF}", "\n", "\t", "\r", ",",
  ]

  mutating func text(maximumLength: Int) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...maximumLength, using: &random) {
      // Runs of plain letters exercise the eight-byte steps, and everything else their ends.
      if Int.random(in: 0..<4, using: &random) == 0 {
        text.unicodeScalars.append(Self.scalars.randomElement(using: &random) ?? "a")
      } else {
        text += String(repeating: "x", count: Int.random(in: 1...9, using: &random))
      }
    }
    return text
  }

  /// A string as JSON, with every escape that the grammar leaves open chosen at random.
  mutating func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      guard mustEscape || Int.random(in: 0..<10, using: &random) == 0 else {
        result.unicodeScalars.append(scalar)
        continue
      }
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "/": result += "\\/"
      case "\n" where Bool.random(using: &random): result += "\\n"
      case "\t" where Bool.random(using: &random): result += "\\t"
      case "\r" where Bool.random(using: &random): result += "\\r"
      default:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16, uppercase: Bool.random(using: &random))
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return result + "\""
  }

  /// White space as JSON allows it within a line.
  mutating func space() -> String {
    ["", "", "", " ", "\t", "  ", "\r"].randomElement(using: &random) ?? ""
  }

  /// Any JSON value, for keys that are ignored.
  mutating func anyValue(depth: Int = 0) -> String {
    switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
    case 0: return json(text(maximumLength: 4))
    case 1: return number().text
    case 2: return "true"
    case 3: return "false"
    case 4: return "null"
    case 5:
      let values = (0..<Int.random(in: 0...3, using: &random)).map { _ in anyValue(depth: depth + 1) }
      return "[" + space() + values.joined(separator: space() + "," + space()) + space() + "]"
    default:
      let members = (0..<Int.random(in: 0...3, using: &random)).map { index in
        json("k\(index)") + space() + ":" + space() + anyValue(depth: depth + 1)
      }
      return "{" + space() + members.joined(separator: space() + "," + space()) + space() + "}"
    }
  }

  /// A number as text, and its value as the standard library reads it.
  mutating func number() -> (text: String, value: Double) {
    var text = Bool.random(using: &random) ? "-" : ""
    func digits(_ range: ClosedRange<Int>) -> String {
      (0..<Int.random(in: range, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
    }
    let whole = digits(1...20).drop { $0 == "0" }
    text += whole.isEmpty ? "0" : String(whole)
    if Bool.random(using: &random) { text += "." + digits(1...18) }
    if Int.random(in: 0..<3, using: &random) == 0 {
      text += Bool.random(using: &random) ? "e" : "E"
      text += ["", "+", "-"].randomElement(using: &random) ?? ""
      text += String(Int.random(in: 0...60, using: &random))
    }
    return (text, Double(text) ?? .nan)
  }

  /// One record on one line, and the item that it is.
  mutating func record(id: Int) -> (line: String, item: Item) {
    var item = Item(id: "id-\(id)", title: "t" + text(maximumLength: 3), text: text(maximumLength: 12))
    var members: [String] = []
    func member(_ key: String, _ value: String) {
      members.append(json(key) + space() + ":" + space() + value)
    }
    member("id", json(item.id))
    member("title", json(item.title))
    if item.text.isEmpty, Bool.random(using: &random) {
      if Bool.random(using: &random) { member("text", "null") }
    } else {
      member("text", json(item.text))
    }
    if Bool.random(using: &random) { member("image", "null") }
    if Bool.random(using: &random) {
      item.updatedAt = "2024-0\(Int.random(in: 1...9, using: &random))"
      member("updated_at", json(item.updatedAt ?? ""))
    }
    if Bool.random(using: &random) { member("attributes", attributes(&item)) }
    for index in 0..<Int.random(in: 0...2, using: &random) { member("extra\(index)", anyValue()) }
    members.shuffle(using: &random)
    let body = members.joined(separator: space() + "," + space())
    return (space() + "{" + space() + body + space() + "}" + space(), item)
  }

  private mutating func attributes(_ item: inout Item) -> String {
    var members: [String] = []
    for index in 0..<Int.random(in: 0...5, using: &random) {
      let name = "name \(index) é"
      let value: String
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let number = number()
        guard number.value.isFinite else { continue }
        item.attributes[name] = .number(number.value)
        value = number.text
      case 1:
        item.attributes[name] = .boolean(index % 2 == 0)
        value = index % 2 == 0 ? "true" : "false"
      case 2: value = "null"
      default:
        let text = text(maximumLength: 5)
        item.attributes[name] = .string(text)
        value = json(text)
      }
      members.append(json(name) + space() + ":" + space() + value)
    }
    members.shuffle(using: &random)
    return "{" + space() + members.joined(separator: space() + "," + space()) + space() + "}"
  }
}

/// CSV the slow way, one character after the other: the reference that the reader is held to.
func referenceRows(_ text: String, delimiter: Character = ",") -> [[String]] {
  var rows: [[String]] = []
  var row: [String] = []
  var field = ""
  var isQuoted = false
  var isFieldStart = true
  var scalars = Array(text.unicodeScalars)[...]
  let separator = delimiter.unicodeScalars.first
  func endField() {
    row.append(field)
    field = ""
    isFieldStart = true
  }
  func endRow() {
    if !isQuoted, field.unicodeScalars.last == "\r" { field.unicodeScalars.removeLast() }
    endField()
    if row != [""] { rows.append(row) }
    row = []
  }
  while let scalar = scalars.popFirst() {
    if isQuoted {
      if scalar != "\"" {
        field.unicodeScalars.append(scalar)
      } else if scalars.first == "\"" {
        scalars.removeFirst()
        field += "\""
      } else {
        isQuoted = false
      }
    } else if scalar == "\"", isFieldStart {
      isQuoted = true
      isFieldStart = false
    } else if scalar == separator {
      endField()
    } else if scalar == "\n" {
      endRow()
    } else {
      field.unicodeScalars.append(scalar)
      isFieldStart = false
    }
  }
  if !field.isEmpty || !row.isEmpty { endRow() }
  return rows
}
