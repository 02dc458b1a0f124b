internal import Glibc
public import TensorMath

/// Reads a matrix of floats from an NPY file, in row order, little-endian, of 2, 4 or 8 bytes an element. Rows are
/// read as they are asked for, so that a file may be larger than memory.
public final class NPYReader {
  /// Where in the file the elements are, and what they are.
  public let header: NPYHeader
  public let path: String
  private let descriptor: Int32
  private let kind: ElementKind

  private enum ElementKind: String {
    case half = "<f2"
    case single = "<f4"
    case double = "<f8"

    var size: Int {
      switch self {
      case .half: 2
      case .single: 4
      case .double: 8
      }
    }
  }

  public var rows: Int { header.shape[0] }
  public var columns: Int { header.shape[1] }

  /// Opens a file and checks that it holds every element that its header promises.
  public init(path: String) throws(TableExportError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .reading(path, "open the file") }
    do {
      let header = try Self.header(of: descriptor, path: path)
      kind = try Self.check(header, path: path)
      try Self.checkSize(header, elementSize: kind.size, descriptor: descriptor, path: path)
      self.header = header
    } catch {
      _ = close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// The whole matrix.
  public func readAll() throws(TableExportError) -> Matrix { try read(rows: 0..<rows) }

  /// Some consecutive rows. The memory taken is that of the rows.
  public func read(rows range: Range<Int>) throws(TableExportError) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) are outside 0..<\(rows)")
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(range.count * columns)
    let rowBytes = max(1, columns * kind.size)
    let step = max(1, Self.blockBytes / rowBytes)
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + step, range.upperBound)
      let block = try bytes(
        at: header.dataOffset + start * columns * kind.size, count: (end - start) * columns * kind.size)
      decode(block, into: &elements)
      start = end
    }
    return Matrix(rows: range.count, columns: columns, elements: elements)
  }

  private static let blockBytes = 4 << 20

  private func decode(_ block: [UInt8], into elements: inout ContiguousArray<Float>) {
    switch kind {
    case .half:
      for bits in littleEndian(block, as: UInt16.self) { elements.append(Self.float(half: bits)) }
    case .single:
      for bits in littleEndian(block, as: UInt32.self) { elements.append(Float(bitPattern: bits)) }
    case .double:
      for bits in littleEndian(block, as: UInt64.self) { elements.append(Float(Double(bitPattern: bits))) }
    }
  }

  private func littleEndian<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ block: [UInt8], as type: Bits.Type
  ) -> ContiguousArray<Bits> {
    let size = MemoryLayout<Bits>.size
    return unsafe ContiguousArray(unsafeUninitializedCapacity: block.count / size) { buffer, initialized in
      unsafe block.withUnsafeBytes { source in
        for index in 0..<(block.count / size) {
          let bits = unsafe source.loadUnaligned(fromByteOffset: index * size, as: Bits.self)
          unsafe buffer.initializeElement(at: index, to: Bits(littleEndian: bits))
        }
      }
      initialized = block.count / size
    }
  }

  /// The value of a half-precision number, by IEEE 754: `Float16` is not on every platform.
  private static func float(half bits: UInt16) -> Float {
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Float(bits & 0x3FF)
    let magnitude: Float =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
      }
    return bits >> 15 == 1 ? -magnitude : magnitude
  }

  private func bytes(at offset: Int, count: Int) throws(TableExportError) -> [UInt8] {
    let block = try Self.bytes(of: descriptor, at: offset, count: count, path: path)
    guard block.count == count else {
      throw TableExportError(.invalidFile, path: path, "the file became shorter while it was read")
    }
    return block
  }

  /// Up to `count` bytes; fewer where the file ends.
  private static func bytes(
    of descriptor: Int32, at offset: Int, count: Int, path: String
  ) throws(TableExportError) -> [UInt8] {
    var failure: Int32 = 0
    let block = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var done = 0
      while done < count {
        let received = unsafe pread(
          descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
        if received < 0 && errno == EINTR { continue }
        if received < 0 { failure = errno }
        guard received > 0 else { break }
        done += received
      }
      initialized = done
    }
    guard failure == 0 else { throw .reading(path, "read the file", errno: failure) }
    return block
  }

  private static func header(of descriptor: Int32, path: String) throws(TableExportError) -> NPYHeader {
    try NPYHeader(parsing: bytes(of: descriptor, at: 0, count: NPYHeader.prefixLength, path: path), path: path)
  }

  private static func check(_ header: NPYHeader, path: String) throws(TableExportError) -> ElementKind {
    guard let kind = ElementKind(rawValue: header.elementType) else {
      throw TableExportError(
        .unsupported, path: path,
        "the elements are '\(header.elementType)'; '<f2', '<f4' and '<f8' are read: save array.astype('<f4')")
    }
    guard header.shape.count == 2 else {
      throw TableExportError(
        .unsupported, path: path, "the array has the shape \(header.shape); a matrix with two dimensions is expected")
    }
    guard !header.isFortranOrder else {
      throw TableExportError(
        .unsupported, path: path, "the array is in column order; save numpy.ascontiguousarray(array)")
    }
    return kind
  }

  private static func checkSize(
    _ header: NPYHeader, elementSize: Int, descriptor: Int32, path: String
  ) throws(TableExportError) {
    let (count, overflow) = header.shape[0].multipliedReportingOverflow(by: header.shape[1])
    let (data, overflowOfData) = count.multipliedReportingOverflow(by: elementSize)
    let (size, overflowOfSize) = data.addingReportingOverflow(header.dataOffset)
    let (row, overflowOfRow) = header.shape[1].multipliedReportingOverflow(by: elementSize)
    guard !overflow && !overflowOfData && !overflowOfSize && !overflowOfRow && row <= Int(Int32.max) else {
      throw TableExportError(.invalidFile, path: path, "the shape \(header.shape) is beyond any file")
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .reading(path, "ask for the file's size") }
    guard Int(status.st_size) == size else {
      throw TableExportError(
        .invalidFile, path: path,
        "the file has \(status.st_size) bytes, its header promises \(size) (shape \(header.shape)); write it again")
    }
  }
}
