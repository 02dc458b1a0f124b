internal import Glibc
internal import TensorMath

/// A running worker and what is on its way to and from it.
///
/// One thread does both directions: it waits until a pipe can take or give bytes and moves what it can. So neither side
/// ever waits for the other to read first, and standard error never fills up unread.
struct WorkerConnection: ~Copyable {
  /// What an exchange can do about a worker that ended: start another.
  enum Outcome {
    case finished
    /// The worker ended with this many of the exchange's items answered.
    case ended(answered: Int)
  }

  private(set) var header = WorkerHeader(dimensions: 1, model: "")
  private var process: WorkerProcess
  private var log: WorkerLog
  private let name: String
  private let settings: ExternalEncoder.Settings
  private let isCancelled: @Sendable () -> Bool

  private var outgoing: [UInt8] = []
  private var written = 0
  private var incoming: [UInt8] = []
  private var outputHasEnded = false
  private var errorsHaveEnded = false

  private init(
    process: consuming WorkerProcess, log: consuming WorkerLog, settings: ExternalEncoder.Settings,
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.process = process
    self.log = log
    self.settings = settings
    self.isCancelled = isCancelled
    name = settings.name
  }

  /// Starts the worker and reads its header.
  static func open(
    _ settings: ExternalEncoder.Settings, log: @escaping @Sendable (String) -> Void,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws(EncoderError) -> WorkerConnection {
    var connection = WorkerConnection(
      process: try WorkerProcess.start(settings.command, in: settings.folder), log: WorkerLog(forward: log),
      settings: settings, isCancelled: isCancelled)
    connection.header = try connection.readHeader()
    return connection
  }

  private mutating func readHeader() throws(EncoderError) -> WorkerHeader {
    let deadline = ContinuousClock.now + settings.startTimeout
    while true {
      if let end = incoming.firstIndex(of: 0x0A) {
        let line = Array(incoming[..<end])
        incoming.removeSubrange(...end)
        do {
          return try WorkerHeader(line: line)
        } catch {
          throw failure(.workerProtocol, "answered badly: \(error.message)")
        }
      }
      if incoming.count > WorkerHeader.maximumBytes {
        throw failure(
          .workerProtocol, "wrote \(incoming.count) bytes without a line break where its header was expected")
      }
      if outputHasEnded { throw failure(.workerFailed, "\(stop()) before it wrote its header") }
      guard ContinuousClock.now < deadline else {
        throw failure(.workerTimeout, "did not write its header within \(settings.startTimeout)")
      }
      try turn()
    }
  }

  /// Sends lines and takes as many vectors, in order.
  /// - Parameters:
  ///   - line: the line of the item at a position, with its line break.
  ///   - take: a vector, and the position of its item.
  mutating func exchange(
    count: Int, line: (Int) -> [UInt8], take: (Int, Span<Float>) -> Void
  ) throws(EncoderError) -> Outcome {
    try expectSilence()
    let width = header.dimensions * 4
    var vector = [Float](repeating: 0, count: header.dimensions)
    var sent = 0, answered = 0
    var lastAnswer = ContinuousClock.now
    while answered < count {
      while sent < count, sent - answered < settings.window, outgoing.count - written < Self.outgoingLimit {
        outgoing += line(sent)
        sent += 1
      }
      try turn()
      var start = 0
      while incoming.count - start >= width, answered < sent {
        decode(incoming[start..<start + width], into: &vector)
        take(answered, vector.span)
        answered += 1
        start += width
      }
      if start > 0 {
        incoming.removeSubrange(..<start)
        lastAnswer = .now
      } else if outputHasEnded {
        return .ended(answered: answered)
      } else if ContinuousClock.now - lastAnswer > settings.answerTimeout {
        throw failure(
          .workerTimeout,
          "did not answer within \(settings.answerTimeout), \(answered) of \(count) vectors of \(header.dimensions) "
            + "floats and \(incoming.count) bytes in; it may hang, hold answers back until its input ends, or write "
            + "fewer floats than it said")
      }
      if answered == sent, !incoming.isEmpty { throw tooMuch() }
    }
    try expectSilence()
    return .finished
  }

  /// Bytes that wait for a worker to read them; beyond that no more lines are made.
  private static let outgoingLimit = 1 << 20

  /// Between two batches nothing may come: bytes that nobody asked for would shift every vector after them.
  private mutating func expectSilence() throws(EncoderError) {
    try turn(milliseconds: Self.settlingTime)
    if !incoming.isEmpty { throw tooMuch() }
  }

  /// What the end of a write may need to arrive after its beginning was read.
  private static let settlingTime: Int32 = 1

  private mutating func tooMuch() -> EncoderError {
    failure(
      .workerProtocol,
      "wrote \(incoming.count) bytes that nobody asked for, \"\(printable(incoming.prefix(60)))\"; it may answer with "
        + "more than the \(header.dimensions) floats per item it said, or print to standard output")
  }

  /// Ends the worker in order: no more input, then the end of its output, without another byte.
  mutating func close() throws(EncoderError) {
    process.closeInput()
    let deadline = ContinuousClock.now + settings.stopTimeout
    while !outputHasEnded, incoming.isEmpty, ContinuousClock.now < deadline { try turn() }
    if !incoming.isEmpty { throw tooMuch() }
    if !outputHasEnded {
      log.append(ArraySlice("the worker did not end within \(settings.stopTimeout) of its input and was killed\n".utf8))
    }
    _ = stop()
  }

  /// Ends the worker at once, and says how it had ended.
  mutating func stop() -> WorkerProcess.Ending {
    // An end of output without an end of the process comes just before it, or from a worker that is broken.
    let ending = process.stop(grace: outputHasEnded ? .seconds(1) : .zero)
    while !errorsHaveEnded, drain(process.errors, errors: true) {}
    log.finish()
    return ending
  }

  /// An error about this worker, which is ended.
  mutating func failure(_ code: EncoderError.Code, _ what: String) -> EncoderError {
    _ = stop()
    return EncoderError(code, "the worker '\(name)' \(what)\(log.ending)")
  }

  /// Waits until a pipe is ready, and moves bytes.
  private mutating func turn(milliseconds: Int32 = 100) throws(EncoderError) {
    if isCancelled() {
      _ = stop()
      throw EncoderError(.cancelled, "stopped while the worker '\(name)' was at work")
    }
    let wantsToWrite = written < outgoing.count && process.input >= 0
    var polls = [
      pollfd(fd: wantsToWrite ? process.input : -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: outputHasEnded ? -1 : process.output, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errorsHaveEnded ? -1 : process.errors, events: Int16(POLLIN), revents: 0),
    ]
    guard unsafe poll(&polls, nfds_t(polls.count), milliseconds) > 0 else { return }
    if polls[0].revents != 0 { write() }
    if polls[1].revents != 0 { _ = drain(process.output, errors: false) }
    if polls[2].revents != 0 { _ = drain(process.errors, errors: true) }
  }

  private mutating func write() {
    let result = withoutPipeSignal {
      unsafe outgoing.withUnsafeBytes { bytes in
        unsafe Glibc.write(process.input, bytes.baseAddress! + written, bytes.count - written)
      }
    }
    if result > 0 { written += result }
    if result < 0, errno != EAGAIN, errno != EINTR {
      // Nobody reads any more. What was answered before still counts; the end of the output tells the rest.
      process.closeInput()
      written = outgoing.count
    }
    if written == outgoing.count || written > Self.outgoingLimit {
      outgoing.removeSubrange(..<written)
      written = 0
    }
  }

  /// Reads what a pipe has, up to some bytes; says whether there may be more.
  private mutating func drain(_ descriptor: Int32, errors isErrors: Bool) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe read(descriptor, &buffer, buffer.count)
    if count > 0 {
      if isErrors { log.append(buffer[..<count]) } else { incoming += buffer[..<count] }
      return true
    }
    if count < 0, errno == EAGAIN || errno == EINTR { return errno == EINTR }
    if isErrors { errorsHaveEnded = true } else { outputHasEnded = true }
    return false
  }
}

/// Little-endian floats from bytes.
private func decode(_ bytes: ArraySlice<UInt8>, into vector: inout [Float]) {
  unsafe bytes.withUnsafeBytes { bytes in
    for index in vector.indices {
      let pattern = unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
      vector[index] = Float(bitPattern: UInt32(littleEndian: pattern))
    }
  }
}
