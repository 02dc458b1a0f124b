/// One item as `items.bin` holds it. Integers are little-endian; strings are UTF-8 after their length:
///
///     u8 id, u16 updated_at, u16 image (0xFFFF: absent), u32 title, u32 text,
///     u16 attributes, then for each, by name: u16 name, u8 kind, and u32 string | f64 number | u8 boolean
///
/// Everything from the title on is what the text hash covers.
enum ItemRecord {
  static let absent = UInt16.max
  static let stringKind: UInt8 = 0
  static let numberKind: UInt8 = 1
  static let booleanKind: UInt8 = 2

  /// The item that a range of bytes holds; nil when it holds none.
  static func decode(_ bytes: [UInt8], _ range: Range<Int>) -> Item? {
    var reader = ByteReader(bytes, range)
    guard let idLength = reader.integer(UInt8.self), let id = reader.string(Int(idLength)),
      let updatedAt = optionalString(&reader), let image = optionalString(&reader),
      let titleLength = reader.integer(UInt32.self), let title = reader.string(Int(titleLength)),
      let textLength = reader.integer(UInt32.self), let text = reader.string(Int(textLength)),
      let count = reader.integer(UInt16.self)
    else { return nil }
    var item = Item(id: id, title: title, text: text, image: image.value, updatedAt: updatedAt.value)
    for _ in 0..<count {
      guard let nameLength = reader.integer(UInt16.self), let name = reader.string(Int(nameLength)),
        let value = attribute(&reader)
      else { return nil }
      item.attributes[name] = value
    }
    return reader.isAtEnd ? item : nil
  }

  /// Where the id stands in a record; nil when the record is damaged.
  static func idRange(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
    var reader = ByteReader(bytes, range)
    return reader.integer(UInt8.self).flatMap { reader.range(Int($0)) }
  }

  private static func optionalString(_ reader: inout ByteReader) -> (value: String?, Void)? {
    guard let length = reader.integer(UInt16.self) else { return nil }
    guard length != absent else { return (nil, ()) }
    return reader.string(Int(length)).map { ($0, ()) }
  }

  private static func attribute(_ reader: inout ByteReader) -> AttributeValue? {
    switch reader.integer(UInt8.self) {
    case stringKind: reader.integer(UInt32.self).flatMap { reader.string(Int($0)) }.map { .string($0) }
    case numberKind: reader.integer(UInt64.self).map { .number(Double(bitPattern: $0)) }
    case booleanKind: reader.integer(UInt8.self).map { .boolean($0 != 0) }
    default: nil
    }
  }
}
