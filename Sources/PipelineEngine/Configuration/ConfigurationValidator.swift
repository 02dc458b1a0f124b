/// A checked value: everything the typed configuration reads has the shape that the schema promised.
enum CheckedValue: Sendable {
  case text(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case list([CheckedValue])
  case section(CheckedSection)
}

/// A checked mapping. Reading a key that the schema gives another shape is our bug and traps.
struct CheckedSection: Sendable {
  var values: [String: CheckedValue] = [:]
  var lines: [String: Int] = [:]

  func has(_ key: String) -> Bool { values[key] != nil }

  func text(_ key: String) -> String? {
    if case .text(let text) = values[key] { text } else { nil }
  }

  func integer(_ key: String) -> Int? {
    if case .integer(let value) = values[key] { value } else { nil }
  }

  func number(_ key: String) -> Double? {
    switch values[key] {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  func boolean(_ key: String) -> Bool? {
    if case .boolean(let value) = values[key] { value } else { nil }
  }

  func section(_ key: String) -> CheckedSection? {
    if case .section(let section) = values[key] { section } else { nil }
  }

  func list(_ key: String) -> [CheckedValue]? {
    if case .list(let list) = values[key] { list } else { nil }
  }
}

/// Walks a YAML value along a schema and collects every mistake, so that a person mends a file in one go.
struct ConfigurationValidator {
  static let maximumMistakes = 20

  let file: String
  let substitute: EnvironmentSubstitution
  private(set) var mistakes: [(line: Int, message: String)] = []

  init(file: String, environment: [String: String]) {
    self.file = file
    substitute = EnvironmentSubstitution(environment: environment)
  }

  mutating func report(_ line: Int, _ message: String) {
    if mistakes.count < Self.maximumMistakes { mistakes.append((line, message)) }
  }

  func throwMistakes() throws(PipelineError) {
    guard !mistakes.isEmpty else { return }
    let lines = mistakes.sorted { ($0.line, $0.message) < ($1.line, $1.message) }
    throw PipelineError(
      .invalidData, lines.map { "\(file):\($0.line): \($0.message)" }.joined(separator: "\n"))
  }

  mutating func check(_ value: YAMLValue, against shape: ConfigurationShape, path: String) -> CheckedValue? {
    switch shape {
    case .text, .identifier, .choice: return checkText(value, shape, path)
    case .integer, .number, .boolean, .duration: return checkScalar(value, shape, path)
    case .list(let element, let count): return checkList(value, element, count, shape, path)
    case .section(let keys): return checkSection(value, keys, shape, path)
    case .either(let shapes):
      guard let matching = shapes.first(where: { isSameKind(value, $0) }) else {
        return mismatch(value, shape, path)
      }
      return check(value, against: matching, path: path)
    }
  }

  private func isSameKind(_ value: YAMLValue, _ shape: ConfigurationShape) -> Bool {
    switch (value.content, shape) {
    case (.list, .list), (.mapping, .section), (.scalar, .text), (.scalar, .choice), (.scalar, .identifier): true
    case (.scalar, .integer), (.scalar, .number), (.scalar, .boolean), (.scalar, .duration): true
    case (.null, .section(let keys)): !keys.contains(where: \.isRequired)
    default: false
    }
  }

  private mutating func mismatch(_ value: YAMLValue, _ shape: ConfigurationShape, _ path: String) -> CheckedValue? {
    let place = path.isEmpty ? "the pipeline file" : path
    report(value.line, "\(place): expected \(shape.expectation), found \(value.summary)")
    return nil
  }

  /// The scalar's text with the environment's values in it, and whether quotes made it text for good.
  private mutating func scalar(_ value: YAMLValue, _ path: String) -> (text: String, isText: Bool)? {
    guard case .scalar(let raw, let isQuoted) = value.content else { return nil }
    do {
      let (text, isChanged) = try substitute(raw)
      return (text, isQuoted && !isChanged)
    } catch {
      report(value.line, "\(path): \(error.message)")
      return nil
    }
  }

  private mutating func checkText(_ value: YAMLValue, _ shape: ConfigurationShape, _ path: String) -> CheckedValue? {
    guard case .scalar = value.content else { return mismatch(value, shape, path) }
    guard let (text, _) = scalar(value, path) else { return nil }
    switch shape {
    case .identifier where !isIdentifier(text): return mismatch(value, shape, path)
    case .choice(let words) where !words.contains(text):
      let suggestion = nearest(to: text, among: words).map { "; did you mean '\($0)'?" } ?? ""
      report(value.line, "\(path): expected \(shape.expectation), found '\(text.prefix(60))'\(suggestion)")
      return nil
    case .text where text.isEmpty || text.utf8.contains(0) || text.utf8.count > 4096:
      report(value.line, "\(path): expected text of 1 to 4096 bytes without null characters, found \(value.summary)")
      return nil
    default: return .text(text)
    }
  }

  private func isIdentifier(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count), text.utf8.first != UInt8(ascii: ".") else { return false }
    return text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      }
    }
  }

  private mutating func checkScalar(_ value: YAMLValue, _ shape: ConfigurationShape, _ path: String) -> CheckedValue? {
    guard case .scalar = value.content else { return mismatch(value, shape, path) }
    guard let (text, isText) = scalar(value, path) else { return nil }
    guard !isText else { return mismatch(value, shape, path) }
    switch shape {
    case .integer(let range):
      if let number = Int(text), range.contains(number) { return .integer(number) }
    case .number(let range):
      if let number = Double(text), number.isFinite, range.contains(number) { return .number(number) }
    case .duration:
      if let duration = Self.duration(text) { return .number(duration) }
    default:
      if text == "true" || text == "false" { return .boolean(text == "true") }
    }
    report(value.line, "\(path): expected \(shape.expectation), found '\(text.prefix(60))'")
    return nil
  }

  /// The seconds of `30m`, or a bare number as it stands.
  private static func duration(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let unit = text.last.flatMap { units[$0] }
    let number = unit == nil ? Substring(text) : text.dropLast()
    // Neither a sign nor an exponent, which the schema does not know.
    guard number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let value = Double(number), value.isFinite
    else { return nil }
    return value * (unit ?? 1)
  }

  private mutating func checkList(
    _ value: YAMLValue, _ element: ConfigurationShape, _ count: ClosedRange<Int>, _ shape: ConfigurationShape,
    _ path: String
  ) -> CheckedValue? {
    guard case .list(let values) = value.content, count.contains(values.count) else {
      return mismatch(value, shape, path)
    }
    var checked = [CheckedValue]()
    for (index, value) in values.enumerated() {
      if let value = check(value, against: element, path: "\(path)[\(index)]") { checked.append(value) }
    }
    return .list(checked)
  }

  private mutating func checkSection(
    _ value: YAMLValue, _ keys: [ConfigurationKey], _ shape: ConfigurationShape, _ path: String
  ) -> CheckedValue? {
    let pairs: [(key: String, line: Int, value: YAMLValue)]
    switch value.content {
    case .mapping(let found): pairs = found
    case .null where !keys.contains(where: \.isRequired): pairs = []
    default: return mismatch(value, shape, path)
    }
    var section = CheckedSection()
    for pair in pairs {
      let keyPath = path.isEmpty ? pair.key : "\(path).\(pair.key)"
      guard let key = keys.first(where: { $0.name == pair.key }) else {
        report(pair.line, unknownKey(pair.key, keys, path))
        continue
      }
      section.lines[pair.key] = pair.line
      section.values[pair.key] = check(pair.value, against: key.shape, path: keyPath)
    }
    for key in keys where key.isRequired && section.lines[key.name] == nil {
      let place = path.isEmpty ? "the pipeline file" : "'\(path)'"
      report(value.line, "\(place) lacks the key '\(key.name)': expected \(key.shape.expectation)")
    }
    return .section(section)
  }

  private func unknownKey(_ key: String, _ keys: [ConfigurationKey], _ path: String) -> String {
    let place = path.isEmpty ? "at the top level" : "in '\(path)'"
    let names = keys.map(\.name)
    if let suggestion = nearest(to: key, among: names) {
      return "unknown key '\(key.prefix(60))' \(place); did you mean '\(suggestion)'?"
    }
    return "unknown key '\(key.prefix(60))' \(place); valid keys are \(names.joined(separator: ", "))"
  }
}
