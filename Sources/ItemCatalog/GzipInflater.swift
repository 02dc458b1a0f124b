internal import CZlib

/// Expands a gzip file of one or several members, and stops when the expansion is out of proportion.
@safe
final class GzipInflater: ByteSource {
  private let file: InputFile
  private let limits: CatalogLimits
  // zlib remembers the stream's address, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var inputPosition = 0
  private var consumed = 0
  private var produced = 0
  private var isMemberOpen = true

  private static let inputBytes = 64 << 10
  private static let outputBytes = 128 << 10

  init(_ file: consuming InputFile, limits: CatalogLimits) throws(CatalogError) {
    let path = file.path
    self.file = file
    self.limits = limits
    unsafe stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15 bits of window, plus 16: a gzip wrapper and nothing else.
    let result = unsafe inflateInit2_(stream, 15 + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw CatalogError(.inputUnreadable, "zlib cannot start on \(path): code \(result).") }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Appends up to `wanted` expanded bytes; returns how many, 0 at the end of the file.
  func read(_ wanted: Int, appendingTo bytes: inout [UInt8]) throws(CatalogError) -> Int {
    let count = min(wanted, Self.outputBytes)
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    var received = 0
    while received == 0 {
      guard try refill() else { break }
      received = try inflateOnce(into: &bytes, at: start, count: count)
      try checkExpansion()
    }
    bytes.removeLast(count - received)
    return received
  }

  /// Makes sure that input is at hand; false at a clean end of the file.
  private func refill() throws(CatalogError) -> Bool {
    guard inputPosition == input.count else { return true }
    input.removeAll(keepingCapacity: true)
    inputPosition = 0
    if try file.read(Self.inputBytes, appendingTo: &input) > 0 { return true }
    guard !isMemberOpen else {
      throw CatalogError(.badData, "\(file.path) is cut short: its gzip data has no end. Write the file again.")
    }
    return false
  }

  private func inflateOnce(into bytes: inout [UInt8], at start: Int, count: Int) throws(CatalogError) -> Int {
    if !isMemberOpen {
      unsafe inflateReset(stream)
      isMemberOpen = true
    }
    let available = input.count - inputPosition
    let position = inputPosition
    let result = unsafe bytes.withUnsafeMutableBufferPointer { output in
      unsafe input.withUnsafeMutableBufferPointer { source in
        unsafe stream.pointee.next_in = source.baseAddress! + position
        unsafe stream.pointee.avail_in = UInt32(available)
        unsafe stream.pointee.next_out = output.baseAddress! + start
        unsafe stream.pointee.avail_out = UInt32(count)
        return unsafe inflate(stream, Z_NO_FLUSH)
      }
    }
    let used = available - Int(unsafe stream.pointee.avail_in)
    let received = count - Int(unsafe stream.pointee.avail_out)
    inputPosition += used
    consumed += used
    produced += received
    guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
      throw CatalogError(
        .badData, "\(file.path) is not sound gzip data near byte \(consumed) (zlib code \(result)). Write it again.")
    }
    isMemberOpen = result != Z_STREAM_END
    return received
  }

  private func checkExpansion() throws(CatalogError) {
    let ratioBound = consumed.multipliedReportingOverflow(by: limits.expansionRatio)
    let isOutOfProportion =
      produced > limits.expansionGrace && !ratioBound.overflow && produced > ratioBound.partialValue
    guard produced <= limits.expandedBytes, !isOutOfProportion else {
      throw CatalogError(
        .badData,
        "\(file.path) expands to more than \(produced) bytes from \(consumed); expected at most "
          + "\(limits.expandedBytes) bytes and \(limits.expansionRatio) per compressed byte. "
          + "Check where the file comes from.")
    }
  }
}

/// CRC-32 (zlib's), which guards tables against disks and truncation, not against attackers.
enum Checksum {
  static func of(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
    extending(0, with: bytes, range)
  }

  static func extending(_ checksum: UInt32, with bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
    let part = bytes[range]
    let result = unsafe part.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return UInt(checksum) }
      return unsafe crc32_z(UInt(checksum), start.assumingMemoryBound(to: UInt8.self), buffer.count)
    }
    return UInt32(truncatingIfNeeded: result)
  }
}
