internal import Yams

/// A value of a pipeline file with the line it stands on.
struct YAMLValue: Sendable {
  enum Content: Sendable {
    case scalar(String, isQuoted: Bool)
    case list([YAMLValue])
    case mapping([(key: String, line: Int, value: YAMLValue)])
    case null
  }

  let content: Content
  let line: Int

  /// What was found, for an error message.
  var summary: String {
    switch content {
    case .scalar(let text, true): "text \"\(text.prefix(60))\""
    case .scalar(let text, false): "'\(text.prefix(60))'"
    case .list(let elements): "a list of \(elements.count)"
    case .mapping(let pairs): pairs.isEmpty ? "an empty section" : "a section with \(pairs[0].key.prefix(60))"
    case .null: "nothing"
    }
  }
}

/// Reads YAML under limits that no honest pipeline file meets, so that a hostile one cannot take memory or time.
enum YAMLDocument {
  static let maximumBytes = 256 << 10
  static let maximumDepth = 32
  static let maximumValues = 10_000

  /// - Parameters:
  ///   - bytes: The file, UTF-8.
  ///   - file: The file's name, for messages.
  static func parse(_ bytes: [UInt8], file: String) throws(PipelineError) -> YAMLValue {
    guard bytes.count <= maximumBytes else {
      throw PipelineError(
        .invalidData, "\(file): holds \(bytes.count) bytes; a pipeline file holds at most \(maximumBytes)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PipelineError(.invalidData, "\(file): is not valid UTF-8; save it as UTF-8")
    }
    try refuseAnchors(text, file: file)
    let root: Node?
    do {
      root = try Parser(yaml: text).singleRoot()
    } catch {
      throw syntaxError(error, file: file)
    }
    guard let root else {
      throw PipelineError(.invalidData, "\(file): is empty; a pipeline file starts with 'name:'")
    }
    var budget = maximumValues
    return try convert(root, depth: 0, budget: &budget, file: file)
  }

  /// Anchors and aliases let a few lines stand for billions of values, and nothing in a pipeline file needs them.
  private static func refuseAnchors(_ text: String, file: String) throws(PipelineError) {
    var line = 1
    var previous = UInt8(ascii: "\n")
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
      let startsToken = [UInt8](" \t\r\n[{,:?-".utf8).contains(previous)
      let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: " ")
      if byte == UInt8(ascii: "&"), startsToken, ![UInt8](" \t\r\n&".utf8).contains(next) {
        throw PipelineError(
          .invalidData,
          "\(file):\(line): YAML anchors are not supported: write the value out. Where '&' is meant as text, put a "
            + "space after it")
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
      previous = byte
    }
  }

  private static func syntaxError(_ error: any Error, file: String) -> PipelineError {
    let (line, problem): (Int?, String) =
      switch error as? YamlError {
      case .scanner(let context, let problem, let mark, _): (mark.line, join(context?.text, problem))
      case .parser(let context, let problem, let mark, _): (mark.line, join(context?.text, problem))
      case .composer(let context, let problem, let mark, _): (mark.line, join(context?.text, problem))
      case .duplicatedKeysInMapping(let duplicates, let context):
        (context.mark.line, "the key '\(duplicates.first ?? "")' is given twice; keep one")
      case .reader(let problem, _, _, _): (nil, problem)
      case .memory: (nil, "nested too deeply")
      default: (nil, "\(error)")
      }
    return PipelineError(.invalidData, "\(file):\(line.map { "\($0):" } ?? "") not valid YAML: \(problem)")
  }

  private static func join(_ context: String?, _ problem: String) -> String {
    context.map { "\($0): \(problem)" } ?? problem
  }

  private static func convert(
    _ node: Node, depth: Int, budget: inout Int, file: String
  ) throws(PipelineError) -> YAMLValue {
    let line = node.mark?.line ?? 1
    budget -= 1
    guard depth <= maximumDepth, budget > 0 else {
      throw PipelineError(
        .invalidData,
        "\(file):\(line): nested deeper than \(maximumDepth) or more than \(maximumValues) values in all")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain && scalar.style != .any
      if !isQuoted, ["", "~", "null"].contains(scalar.string) { return YAMLValue(content: .null, line: line) }
      return YAMLValue(content: .scalar(scalar.string, isQuoted: isQuoted), line: line)
    case .sequence(let sequence):
      var elements = [YAMLValue]()
      for element in sequence {
        elements.append(try convert(element, depth: depth + 1, budget: &budget, file: file))
      }
      return YAMLValue(content: .list(elements), line: line)
    case .mapping(let mapping):
      var pairs = [(key: String, line: Int, value: YAMLValue)]()
      for (key, value) in mapping {
        let keyLine = key.mark?.line ?? line
        guard let name = key.scalar?.string else {
          throw PipelineError(.invalidData, "\(file):\(keyLine): a key must be a word, not a list or a section")
        }
        pairs.append((name, keyLine, try convert(value, depth: depth + 1, budget: &budget, file: file)))
      }
      return YAMLValue(content: .mapping(pairs), line: line)
    case .alias:
      throw PipelineError(.invalidData, "\(file):\(line): YAML aliases are not supported: write the value out")
    }
  }
}
