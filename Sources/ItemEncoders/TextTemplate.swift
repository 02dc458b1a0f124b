public import ItemCatalog

/// The string that a text encoder sees of an item.
///
/// Placeholders are `{title}`, `{text}` and `{attributes.NAME}`; an attribute that an item lacks is empty.
/// There is none for the id, because vectors are cached by content.
/// `{{` and `}}` stand for braces.
public struct TextTemplate: Sendable, Equatable, CustomStringConvertible {
  private enum Part: Sendable, Equatable {
    case literal(String)
    case title
    case text
    case attribute(String)
  }

  /// `text`, or `title` where `text` is blank.
  public static let textOrTitle = TextTemplate(parts: nil, source: "")

  /// Nil for ``textOrTitle``, which has no placeholder syntax.
  private let parts: [Part]?
  private let source: String

  private init(parts: [Part]?, source: String) {
    self.parts = parts
    self.source = source
  }

  /// Parses a template such as `"{title}. {text} {attributes.brand}"`; an empty one is ``textOrTitle``.
  public init(_ source: String) throws(EncoderError) {
    self.init(parts: source.isEmpty ? nil : try Self.parse(source), source: source)
  }

  /// The template as it was written; empty for ``textOrTitle``.
  public var description: String { source }

  /// The string for one item.
  public func callAsFunction(_ item: Item) -> String {
    guard let parts else { return isBlank(item.text) ? item.title : item.text }
    var result = ""
    for part in parts {
      switch part {
      case .literal(let literal): result += literal
      case .title: result += item.title
      case .text: result += item.text
      case .attribute(let name): result += item.attributes[name]?.description ?? ""
      }
    }
    return result
  }

  private static func parse(_ source: String) throws(EncoderError) -> [Part] {
    var parts: [Part] = []
    var literal = ""
    var rest = source[...]
    while let character = rest.popFirst() {
      if (character == "{" || character == "}"), rest.first == character {
        literal.append(character)
        rest.removeFirst()
      } else if character == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw EncoderError(.invalidTemplate, "template \"\(source)\": a { without its }; write {{ for a brace")
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        literal = ""
        parts.append(try placeholder(rest[..<end], in: source))
        rest = rest[rest.index(after: end)...]
      } else if character == "}" {
        throw EncoderError(.invalidTemplate, "template \"\(source)\": a } without its {; write }} for a brace")
      } else {
        literal.append(character)
      }
    }
    if !literal.isEmpty { parts.append(.literal(literal)) }
    return parts
  }

  private static func placeholder(_ name: Substring, in source: String) throws(EncoderError) -> Part {
    switch name {
    case "title": return .title
    case "text": return .text
    default:
      let attribute = name.dropFirst("attributes.".count)
      guard name.hasPrefix("attributes."), !attribute.isEmpty else {
        throw EncoderError(
          .invalidTemplate,
          "template \"\(source)\": no field {\(name)}; use {title}, {text} or {attributes.NAME}")
      }
      return .attribute(String(attribute))
    }
  }
}

/// Whether a string has nothing but ASCII spaces and line breaks.
func isBlank(_ text: String) -> Bool {
  text.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
}
