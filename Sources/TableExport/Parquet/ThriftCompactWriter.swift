/// Writes structures in Thrift's compact protocol, the encoding of Parquet's page headers and footer.
/// Source: Apache Thrift, `doc/specs/thrift-compact-protocol.md`.
struct ThriftCompactWriter {
  private(set) var bytes: [UInt8] = []
  /// The last field written in each open structure: a field header holds the difference to it.
  private var lastFields = [0]

  enum ElementType: UInt8 {
    case int32 = 5
    case binary = 8
    case structure = 12
  }

  /// Ends the outermost structure.
  mutating func stop() { bytes.append(0) }

  mutating func field(_ id: Int, _ value: Bool) { header(id, type: value ? 1 : 2) }

  mutating func field(_ id: Int, _ value: Int8) {
    header(id, type: 3)
    bytes.append(UInt8(bitPattern: value))
  }

  mutating func field(_ id: Int, _ value: Int16) {
    header(id, type: 4)
    zigzag(Int64(value))
  }

  mutating func field(_ id: Int, _ value: Int32) {
    header(id, type: 5)
    zigzag(Int64(value))
  }

  mutating func field(_ id: Int, _ value: Int64) {
    header(id, type: 6)
    zigzag(value)
  }

  mutating func field(_ id: Int, _ value: [UInt8]) {
    header(id, type: 8)
    binary(value)
  }

  mutating func field(_ id: Int, _ value: String) { field(id, [UInt8](value.utf8)) }

  /// A field that is a structure, whose fields `body` writes.
  mutating func structure(_ id: Int, _ body: (inout ThriftCompactWriter) -> Void) {
    header(id, type: ElementType.structure.rawValue)
    nested(body)
  }

  mutating func list<Element>(
    _ id: Int, _ elements: [Element], of type: ElementType, _ body: (inout ThriftCompactWriter, Element) -> Void
  ) {
    header(id, type: 9)
    if elements.count < 15 {
      bytes.append(UInt8(elements.count) << 4 | type.rawValue)
    } else {
      bytes.append(0xF0 | type.rawValue)
      variableLength(UInt64(elements.count))
    }
    for element in elements {
      if type == .structure {
        nested { body(&$0, element) }
      } else {
        body(&self, element)
      }
    }
  }

  /// An element of a list of integers.
  mutating func element(_ value: Int32) { zigzag(Int64(value)) }

  /// An element of a list of strings.
  mutating func element(_ value: String) { binary([UInt8](value.utf8)) }

  private mutating func nested(_ body: (inout ThriftCompactWriter) -> Void) {
    lastFields.append(0)
    body(&self)
    lastFields.removeLast()
    bytes.append(0)
  }

  private mutating func header(_ id: Int, type: UInt8) {
    let difference = id - lastFields[lastFields.count - 1]
    precondition((1...15).contains(difference), "a structure's fields are written in rising order")
    bytes.append(UInt8(difference) << 4 | type)
    lastFields[lastFields.count - 1] = id
  }

  private mutating func binary(_ value: [UInt8]) {
    variableLength(UInt64(value.count))
    bytes += value
  }

  private mutating func zigzag(_ value: Int64) { variableLength(UInt64(bitPattern: value << 1 ^ value >> 63)) }

  private mutating func variableLength(_ value: UInt64) { bytes.appendVariableLength(value) }
}

extension [UInt8] {
  /// Appends an unsigned integer seven bits a byte, the lowest first (ULEB128).
  mutating func appendVariableLength(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
