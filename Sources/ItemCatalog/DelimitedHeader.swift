/// The header row of a CSV or TSV file: the columns' names, in order.
struct DelimitedHeader: Sendable {
  let names: [String]

  /// Reads a header row. Names must be UTF-8, each once, and no more than the limit allows.
  init(_ bytes: [UInt8], delimiter: UInt8, path: String, limits: CatalogLimits) throws(CatalogError) {
    var row = DelimitedRow(delimiter: delimiter, fieldLimit: limits.columnCount)
    do throws(RecordProblem) {
      try row.split(bytes, 0..<bytes.count)
    } catch {
      throw CatalogError(
        .badData, "the header of \(path) cannot be read: found \(error.found), expected \(error.expected).")
    }
    var names: [String] = []
    for field in row.fields {
      let name = row.bytes(field, in: bytes)
      guard UTF8Validation.firstInvalid(name, 0..<name.count) == nil else {
        throw CatalogError(.badData, "the header of \(path) is not UTF-8. Save the file as UTF-8.")
      }
      names.append(String(decoding: name, as: UTF8.self))
    }
    if let twice = Dictionary(grouping: names.filter { !$0.isEmpty }, by: \.self).filter({ $0.value.count > 1 }).keys
      .min()
    {
      throw CatalogError(.badData, "the header of \(path) names the column \(twice) twice; expected each name once.")
    }
    self.names = names
  }

  /// Throws unless every name is a column.
  func require(_ required: [String], path: String) throws(CatalogError) {
    for name in required where !names.contains(name) {
      throw CatalogError(
        .badData,
        "\(path) has no column \(name); found the columns \(names.prefix(20).joined(separator: ", ")). "
          + "Name the columns in the first line.")
    }
  }
}

/// Reads rows of an item file into ``RawItem``s. Columns `attributes.NAME` become string attributes; a blank cell is
/// an absent field; unknown columns are ignored.
struct ItemDelimitedReader {
  private enum Column {
    case field(ItemField)
    case attribute(FieldSlice)
    case ignored
  }

  private(set) var row: DelimitedRow
  private let columns: [Column]
  private let attributeCount: Int

  init(header: DelimitedHeader, delimiter: UInt8, limits: CatalogLimits) {
    var names: [UInt8] = []
    columns = header.names.map { name in
      if let field = ItemField(rawValue: name), field != .attributes { return .field(field) }
      guard name.hasPrefix("attributes."), name.utf8.count > "attributes.".utf8.count else { return .ignored }
      let start = names.count
      names.append(contentsOf: name.utf8.dropFirst("attributes.".utf8.count))
      return .attribute(FieldSlice(start: start, end: names.count, isScratch: true))
    }
    attributeCount = limits.attributeCount
    row = DelimitedRow(delimiter: delimiter, fixed: names, fieldLimit: columns.count)
  }

  mutating func read(_ bytes: [UInt8], _ range: Range<Int>, into item: inout RawItem) throws(RecordProblem) {
    item.reset()
    try row.split(bytes, range)
    guard row.fields.count == columns.count else {
      throw RecordProblem(
        "", .invalidRow, found: "\(row.fields.count) fields", expected: "\(columns.count), as in the header")
    }
    for index in 0..<columns.count where row.fields[index].count > 0 {
      let slice = row.fields[index]
      switch columns[index] {
      case .ignored: continue
      case .attribute(let name):
        try requireUTF8(slice, bytes, "attributes")
        guard item.attributes.count < attributeCount else {
          throw RecordProblem(
            "attributes", .tooMany, found: "more than \(attributeCount)", expected: "at most \(attributeCount)")
        }
        item.attributes.append(RawItem.Attribute(name: name, value: .string(slice)))
      case .field(let field):
        try requireUTF8(slice, bytes, field.rawValue)
        switch field {
        case .id: item.id = slice
        case .title: item.title = slice
        case .text: item.text = slice
        case .image: item.image = slice
        case .updatedAt: item.updatedAt = slice
        case .attributes: break
        }
      }
    }
  }

  private func requireUTF8(_ slice: FieldSlice, _ bytes: [UInt8], _ field: String) throws(RecordProblem) {
    let source = slice.isScratch ? row.scratch : bytes
    guard let bad = UTF8Validation.firstInvalid(source, slice.range) else { return }
    throw RecordProblem(
      field, .invalidUTF8, found: "the value 0x\(String(source[bad], radix: 16)) at byte \(bad - slice.start + 1)",
      expected: "UTF-8")
  }
}
