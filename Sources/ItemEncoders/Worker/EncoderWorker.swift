internal import Glibc
internal import ItemCatalog
internal import TensorMath

/// The other side of the worker protocol: an encoder of ours that answers lines, so that another program, such as a
/// cluster engine, can drive it.
///
/// The header goes out before anything is read. Lines are answered as they come: what is at hand when the encoder is
/// free is one batch, so that a line never waits for lines that are still to come. An item that cannot be encoded, or
/// that has nothing to encode, is answered with NaN, and why goes to the log. Memory is bounded by a batch and by the
/// longest line that is allowed.
public struct EncoderWorker: Sendable {
  public let encoder: any ItemEncoder
  /// What the header calls the model.
  public let model: String
  /// Items encoded at a time, at most.
  public var batchSize = 256
  /// A longer line ends the worker.
  public var maximumLineBytes = 16 << 20

  public init(encoder: any ItemEncoder, model: String) {
    self.encoder = encoder
    self.model = model
  }

  /// Answers lines until the input ends.
  /// - Parameters:
  ///   - input: a file descriptor with one JSON object per line; the last line's break may be missing.
  ///   - output: a file descriptor for the header and the vectors, and for nothing else.
  ///   - log: hears why an item has no vector.
  /// - Throws: ``EncoderError/Code/workerProtocol`` for a line that is no item, by its number;
  ///   ``EncoderError/Code/unwritableEncoder`` where the output cannot be written.
  public func run(input: Int32, output: Int32, log: (String) -> Void) throws(EncoderError) {
    try write(WorkerHeader(dimensions: encoder.dimensions, model: model).line, to: output)
    var reader = WorkerLineReader(descriptor: input, maximumLineBytes: maximumLineBytes)
    var lineNumber = 0
    while true {
      let lines = try reader.lines(atMost: batchSize)
      if lines.isEmpty { break }
      var items: [Item] = []
      for line in lines {
        lineNumber += 1
        do {
          items.append(try WorkerRequest.item(from: line))
        } catch {
          throw EncoderError(
            error.code,
            "input line \(lineNumber): \(error.message); expected {\"id\":\"…\",\"title\":\"…\","
              + "\"text\":\"…\",\"image\":\"/absolute/path\"}, the last three of which may be null")
        }
      }
      try write(answers(to: items, log: log), to: output)
    }
    try encoder.finish()
  }

  /// The vectors' bytes, `items.count × dimensions` little-endian floats.
  private func answers(to items: [Item], log: (String) -> Void) throws(EncoderError) -> [UInt8] {
    let batch = try encoder.encode(items)
    let reasons = Dictionary(batch.failures.map { ($0.index, $0.reason) }) { "\($0); \($1)" }
    for row in items.indices where !batch.isPresent[row] {
      log("item \(printable(items[row].id.utf8)): \(reasons[row] ?? "no \(encoder.modality.rawValue) to encode")")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(items.count * encoder.dimensions * 4)
    for row in items.indices {
      for value in batch.vectors.row(row) {
        let pattern = (batch.isPresent[row] ? value : .nan).bitPattern
        bytes.append(UInt8(truncatingIfNeeded: pattern))
        bytes.append(UInt8(truncatingIfNeeded: pattern >> 8))
        bytes.append(UInt8(truncatingIfNeeded: pattern >> 16))
        bytes.append(UInt8(truncatingIfNeeded: pattern >> 24))
      }
    }
    return bytes
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) throws(EncoderError) {
    var done = 0
    while done < bytes.count {
      let count = withoutPipeSignal {
        unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw EncoderError(.unwritableEncoder, "cannot write vectors to standard output: \(systemText(errno))")
      }
      done += count
    }
  }
}

/// Lines from a descriptor, as many as are at hand.
struct WorkerLineReader {
  private let descriptor: Int32
  private let maximumLineBytes: Int
  private var buffer: [UInt8] = []
  private var start = 0
  /// Up to where the buffer is known to have no line break.
  private var searched = 0
  private var hasEnded = false

  init(descriptor: Int32, maximumLineBytes: Int) {
    self.descriptor = descriptor
    self.maximumLineBytes = maximumLineBytes
  }

  /// Waits for a line, and returns with it those that have come already; empty at the end of the input.
  mutating func lines(atMost limit: Int) throws(EncoderError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while lines.count < limit {
      if let line = takeLine() {
        guard line.count <= maximumLineBytes else { throw tooLong() }
        lines.append(line)
      } else if !lines.isEmpty {
        return lines
      } else if hasEnded {
        guard start < buffer.count else { return [] }
        lines.append(Array(buffer[start...]))
        start = buffer.count
      } else {
        guard buffer.count - start <= maximumLineBytes else { throw tooLong() }
        try readMore()
      }
    }
    return lines
  }

  private mutating func takeLine() -> [UInt8]? {
    guard let end = buffer[max(start, searched)...].firstIndex(of: 0x0A) else {
      searched = buffer.count
      return nil
    }
    defer { (start, searched) = (end + 1, end + 1) }
    return Array(buffer[start..<end])
  }

  private mutating func readMore() throws(EncoderError) {
    buffer.removeSubrange(..<start)
    (start, searched) = (0, buffer.count)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &block, block.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw EncoderError(.workerProtocol, "cannot read standard input: \(systemText(errno))")
      }
      buffer += block[..<count]
      hasEnded = count == 0
      return
    }
  }

  private func tooLong() -> EncoderError {
    EncoderError(
      .workerProtocol, "an input line is longer than \(maximumLineBytes) bytes; expected one JSON object per line")
  }
}
