/// One event of the behavior log: a user met an item.
public struct Interaction: Sendable, Hashable {
  public var userID: String
  public var itemID: String
  /// Seconds since 1970, or any other number that grows with time.
  public var timestamp: Double?
  /// The event's place in its user's history.
  public var position: Double?
  public var event: String?
  public var rating: Float?
  public var weight: Float?

  public init(
    userID: String, itemID: String, timestamp: Double? = nil, position: Double? = nil, event: String? = nil,
    rating: Float? = nil, weight: Float? = nil
  ) {
    self.userID = userID
    self.itemID = itemID
    self.timestamp = timestamp
    self.position = position
    self.event = event
    self.rating = rating
    self.weight = weight
  }
}

/// The fields of an interaction record, by name.
enum InteractionField: String, CaseIterable {
  case userID = "user_id"
  case itemID = "item_id"
  case timestamp
  case position
  case event
  case rating
  case weight

  /// Whether the field is an identifier or a name, and not a number.
  var isText: Bool { self == .userID || self == .itemID || self == .event }
}

/// An interaction's fields as they stand in a record; absent numbers are not a number.
struct RawInteraction {
  var user: FieldSlice?
  var item: FieldSlice?
  var event: FieldSlice?
  var timestamp = Double.nan
  var position = Double.nan
  var rating = Double.nan
  var weight = Double.nan

  mutating func set(_ field: InteractionField, text: FieldSlice) {
    switch field {
    case .userID: user = text
    case .itemID: item = text
    default: event = text
    }
  }

  mutating func set(_ field: InteractionField, number: Double) {
    switch field {
    case .timestamp: timestamp = number
    case .position: position = number
    case .rating: rating = number
    default: weight = number
    }
  }
}

/// Reads interaction records. Blank cells and nulls are absent values; integer ids are their digits, as for items.
struct InteractionRecordReader {
  private var scanner: JSONScanner
  private var row: DelimitedRow
  private let columns: [InteractionField?]
  private let names = InteractionField.allCases.map { (FieldName($0.rawValue), $0) }
  private let isJSON: Bool

  init(format: RecordFormat, header: DelimitedHeader?, limits: CatalogLimits) {
    scanner = JSONScanner(depthLimit: limits.nestingDepth)
    columns = header?.names.map { InteractionField(rawValue: $0) } ?? []
    switch format {
    case .jsonLines:
      isJSON = true
      row = DelimitedRow(delimiter: 0, fieldLimit: 0)
    case .delimited(let delimiter):
      isJSON = false
      row = DelimitedRow(delimiter: delimiter, fieldLimit: columns.count)
    }
  }

  /// Where the bytes of slices marked so stand.
  var scratch: [UInt8] { isJSON ? scanner.scratch : row.scratch }

  mutating func read(_ bytes: [UInt8], _ range: Range<Int>) throws(RecordProblem) -> RawInteraction {
    isJSON ? try readObject(bytes, range) : try readRow(bytes, range)
  }

  private mutating func readRow(_ bytes: [UInt8], _ range: Range<Int>) throws(RecordProblem) -> RawInteraction {
    try row.split(bytes, range)
    guard row.fields.count == columns.count else {
      throw RecordProblem(
        "", .invalidRow, found: "\(row.fields.count) fields", expected: "\(columns.count), as in the header")
    }
    var result = RawInteraction()
    for index in 0..<columns.count {
      let slice = row.fields[index]
      guard let field = columns[index], slice.count > 0 else { continue }
      let source = slice.isScratch ? row.scratch : bytes
      if field.isText {
        guard UTF8Validation.firstInvalid(source, slice.range) == nil else {
          throw RecordProblem(
            field.rawValue, .invalidUTF8, found: RecordProblem.excerpt(source, slice.range), expected: "UTF-8")
        }
        result.set(field, text: slice)
      } else if !ByteScanning.isBlank(source, slice.range) {
        result.set(field, number: try number(source, slice.range, field))
      }
    }
    return result
  }

  private mutating func readObject(_ bytes: [UInt8], _ range: Range<Int>) throws(RecordProblem) -> RawInteraction {
    var result = RawInteraction()
    var seen: UInt8 = 0
    try scanner.beginObject(bytes, range)
    while let key = try scanner.nextKey(bytes) {
      let name = key.isScratch ? FieldName(scanner.scratch, key.range) : FieldName(bytes, key.range)
      guard let name, let index = names.firstIndex(where: { $0.0 == name }) else {
        try scanner.skipValue(bytes)
        continue
      }
      let field = names[index].1
      guard seen & 1 << index == 0 else {
        throw RecordProblem(field.rawValue, .duplicateKey, found: "the key twice", expected: "each key once")
      }
      seen |= 1 << index
      try readValue(bytes, field, into: &result)
    }
    return result
  }

  private mutating func readValue(
    _ bytes: [UInt8], _ field: InteractionField, into result: inout RawInteraction
  ) throws(RecordProblem) {
    let kind = try scanner.kind(bytes)
    switch kind {
    case .null: try scanner.null(bytes)
    case .string where field.isText: result.set(field, text: try scanner.string(bytes))
    case .number where field.isText && field != .event:
      let found = try scanner.number(bytes)
      guard found.isInteger else {
        throw RecordProblem(field.rawValue, .wrongType, found: "a fraction", expected: "a string or an integer")
      }
      result.set(field, text: found.slice)
    case .number where !field.isText:
      result.set(field, number: try number(bytes, try scanner.number(bytes).slice.range, field))
    default:
      let expected = field == .event ? "a string" : field.isText ? "a string or an integer" : "a number"
      throw RecordProblem(field.rawValue, .wrongType, found: kind.phrase, expected: expected)
    }
  }

  private func number(_ bytes: [UInt8], _ range: Range<Int>, _ field: InteractionField) throws(RecordProblem) -> Double
  {
    // Ratings and weights are kept in single precision.
    let limit = field == .rating || field == .weight ? Double(Float.greatestFiniteMagnitude) : .infinity
    if let value = NumberParsing.double(bytes, range), abs(value) <= limit { return value }
    let expected = field == .timestamp ? "a number, such as seconds since 1970" : "a finite number"
    throw RecordProblem(
      field.rawValue, .invalidNumber, found: RecordProblem.excerpt(bytes, range), expected: expected)
  }
}
