public import ItemCatalog
internal import Synchronization
internal import TensorMath

/// An encoder in another program: any that speaks the worker protocol (`Schemas/worker.md`).
///
/// The program is started once, when the encoder is made, because its header says what it is; it stays until
/// ``finish()`` or the encoder's end. At most a window of items is on its way at a time, so memory does not grow with
/// the catalogue. A worker that dies is started once more, and what it had not answered is sent again; one that does
/// not answer in time, answers too much or dies again ends the run. No vector is taken that is not finite or is zero:
/// that item is reported as a failure. The others are scaled to unit length.
///
/// That an item's vector depends on that item alone is the worker's duty.
public struct ExternalEncoder: ItemEncoder {
  public struct Settings: Sendable {
    /// The program, looked up in PATH unless it has a slash, and its arguments.
    public var command: [String]
    public var modality: Modality
    /// Anything; part of the fingerprint. Change it when the program's vectors change but its command and its model's
    /// name do not.
    public var version = ""
    /// The string that is sent as `text`.
    public var template = TextTemplate.textOrTitle
    /// Where the program runs; nil for the current folder.
    public var folder: String?
    /// Items on their way at a time.
    public var window = 256
    /// For loading a model, until the header is there.
    public var startTimeout = Duration.seconds(600)
    /// From one answer to the next, while one is due.
    public var answerTimeout = Duration.seconds(120)
    /// From the end of its input to the program's end; it is killed after that.
    public var stopTimeout = Duration.seconds(10)
    /// How often a program that died is started again.
    public var restarts = 1

    public init(command: [String], modality: Modality) {
      self.command = command
      self.modality = modality
    }

    /// The command as messages show it.
    var name: String { printable(command.joined(separator: " ").utf8.prefix(200)) }
  }

  public let settings: Settings
  public let dimensions: Int
  /// What the worker's header calls its model.
  public let model: String
  public var description: EncoderDescription {
    EncoderDescription(model: model, architecture: "worker", precision: nil)
  }
  public let fingerprint: String
  public var modality: Modality { settings.modality }

  private let session: WorkerSession

  /// Starts the worker and reads its header.
  /// - Parameters:
  ///   - log: hears each line of the worker's standard error, on the thread that encodes.
  ///   - isCancelled: asked about ten times a second while the worker is waited for.
  /// - Throws: ``EncoderError/Code/workerFailed``, `workerTimeout` or `workerProtocol`.
  public init(
    _ settings: Settings, log: @escaping @Sendable (String) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(EncoderError) {
    guard settings.window > 0, settings.restarts >= 0 else {
      throw EncoderError(
        .invalidParameter,
        "a worker's window is \(settings.window) and its restarts \(settings.restarts); "
          + "the first is at least 1, the other at least 0")
    }
    self.settings = settings
    let connection = try WorkerConnection.open(settings, log: log, isCancelled: isCancelled)
    dimensions = connection.header.dimensions
    model = connection.header.model
    fingerprint = Self.fingerprint(settings, connection.header)
    session = WorkerSession(connection, settings: settings, log: log, isCancelled: isCancelled)
  }

  private static func fingerprint(_ settings: Settings, _ header: WorkerHeader) -> String {
    var hasher = ContentHasher()
    hasher.updateField("tessera worker 1")
    hasher.updateField(settings.modality.rawValue)
    hasher.update(UInt64(settings.command.count))
    for argument in settings.command { hasher.updateField(argument) }
    hasher.updateField(header.model)
    hasher.update(UInt64(header.dimensions))
    hasher.updateField(settings.version)
    hasher.updateField(settings.modality == .text ? settings.template.description : "")
    return hasher.finalize().hex
  }

  /// Has the worker encode the items that have the modality; others are absent and never sent.
  public func encode(_ items: [Item]) throws(EncoderError) -> EncodedBatch {
    var batch = EncodedBatch(
      vectors: Matrix(rows: items.count, columns: dimensions), isPresent: Array(repeating: false, count: items.count))
    var asked: [(index: Int, text: String)] = []
    for (index, item) in items.enumerated() {
      switch modality {
      case .text:
        let text = settings.template(item)
        if !isBlank(text) { asked.append((index, text)) }
      case .image where item.imagePath != nil: asked.append((index, settings.template(item)))
      case .image:
        if let image = item.image {
          batch.failures.append(EncodingFailure(index: index, reason: "image \(image) is missing or unusable"))
        }
      }
    }
    try session.exchange(count: asked.count) { position in
      WorkerRequest.line(for: items[asked[position].index], text: asked[position].text)
    } take: { position, vector in
      Self.store(vector, of: asked[position].index, in: &batch)
    }
    batch.failures.sort { $0.index < $1.index }
    return batch
  }

  /// Ends the worker, and throws where it wrote more than it was asked for.
  public func finish() throws(EncoderError) { try session.finish() }

  private static func store(_ vector: Span<Float>, of index: Int, in batch: inout EncodedBatch) {
    var square = 0.0
    for column in vector.indices { square += Double(vector[column]) * Double(vector[column]) }
    guard square.isFinite else {
      batch.failures.append(EncodingFailure(index: index, reason: "the worker answered a vector that is not finite"))
      return
    }
    guard square > 0 else {
      batch.failures.append(EncodingFailure(index: index, reason: "the worker answered a vector of zeros"))
      return
    }
    let scale = 1 / square.squareRoot()
    for column in vector.indices { batch.vectors[index, column] = Float(Double(vector[column]) * scale) }
    batch.isPresent[index] = true
  }
}

/// The one running worker of an encoder, and what is left of its restarts.
private final class WorkerSession: Sendable {
  private struct State: ~Copyable {
    var connection: WorkerConnection?
    var restartsLeft: Int
    /// After an error the worker is gone for good.
    var failure: EncoderError?
  }

  private let state: Mutex<State>
  private let header: WorkerHeader
  private let settings: ExternalEncoder.Settings
  private let log: @Sendable (String) -> Void
  private let isCancelled: @Sendable () -> Bool

  init(
    _ connection: consuming sending WorkerConnection, settings: ExternalEncoder.Settings,
    log: @escaping @Sendable (String) -> Void, isCancelled: @escaping @Sendable () -> Bool
  ) {
    header = connection.header
    state = Mutex(State(connection: connection, restartsLeft: settings.restarts))
    self.settings = settings
    self.log = log
    self.isCancelled = isCancelled
  }

  /// Has `count` lines answered, by a second worker where the first one dies.
  func exchange(
    count: Int, line: (Int) -> [UInt8], take: (Int, Span<Float>) -> Void
  ) throws(EncoderError) {
    guard count > 0 else { return }
    try state.withLock { state throws(EncoderError) in
      if let failure = state.failure { throw failure }
      do throws(EncoderError) {
        var done = 0
        while done < count {
          try start(&state)
          let base = done
          let outcome = try state.connection!.exchange(count: count - base) {
            line(base + $0)
          } take: {
            take(base + $0, $1)
          }
          guard case .ended(let answered) = outcome else { return }
          done += answered
          try restart(&state, answered: done, of: count)
        }
      } catch {
        state.connection = nil
        state.failure = error
        throw error
      }
    }
  }

  private func start(_ state: inout State) throws(EncoderError) {
    guard state.connection == nil else { return }
    let connection = try WorkerConnection.open(settings, log: log, isCancelled: isCancelled)
    guard connection.header == header else {
      throw EncoderError(
        .workerProtocol,
        "the worker '\(settings.name)' was started again and says it is another: model \"\(connection.header.model)\" "
          + "of \(connection.header.dimensions) dimensions after \"\(header.model)\" of \(header.dimensions)")
    }
    state.connection = consume connection
  }

  private func restart(_ state: inout State, answered: Int, of count: Int) throws(EncoderError) {
    let ending = state.connection!.stop()
    guard state.restartsLeft > 0 else {
      let times = settings.restarts == 0 ? "" : ", after \(settings.restarts) restart(s)"
      throw state.connection!.failure(
        .workerFailed, "\(ending) with \(answered) of \(count) items of a batch answered\(times)")
    }
    state.restartsLeft -= 1
    log("the worker '\(settings.name)' \(ending) with \(answered) of \(count) items of a batch answered; started again")
    state.connection = nil
  }

  func finish() throws(EncoderError) {
    try state.withLock { state throws(EncoderError) in
      guard state.connection != nil else { return }
      defer { state.connection = nil }
      do throws(EncoderError) {
        try state.connection!.close()
      } catch {
        state.failure = error
        throw error
      }
    }
  }
}
