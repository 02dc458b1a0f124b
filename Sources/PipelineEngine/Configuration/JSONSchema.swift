extension PipelineSchema {
  /// `Schemas/pipeline.schema.json`: the description above as JSON Schema (draft 2020-12), for editors.
  public static var jsonSchema: String {
    var writer = SchemaWriter()
    writer.line("{")
    writer.indented {
      $0.line("\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",")
      $0.line("\"title\": \"Tessera pipeline\",")
      $0.body(of: root, summary: nil)
    }
    writer.line("}")
    return writer.text
  }
}

/// Writes a shape as indented JSON Schema.
private struct SchemaWriter {
  var text = ""
  var depth = 0

  mutating func line(_ content: String) {
    text += String(repeating: "  ", count: depth) + content + "\n"
  }

  mutating func indented(_ body: (inout SchemaWriter) -> Void) {
    depth += 1
    body(&self)
    depth -= 1
  }

  /// The members of one schema object, without its braces.
  mutating func body(of shape: ConfigurationShape, summary: String?) {
    if let summary { line("\"description\": \(quoted(summary)),") }
    switch shape {
    case .text: line("\"type\": \"string\", \"minLength\": 1, \"maxLength\": 4096")
    case .identifier: line("\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$\"")
    case .choice(let words): line("\"enum\": [\(words.map(quoted).joined(separator: ", "))]")
    case .integer(let range): line("\"type\": \"integer\", \(bounds(range.lowerBound, range.upperBound, .max))")
    case .number(let range):
      line("\"type\": \"number\", \(bounds(range.lowerBound, range.upperBound, .greatestFiniteMagnitude))")
    case .boolean: line("\"type\": \"boolean\"")
    case .duration:
      line("\"type\": [\"number\", \"string\"], \"minimum\": 0, \"pattern\": \"^[0-9]+([.][0-9]+)?[smhd]?$\"")
    case .list(let element, let count):
      line("\"type\": \"array\", \"minItems\": \(count.lowerBound), \"maxItems\": \(count.upperBound),")
      line("\"items\": {")
      indented { $0.body(of: element, summary: nil) }
      line("}")
    case .either(let shapes):
      line("\"anyOf\": [")
      indented { writer in
        for (index, shape) in shapes.enumerated() {
          writer.line("{")
          writer.indented { $0.body(of: shape, summary: nil) }
          writer.line(index + 1 < shapes.count ? "}," : "}")
        }
      }
      line("]")
    case .section(let keys): section(keys)
    }
  }

  private mutating func section(_ keys: [ConfigurationKey]) {
    let required = keys.filter(\.isRequired).map { quoted($0.name) }
    line("\"type\": \(required.isEmpty ? "[\"object\", \"null\"]" : "\"object\""), \"additionalProperties\": false,")
    if !required.isEmpty { line("\"required\": [\(required.joined(separator: ", "))],") }
    line("\"properties\": {")
    indented { writer in
      for (index, key) in keys.enumerated() {
        writer.line("\(quoted(key.name)): {")
        writer.indented { $0.body(of: key.shape, summary: key.summary) }
        writer.line(index + 1 < keys.count ? "}," : "}")
      }
    }
    line("}")
  }

  private func bounds<Value: Comparable>(_ lower: Value, _ upper: Value, _ unbounded: Value) -> String {
    "\"minimum\": \(lower)" + (upper == unbounded ? "" : ", \"maximum\": \(upper)")
  }
}

private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
