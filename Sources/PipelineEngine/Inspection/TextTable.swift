internal import Foundation

/// Plain text in aligned columns, for terminals, logs and pipes alike: no color, no cursor movement.
package struct TextTable {
  package enum Alignment { case left, right }

  private let header: [String]
  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// - Parameter columns: names and alignments; an empty name leaves the heading blank.
  package init(_ columns: [(name: String, alignment: Alignment)]) {
    header = columns.map(\.name)
    alignments = columns.map(\.alignment)
  }

  /// Adds one row; cells are cleaned of control characters.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == header.count, "\(cells.count) cells for \(header.count) columns")
    rows.append(cells.map(cleaned))
  }

  /// The header, a rule and the rows, each line ending in a line feed; every line begins with `indent` spaces.
  package func text(indent: Int = 0) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { displayWidth($0[column]) }.max() ?? 0
    }
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([header, rule] + rows).map { line($0, widths, indent: indent) }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int], indent: Int) -> String {
    var line = String(repeating: " ", count: indent)
    for (column, cell) in cells.enumerated() {
      if column > 0 { line += "  " }
      let padding = String(repeating: " ", count: widths[column] - displayWidth(cell))
      line += alignments[column] == .left ? cell + padding : padding + cell
    }
    while line.last == " " { line.removeLast() }
    return line + "\n"
  }
}

/// Takes out what would move a terminal's cursor or break the table: catalogues are written by strangers.
func cleaned(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { isControl($0) }) else { return text }
  return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator: true
  default: false
  }
}

/// At most `width` columns of text, an ellipsis in place of the rest.
func shortened(_ text: String, to width: Int) -> String {
  let text = cleaned(text)
  guard displayWidth(text) > width else { return text }
  var result = ""
  var used = 1
  for character in text {
    let next = displayWidth(String(character))
    guard used + next <= width else { break }
    used += next
    result.append(character)
  }
  return result + "…"
}

/// Columns that a terminal gives the text: two for wide East Asian characters and emoji, one for others.
func displayWidth(_ text: String) -> Int {
  var width = 0
  for character in text {
    guard let scalar = character.unicodeScalars.first else { continue }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      width += 2
    default: width += 1
    }
  }
  return width
}

/// `12.34 %`.
func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

/// Four decimals, enough to compare entropies and distances by eye.
func decimal(_ value: Double) -> String { String(format: "%.4f", value) }
