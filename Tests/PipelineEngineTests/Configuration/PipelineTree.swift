import PipelineEngine
import Testing

/// A pipeline file as a tree, of which a test changes one value and knows its line.
indirect enum PipelineTree {
  /// As it stands in the file, quotes included.
  case scalar(String)
  case list([PipelineTree])
  case section([(key: String, value: PipelineTree)])

  /// A pipeline with every section that a file may have, and nothing in them that has a default.
  static let complete = section([
    ("name", .scalar("everything")),
    (
      "catalog",
      .section([("items", .scalar("items.jsonl")), ("interactions", .section([("path", .scalar("log.csv"))]))])
    ),
    ("encode", .section([("text", .section([])), ("image", .section([]))])),
    ("pairs", .section([])), ("align", .section([])), ("behavior", .section([])), ("represent", .section([])),
    ("quantize", .section([])), ("resolve", .section([])), ("publish", .section([])),
    ("export", .list([.section([("format", .scalar("csv")), ("path", .scalar("ids.csv"))])])),
    ("finetune", .section([])), ("train", .section([])), ("preference", .section([])), ("report", .section([])),
  ])

  /// The tree with a value in the place of what is at a path, or added there; sections on the way are made.
  func setting(_ path: [String], to value: PipelineTree) -> PipelineTree {
    guard let name = path.first else { return value }
    let rest = Array(path.dropFirst())
    if name == "[0]" {
      guard case .list(var elements) = self, !elements.isEmpty else {
        return .list([PipelineTree.section([]).setting(rest, to: value)])
      }
      elements[0] = elements[0].setting(rest, to: value)
      return .list(elements)
    }
    var pairs: [(key: String, value: PipelineTree)] = []
    if case .section(let found) = self { pairs = found }
    if let index = pairs.firstIndex(where: { $0.key == name }) {
      pairs[index].value = pairs[index].value.setting(rest, to: value)
    } else {
      let empty: PipelineTree = rest.first == "[0]" ? .list([]) : .section([])
      pairs.append((name, empty.setting(rest, to: value)))
    }
    return .section(pairs)
  }

  /// The file, one key a line, and the line of each path.
  func written() -> (yaml: String, lines: [String: Int]) {
    var writer = Writer()
    writer.write(self, depth: 0, path: "")
    return (writer.text, writer.lines)
  }

  private struct Writer {
    var text = ""
    var line = 1
    var lines: [String: Int] = [:]

    mutating func write(_ tree: PipelineTree, depth: Int, path: String, startsInline: Bool = false) {
      guard case .section(let pairs) = tree else { return }
      for (index, pair) in pairs.enumerated() {
        let place = path.isEmpty ? pair.key : path + "." + pair.key
        if !(startsInline && index == 0) { text += String(repeating: "  ", count: depth) }
        lines[place] = line
        text += pair.key + ":"
        value(pair.value, depth: depth + 1, path: place)
      }
    }

    private mutating func value(_ tree: PipelineTree, depth: Int, path: String) {
      switch tree {
      case .scalar(let text): end(" " + text)
      case .section(let pairs) where pairs.isEmpty: end(" {}")
      case .section:
        end("")
        write(tree, depth: depth, path: path)
      case .list(let elements) where elements.isEmpty: end(" []")
      case .list(let elements):
        end("")
        for (index, element) in elements.enumerated() {
          text += String(repeating: "  ", count: depth) + "- "
          let place = "\(path)[\(index)]"
          lines[place] = line
          if case .section(let pairs) = element, !pairs.isEmpty {
            write(element, depth: depth + 1, path: place, startsInline: true)
          } else if case .scalar(let word) = element {
            end(word)
          } else {
            end("{}")
          }
        }
      }
    }

    private mutating func end(_ rest: String) {
      text += rest + "\n"
      line += 1
    }
  }
}

/// One key of the schema and the way to it.
struct SchemaKey: Sendable, CustomTestStringConvertible {
  /// `[0]` is the first element of a list.
  let path: [String]
  let shape: ConfigurationShape
  let isRequired: Bool

  /// As messages name it.
  var name: String { path.reduce("") { $1 == "[0]" ? $0 + "[0]" : $0.isEmpty ? $1 : $0 + "." + $1 } }

  var testDescription: String { name }

  /// Every key that has no keys below it, and every section, in the order of the schema.
  static let all: [SchemaKey] = below(PipelineSchema.root, [])
  static let sections = all.filter { if case .section = $0.shape { true } else { false } }
  /// Leaves that may be a list too.
  static let mayBeLists: Set<String> = ["catalog.items", "catalog.interactions.path"]
  static let leaves = all.filter { if case .section = $0.shape { false } else { true } }

  private static func below(_ shape: ConfigurationShape, _ path: [String]) -> [SchemaKey] {
    switch shape {
    case .section(let keys):
      keys.flatMap { key -> [SchemaKey] in
        [SchemaKey(path: path + [key.name], shape: own(key.shape), isRequired: key.isRequired)]
          + below(key.shape, path + [key.name])
      }
    case .list(of: let element, count: _):
      if case .section = element { below(element, path + ["[0]"]) } else { [] }
    // The section of those that may be several things: the rest of it is as its keys are.
    case .either(let shapes): below(own(.either(shapes)), path)
    default: []
    }
  }

  /// The part of a choice of shapes that has keys, or the first.
  private static func own(_ shape: ConfigurationShape) -> ConfigurationShape {
    guard case .either(let shapes) = shape else { return shape }
    return shapes.first { if case .section = $0 { true } else { false } } ?? shapes[0]
  }
}
