/// A piece of HTML. Text that is interpolated is escaped, pieces of HTML are not: there is no way to forget it.
package struct HTML: ExpressibleByStringInterpolation, Sendable {
  package private(set) var text: String

  package init(stringLiteral value: String) { text = value }

  package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Markup that this program wrote itself.
  init(trusted: String) { text = trusted }

  static let empty = HTML(trusted: "")

  /// A whole page, without scripts, that asks for nothing from anywhere.
  /// - Parameter styles: sheets that this program wrote itself.
  static func page(title: HTML, styles: [String], body: HTML) -> HTML {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
    <title>\(title)</title>
    <link rel="icon" href="data:,">
    <style>\(styles.map { HTML(trusted: $0) })</style>
    </head>
    <body>
    \(body)
    </body>
    </html>

    """
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate(set) var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    package mutating func appendLiteral(_ literal: String) { text += literal }

    package mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }

    package mutating func appendInterpolation(_ value: some BinaryInteger) { text += value.description }

    package mutating func appendInterpolation(_ piece: HTML) { text += piece.text }

    package mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }

    /// A length or coordinate, with two decimals.
    package mutating func appendInterpolation(number value: Double) {
      let hundredths = value.isFinite ? (value * 100).rounded() : 0
      let whole = Int(min(max(hundredths, -1e12), 1e12))
      text += (whole < 0 ? "-" : "") + "\(abs(whole) / 100)"
      if whole % 100 != 0 { text += "." + (abs(whole) % 100 < 10 ? "0" : "") + "\(abs(whole) % 100)" }
    }
  }

  /// Text for an element's content or a quoted attribute. Characters that HTML forbids become U+FFFD.
  static func escaped(_ value: String) -> String {
    var result = ""
    result.reserveCapacity(value.utf8.count)
    for scalar in value.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..<"\u{A0}": result.unicodeScalars.append("\u{FFFD}")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
