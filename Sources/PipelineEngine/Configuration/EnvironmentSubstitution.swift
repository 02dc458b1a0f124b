/// Replaces `${NAME}` and `${NAME:-default}` in a value; `$$` stands for one dollar sign.
struct EnvironmentSubstitution: Sendable {
  let environment: [String: String]

  struct Failure: Error {
    let message: String
  }

  /// - Returns: The text, and whether anything was replaced.
  func callAsFunction(_ text: String) throws(Failure) -> (text: String, isChanged: Bool) {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return (text, false) }
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw Failure(message: "'${' has no closing '}' in '\(text.prefix(80))'")
        }
        result += try value(of: rest[rest.index(after: rest.startIndex)..<end])
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
      }
    }
    return (result + rest, true)
  }

  private func value(of expression: Substring) throws(Failure) -> String {
    let separator = expression.range(of: ":-")
    let name = String(separator.map { expression[..<$0.lowerBound] } ?? expression)
    let isName = !name.isEmpty && name.utf8.allSatisfy { isWordByte($0) } && !(name.first?.isNumber ?? true)
    guard isName else {
      throw Failure(
        message: "'${\(expression.prefix(60))}' names no environment variable; write ${NAME} or ${NAME:-default}")
    }
    if let value = environment[name], !value.isEmpty || separator == nil { return value }
    if let separator { return String(expression[separator.upperBound...]) }
    throw Failure(message: "the environment variable \(name) is not set; set it or write ${\(name):-default}")
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
    default: false
    }
  }
}

extension Substring {
  /// The first occurrence of `pattern`, without Foundation.
  fileprivate func range(of pattern: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(pattern) { return start..<index(start, offsetBy: pattern.count) }
      start = index(after: start)
    }
    return nil
  }
}
