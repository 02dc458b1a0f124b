import Testing

/// A value of Thrift's compact protocol, read without any knowledge of the structures.
indirect enum ThriftValue: Equatable {
  case boolean(Bool)
  case integer(Int64)
  case bytes([UInt8])
  case list([ThriftValue])
  case structure([Int: ThriftValue])

  subscript(_ field: Int) -> ThriftValue? {
    if case .structure(let fields) = self { fields[field] } else { nil }
  }
  var integer: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
  var bytes: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
  var string: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }
  var list: [ThriftValue]? { if case .list(let value) = self { value } else { nil } }
}

struct ThriftReader {
  let bytes: [UInt8]
  var position: Int

  mutating func structure() -> ThriftValue {
    var fields: [Int: ThriftValue] = [:]
    var last = 0
    while true {
      let header = byte()
      if header == 0 { return .structure(fields) }
      let difference = Int(header >> 4)
      last = difference == 0 ? Int(zigzag()) : last + difference
      fields[last] = value(of: header & 15)
    }
  }

  private mutating func value(of type: UInt8) -> ThriftValue {
    switch type {
    case 1, 2: return .boolean(type == 1)
    case 3: return .integer(Int64(Int8(bitPattern: byte())))
    case 4, 5, 6: return .integer(zigzag())
    case 8:
      let length = Int(variableLength())
      defer { position += length }
      return .bytes(Array(bytes[position..<position + length]))
    case 9:
      let header = byte()
      let count = header >> 4 == 15 ? Int(variableLength()) : Int(header >> 4)
      return .list((0..<count).map { _ in value(of: header & 15) })
    case 12: return structure()
    default:
      Issue.record("type \(type) is not expected")
      return .boolean(false)
    }
  }

  private mutating func byte() -> UInt8 {
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func variableLength() -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = byte()
      result |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return result }
      shift += 7
    }
  }

  private mutating func zigzag() -> Int64 {
    let raw = variableLength()
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }
}

/// Decodes Parquet's hybrid, straight from the specification and slowly.
func decodeHybrid(_ bytes: ArraySlice<UInt8>, width: Int, count: Int) -> [UInt16] {
  var values: [UInt16] = []
  var position = bytes.startIndex
  while values.count < count {
    var header = 0
    var shift = 0
    repeat {
      header |= Int(bytes[position] & 0x7F) << shift
      shift += 7
      position += 1
    } while bytes[position - 1] >= 0x80
    if header & 1 == 1 {
      let size = (header >> 1) * width
      for index in 0..<(header >> 1) * 8 {
        var value: UInt16 = 0
        for bit in 0..<width {
          let place = index * width + bit
          value |= UInt16(bytes[position + place / 8] >> UInt8(place % 8) & 1) << UInt16(bit)
        }
        values.append(value)
      }
      position += size
    } else {
      let value = UInt16(bytes[position]) | (width > 8 ? UInt16(bytes[position + 1]) << 8 : 0)
      values += Array(repeating: value, count: header >> 1)
      position += width > 8 ? 2 : 1
    }
  }
  #expect(position == bytes.endIndex, "every byte of the page is read")
  return Array(values.prefix(count))
}

/// Reads what the writer writes, and shares no code with it: uncompressed, required columns, data pages of version 1.
struct MinimalParquetReader {
  enum Value: Equatable {
    case integer(Int64)
    case float(UInt32)
    case string(String)
  }

  let bytes: [UInt8]
  let footer: ThriftValue

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    try #require(bytes.count > 12)
    #expect(bytes.prefix(4) == Array("PAR1".utf8)[...] && bytes.suffix(4) == Array("PAR1".utf8)[...])
    let length = bytes[(bytes.count - 8)..<(bytes.count - 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
    var reader = ThriftReader(bytes: bytes, position: bytes.count - 8 - length)
    footer = reader.structure()
    #expect(reader.position == bytes.count - 8, "the footer is as long as it says")
  }

  var schema: [ThriftValue] { footer[2]?.list ?? [] }
  var rowGroups: [ThriftValue] { footer[4]?.list ?? [] }
  var columnNames: [String] { schema.dropFirst().compactMap { $0[4]?.string } }

  /// All values of a column over all row groups.
  func values(of column: String) throws -> [Value] {
    let index = try #require(columnNames.firstIndex(of: column))
    var values: [Value] = []
    for group in rowGroups {
      let metadata = try #require(group[1]?.list?[index][3])
      #expect(metadata[3]?.list == [.bytes(Array(column.utf8))])
      values += try chunk(metadata)
    }
    return values
  }

  private func chunk(_ metadata: ThriftValue) throws -> [Value] {
    let type = try #require(metadata[1]?.integer)
    let start = try #require(metadata[11]?.integer ?? metadata[9]?.integer)
    let end = start + (try #require(metadata[7]?.integer))
    var reader = ThriftReader(bytes: bytes, position: start)
    var dictionary: [Value] = []
    var values: [Value] = []
    while reader.position < end {
      let page = reader.structure()
      let size = try #require(page[3]?.integer)
      let body = bytes[reader.position..<reader.position + size]
      if let header = page[7] {
        dictionary = plain(body, type: type, count: try #require(header[1]?.integer))
      } else {
        let header = try #require(page[5])
        let count = try #require(header[1]?.integer)
        if header[2]?.integer == 0 {
          values += plain(body, type: type, count: count)
        } else {
          let width = Int(try #require(body.first))
          values += decodeHybrid(body.dropFirst(), width: width, count: count).map { dictionary[Int($0)] }
        }
      }
      reader.position += size
    }
    #expect(reader.position == end, "the pages fill the column chunk")
    #expect(values.count == metadata[5]?.integer)
    return values
  }

  private func plain(_ body: ArraySlice<UInt8>, type: Int, count: Int) -> [Value] {
    var position = body.startIndex
    func little(_ size: Int) -> UInt64 {
      defer { position += size }
      return body[position..<position + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let values = (0..<count).map { _ -> Value in
      switch type {
      case 1: return .integer(Int64(little(4)))
      case 2: return .integer(Int64(bitPattern: little(8)))
      case 4: return .float(UInt32(little(4)))
      default:
        let length = Int(little(4))
        defer { position += length }
        return .string(String(decoding: body[position..<position + length], as: UTF8.self))
      }
    }
    #expect(position == body.endIndex, "the values fill the page")
    return values
  }
}
