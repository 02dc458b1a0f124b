/// An item's fields as they stand in a record, before they are checked. Reused from record to record.
struct RawItem {
  enum Value: Equatable {
    case string(FieldSlice)
    case number(Double)
    case boolean(Bool)
  }

  struct Attribute {
    var name: FieldSlice
    var value: Value
  }

  var id: FieldSlice?
  var title: FieldSlice?
  var text: FieldSlice?
  var image: FieldSlice?
  var updatedAt: FieldSlice?
  var attributes: [Attribute] = []

  mutating func reset() {
    id = nil
    title = nil
    text = nil
    image = nil
    updatedAt = nil
    attributes.removeAll(keepingCapacity: true)
  }
}

/// The fields of an item record, by name.
enum ItemField: String, CaseIterable {
  case id
  case title
  case text
  case image
  case attributes
  case updatedAt = "updated_at"
}

/// Reads one JSON record into a ``RawItem``. Keys it does not know are checked and ignored; a known key that comes
/// twice is an error, since readers differ on which one counts. An id may be an integer: its digits are the id.
struct ItemJSONReader {
  var scanner: JSONScanner
  private let attributeCount: Int
  private let names = ItemField.allCases.map { (FieldName($0.rawValue), $0) }
  private var seen: UInt8 = 0

  init(limits: CatalogLimits) {
    scanner = JSONScanner(depthLimit: limits.nestingDepth)
    attributeCount = limits.attributeCount
  }

  mutating func read(_ bytes: [UInt8], _ range: Range<Int>, into item: inout RawItem) throws(RecordProblem) {
    item.reset()
    seen = 0
    try scanner.beginObject(bytes, range)
    while let key = try scanner.nextKey(bytes) {
      guard let field = field(key, in: bytes) else {
        try scanner.skipValue(bytes)
        continue
      }
      let bit: UInt8 = 1 << UInt8(truncatingIfNeeded: field.1)
      guard seen & bit == 0 else {
        throw RecordProblem(field.0.rawValue, .duplicateKey, found: "the key twice", expected: "each key once")
      }
      seen |= bit
      switch field.0 {
      case .id: item.id = try identifier(bytes)
      case .title: item.title = try text(bytes, .title)
      case .text: item.text = try text(bytes, .text)
      case .image: item.image = try text(bytes, .image)
      case .updatedAt: item.updatedAt = try text(bytes, .updatedAt)
      case .attributes: try attributes(bytes, into: &item)
      }
    }
  }

  private func field(_ key: FieldSlice, in bytes: [UInt8]) -> (ItemField, Int)? {
    let packed = key.isScratch ? FieldName(scanner.scratch, key.range) : FieldName(bytes, key.range)
    guard let packed else { return nil }
    for index in 0..<names.count where names[index].0 == packed { return (names[index].1, index) }
    return nil
  }

  private mutating func identifier(_ bytes: [UInt8]) throws(RecordProblem) -> FieldSlice? {
    switch try scanner.kind(bytes) {
    case .string: return try scanner.string(bytes)
    case .number:
      let number = try scanner.number(bytes)
      guard number.isInteger else {
        throw RecordProblem(
          "id", .wrongType, found: "the number \(RecordProblem.excerpt(bytes, number.slice.range))",
          expected: "a string or an integer")
      }
      return number.slice
    case .null:
      try scanner.null(bytes)
      return nil
    case let kind: throw wrongType("id", kind, expected: "a string or an integer")
    }
  }

  private mutating func text(_ bytes: [UInt8], _ field: ItemField) throws(RecordProblem) -> FieldSlice? {
    switch try scanner.kind(bytes) {
    case .string: return try scanner.string(bytes)
    case .null:
      try scanner.null(bytes)
      return nil
    case let kind: throw wrongType(field.rawValue, kind, expected: "a string or null")
    }
  }

  private mutating func attributes(_ bytes: [UInt8], into item: inout RawItem) throws(RecordProblem) {
    switch try scanner.kind(bytes) {
    case .object: try scanner.enterObject(bytes)
    case .null: return try scanner.null(bytes)
    case let kind: throw wrongType("attributes", kind, expected: "an object or null")
    }
    var isFirst = true
    while let name = try scanner.nextNestedKey(bytes, isFirst: isFirst) {
      isFirst = false
      let value: RawItem.Value
      switch try scanner.kind(bytes) {
      case .string: value = .string(try scanner.string(bytes))
      case .boolean: value = .boolean(try scanner.boolean(bytes))
      case .number: value = .number(try number(bytes, name))
      case .null:
        try scanner.null(bytes)
        continue
      case let kind:
        throw wrongType(attributeName(name, bytes), kind, expected: "a string, a number or a boolean")
      }
      guard item.attributes.count < attributeCount else {
        throw RecordProblem(
          "attributes", .tooMany, found: "more than \(attributeCount)", expected: "at most \(attributeCount)")
      }
      item.attributes.append(RawItem.Attribute(name: name, value: value))
    }
  }

  private mutating func number(_ bytes: [UInt8], _ name: FieldSlice) throws(RecordProblem) -> Double {
    let slice = try scanner.number(bytes).slice
    guard let value = NumberParsing.double(bytes, slice.range) else {
      throw RecordProblem(
        attributeName(name, bytes), .invalidNumber, found: RecordProblem.excerpt(bytes, slice.range),
        expected: "a finite number")
    }
    return value
  }

  private func attributeName(_ name: FieldSlice, _ bytes: [UInt8]) -> String {
    "attributes." + RecordProblem.excerpt(name.isScratch ? scanner.scratch : bytes, name.range)
  }

  private func wrongType(_ field: String, _ kind: JSONScanner.Kind, expected: String) -> RecordProblem {
    RecordProblem(field, .wrongType, found: kind.phrase, expected: expected)
  }
}

extension JSONScanner.Kind {
  /// The kind as a message names it.
  var phrase: String {
    switch self {
    case .string: "a string"
    case .number: "a number"
    case .boolean: "a boolean"
    case .null: "null"
    case .object: "an object"
    case .array: "an array"
    }
  }
}
