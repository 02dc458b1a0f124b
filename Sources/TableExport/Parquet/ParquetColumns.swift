/// The encoded pages of one column within one row group.
struct EncodedColumn {
  var dictionary: (values: Int, bytes: [UInt8])?
  var pages: [(values: Int, bytes: [UInt8])] = []
  var statistics: ParquetFormat.Statistics?
}

/// Strings, plain-encoded as they arrive: a length of four bytes, then UTF-8.
struct ByteArrayColumn {
  private(set) var bytes: [UInt8] = []
  private var pages: [(values: Int, end: Int)] = []
  private var pageStart = 0
  private var pageValues = 0
  private var minimum: Range<Int>?
  private var maximum: Range<Int>?
  private static let pageBytes = 1 << 20

  /// Appends one value, whose bytes `body` appends to the buffer.
  @inline(__always)
  mutating func append(pageRows: Int, _ body: (inout [UInt8]) -> Void) {
    let start = bytes.count
    bytes.append(0)
    bytes.append(0)
    bytes.append(0)
    bytes.append(0)
    body(&bytes)
    let length = UInt32(bytes.count - start - 4)
    for shift in 0..<4 { bytes[start + shift] = UInt8(truncatingIfNeeded: length >> UInt32(8 * shift)) }
    noteBounds(start + 4..<bytes.count)
    pageValues += 1
    if pageValues == pageRows || bytes.count - pageStart >= Self.pageBytes { endPage() }
  }

  private mutating func endPage() {
    guard pageValues > 0 else { return }
    pages.append((pageValues, bytes.count))
    pageStart = bytes.count
    pageValues = 0
  }

  private mutating func noteBounds(_ value: Range<Int>) {
    guard let low = minimum, let high = maximum else {
      minimum = value
      maximum = value
      return
    }
    if precedes(value, low) { minimum = value } else if precedes(high, value) { maximum = value }
  }

  /// Unsigned bytewise order, which is the order of UTF-8 strings in Parquet's statistics.
  private func precedes(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
    for offset in 0..<min(a.count, b.count) {
      let (x, y) = (bytes[a.lowerBound + offset], bytes[b.lowerBound + offset])
      if x != y { return x < y }
    }
    return a.count < b.count
  }

  /// The pages of all values since the last call.
  mutating func takePages() -> EncodedColumn {
    endPage()
    var encoded = EncodedColumn()
    var start = 0
    for page in pages {
      encoded.pages.append((page.values, Array(bytes[start..<page.end])))
      start = page.end
    }
    if let minimum, let maximum {
      encoded.statistics = ParquetFormat.Statistics(minimum: Array(bytes[minimum]), maximum: Array(bytes[maximum]))
    }
    bytes.removeAll(keepingCapacity: true)
    pages.removeAll()
    (pageStart, pageValues, minimum, maximum) = (0, 0, nil, nil)
    return encoded
  }
}

/// Integers of up to 16 bits, stored as INT32: by a dictionary of the values that occur, or plain where that is
/// smaller.
struct SmallIntegerColumn {
  private var values: [UInt16] = []

  @inline(__always)
  mutating func append(_ value: UInt16) { values.append(value) }

  mutating func takePages(pageRows: Int) -> EncodedColumn {
    defer { values.removeAll(keepingCapacity: true) }
    var indices = [UInt16](repeating: 0, count: 65_536)
    for value in values { indices[Int(value)] = 1 }
    var dictionary: [UInt16] = []
    for value in 0..<65_536 where indices[value] == 1 {
      indices[value] = UInt16(dictionary.count)
      dictionary.append(UInt16(value))
    }
    let width = indexWidth(of: dictionary.count)
    var encoded = EncodedColumn()
    if dictionary.count * 4 + (values.count * width + 7) / 8 < values.count * 4 {
      for position in values.indices { values[position] = indices[Int(values[position])] }
      encoded.dictionary = (dictionary.count, plain(dictionary[...]))
      encoded.pages = dictionaryPages(values, width: width, pageRows: pageRows)
    } else {
      encoded.pages = chunks(values, of: pageRows).map { ($0.count, plain($0)) }
    }
    if let first = dictionary.first, let last = dictionary.last {
      encoded.statistics = ParquetFormat.Statistics(minimum: plain([first]), maximum: plain([last]))
    }
    return encoded
  }

  private func plain(_ values: ArraySlice<UInt16>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 4)
    for value in values { bytes.appendLittleEndian(UInt32(value)) }
    return bytes
  }
}

/// Integers of 64 bits: a dictionary of one entry where all are the same, plain otherwise.
struct LargeIntegerColumn {
  private var values: [Int64] = []

  @inline(__always)
  mutating func append(_ value: Int64) { values.append(value) }

  mutating func takePages(pageRows: Int) -> EncodedColumn {
    defer { values.removeAll(keepingCapacity: true) }
    var encoded = EncodedColumn()
    guard let first = values.first, let minimum = values.min(), let maximum = values.max() else { return encoded }
    encoded.statistics = ParquetFormat.Statistics(minimum: plain([minimum]), maximum: plain([maximum]))
    if minimum == maximum && values.count > 2 {
      encoded.dictionary = (1, plain([first]))
      let indices = [UInt16](repeating: 0, count: values.count)
      encoded.pages = dictionaryPages(indices, width: indexWidth(of: 1), pageRows: pageRows)
    } else {
      encoded.pages = chunks(values, of: pageRows).map { ($0.count, plain($0)) }
    }
    return encoded
  }

  private func plain(_ values: ArraySlice<Int64>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 8)
    for value in values { bytes.appendLittleEndian(value) }
    return bytes
  }
}

/// Floats, plain. Bounds leave NaN out and widen zeros to both signs, as the format demands.
struct FloatColumn {
  private var values: [Float] = []

  @inline(__always)
  mutating func append(_ value: Float) { values.append(value) }

  mutating func takePages(pageRows: Int) -> EncodedColumn {
    defer { values.removeAll(keepingCapacity: true) }
    var encoded = EncodedColumn()
    encoded.pages = chunks(values, of: pageRows).map { ($0.count, plain($0)) }
    var bounds: (low: Float, high: Float)?
    for value in values where !value.isNaN {
      bounds = bounds.map { (Swift.min($0.low, value), Swift.max($0.high, value)) } ?? (value, value)
    }
    if let bounds {
      encoded.statistics = ParquetFormat.Statistics(
        minimum: plain([bounds.low == 0 ? -0.0 : bounds.low]), maximum: plain([bounds.high == 0 ? 0.0 : bounds.high]))
    }
    return encoded
  }

  private func plain(_ values: ArraySlice<Float>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 4)
    for value in values { bytes.appendLittleEndian(value.bitPattern) }
    return bytes
  }
}

/// Bits of an index into a dictionary, at least one: not every reader takes indices of no bits.
private func indexWidth(of count: Int) -> Int { max(1, Int.bitWidth - max(0, count - 1).leadingZeroBitCount) }

private func dictionaryPages(_ indices: [UInt16], width: Int, pageRows: Int) -> [(values: Int, bytes: [UInt8])] {
  chunks(indices, of: pageRows).map { page in
    var bytes = [UInt8(width)]
    bytes.reserveCapacity(page.count * width / 8 + 64)
    RunLengthHybrid.encode(page, width: width, into: &bytes)
    return (page.count, bytes)
  }
}

private func chunks<Element>(_ values: [Element], of size: Int) -> [ArraySlice<Element>] {
  stride(from: 0, to: values.count, by: size).map { values[$0..<min($0 + size, values.count)] }
}
