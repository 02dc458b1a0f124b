/// The header of an NPY file: element type, order, shape, and where the elements begin.
/// Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays", versions 1.0 to 3.0.
public struct NPYHeader: Sendable, Equatable {
  /// NumPy's name of the element type, such as `<f4`.
  public let elementType: String
  public let isFortranOrder: Bool
  public let shape: [Int]
  /// The offset of the first element in the file.
  public let dataOffset: Int

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// The longest header that is read; NumPy's own limit is 10,000 bytes.
  static let longest = 65_536

  /// Reads the header from a file's first bytes.
  ///
  /// - Parameters:
  ///   - bytes: the start of the file, up to `prefixLength` bytes.
  ///   - path: named by errors.
  public init(parsing bytes: [UInt8], path: String) throws(TableExportError) {
    func invalid(_ message: String) -> TableExportError { TableExportError(.invalidFile, path: path, message) }
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
      throw invalid("this is not an NPY file: it does not start with \\x93NUMPY; write it with numpy.save")
    }
    let version = bytes[6]
    guard (1...3).contains(version), bytes[7] == 0 else {
      throw invalid("NPY version \(bytes[6]).\(bytes[7]) is not known; versions 1.0 to 3.0 are read")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else { throw invalid("the file ends within the header") }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    guard length <= Self.longest else {
      throw invalid("the header claims \(length) bytes, at most \(Self.longest) are read")
    }
    dataOffset = 8 + lengthBytes + length
    guard bytes.count >= dataOffset else { throw invalid("the file ends within the header of \(length) bytes") }
    do {
      var parser = DictionaryParser(bytes: bytes[(8 + lengthBytes)..<dataOffset])
      (elementType, isFortranOrder, shape) = try parser.parse()
    } catch {
      throw invalid("the header is damaged: \(error.reason)")
    }
  }

  /// How many of a file's first bytes hold any header that is read.
  static let prefixLength = 12 + longest

  /// The header of a little-endian array in row order, padded so that the elements begin at offset 128.
  package static func encoded(elementType: String, shape: [Int]) -> [UInt8] {
    let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(elementType)', 'fortran_order': False, 'shape': (\(dimensions)), }"
    let padding = encodedLength - 10 - text.utf8.count - 1
    precondition(padding >= 0, "an array of up to three dimensions has a short header")
    return magic + [1, 0] + [UInt8(encodedLength - 10), 0] + Array(text.utf8)
      + [UInt8](repeating: 0x20, count: padding) + [0x0A]
  }

  static let encodedLength = 128
}

/// Reads the Python dictionary that an NPY header is, and nothing else of Python.
private struct DictionaryParser {
  struct Failure: Error {
    let reason: String
  }

  let bytes: ArraySlice<UInt8>
  private var position: Int

  init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func parse() throws(Failure) -> (type: String, isFortranOrder: Bool, shape: [Int]) {
    var type: String?
    var order: Bool?
    var shape: [Int]?
    try expect("{")
    while !accept("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try elementType()
      case "fortran_order" where order == nil: order = try boolean()
      case "shape" where shape == nil: shape = try tuple()
      default: throw Failure(reason: "unexpected key '\(key.prefix(40))'")
      }
      guard accept(",") else {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.endIndex else { throw Failure(reason: "something follows the dictionary") }
    guard let type, let order, let shape else {
      throw Failure(reason: "one of 'descr', 'fortran_order' and 'shape' is missing")
    }
    return (type, order, shape)
  }

  private mutating func elementType() throws(Failure) -> String {
    guard !accept("[") else { throw Failure(reason: "a structured element type cannot be read; save one plain array") }
    return try string()
  }

  private mutating func string() throws(Failure) -> String {
    skipSpace()
    guard let quote = current, quote == 0x27 || quote == 0x22 else {
      throw Failure(reason: "a quoted name is expected")
    }
    position += 1
    let start = position
    while let byte = current, byte != quote {
      guard byte >= 0x20 && byte < 0x7F && byte != 0x5C else { throw Failure(reason: "a name is not plain ASCII") }
      position += 1
    }
    guard current == quote else { throw Failure(reason: "a quoted name does not end") }
    defer { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func boolean() throws(Failure) -> Bool {
    if accept("True") { return true }
    try expect("False")
    return false
  }

  private mutating func tuple() throws(Failure) -> [Int] {
    try expect("(")
    var extents: [Int] = []
    while !accept(")") {
      guard extents.count < 32 else { throw Failure(reason: "the shape has more than 32 dimensions") }
      extents.append(try integer())
      guard accept(",") else {
        try expect(")")
        break
      }
    }
    return extents
  }

  private mutating func integer() throws(Failure) -> Int {
    skipSpace()
    var value = 0
    let start = position
    while let byte = current, (0x30...0x39).contains(byte) {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int(byte) - 0x30)
      guard !overflow && !carry else { throw Failure(reason: "an extent of the shape is beyond 64 bits") }
      value = sum
      position += 1
    }
    guard position > start else { throw Failure(reason: "an extent of the shape is not a whole number") }
    return value
  }

  private var current: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { position += 1 }
  }

  private mutating func accept(_ word: StaticString) -> Bool {
    skipSpace()
    let utf8 = Array(word.description.utf8)
    guard bytes[position...].starts(with: utf8) else { return false }
    position += utf8.count
    return true
  }

  private mutating func expect(_ word: StaticString) throws(Failure) {
    guard accept(word) else { throw Failure(reason: "'\(word)' is missing") }
  }
}
