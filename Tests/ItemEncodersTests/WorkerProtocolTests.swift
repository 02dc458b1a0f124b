import Foundation
import ItemCatalog
import ItemEncoders
import Synchronization
import TensorMath
import TestSupport
import Testing

/// Answers each item's number; counts its batches and its ends, and fails when it is told to.
private final class CountingEncoder: ItemEncoder {
  let modality: Modality
  let dimensions = 1
  let fingerprint = String(repeating: "0", count: 64)
  let description = EncoderDescription(model: "counting", architecture: "none", precision: nil)
  private let state = Mutex<(batches: [Int], ends: Int)>(([], 0))
  private let failing: String?

  init(_ modality: Modality = .text, failingAt failing: String? = nil) {
    self.modality = modality
    self.failing = failing
  }

  var batches: [Int] { state.withLock { $0.batches } }
  var ends: Int { state.withLock { $0.ends } }

  func encode(_ items: [Item]) throws(EncoderError) -> EncodedBatch {
    if items.contains(where: { $0.id == failing }) { throw EncoderError(.workerFailed, "the model is gone") }
    state.withLock { $0.batches.append(items.count) }
    var batch = EncodedBatch(
      vectors: Matrix(rows: items.count, columns: 1), isPresent: items.map { Float($0.text) != nil })
    for (row, item) in items.enumerated() {
      batch.vectors[row, 0] = Float(item.text) ?? 0
      if item.text == "twice" {
        batch.failures += ["first", "second"].map { EncodingFailure(index: row, reason: $0) }
      }
    }
    return batch
  }

  func finish() { state.withLock { $0.ends += 1 } }
}

/// A worker on its own thread, with a pipe on either side.
private struct PipedWorker {
  let input = Pipe()
  let output = Pipe()
  private let outcome: Outcome

  private final class Outcome: Sendable {
    let error = Mutex<EncoderError?>(nil)
    let isDone = DispatchSemaphore(value: 0)
  }

  init(_ worker: EncoderWorker, log: @escaping @Sendable (String) -> Void = { _ in }) {
    outcome = Outcome()
    let (source, target) = (input.fileHandleForReading.fileDescriptor, output.fileHandleForWriting.fileDescriptor)
    Thread.detachNewThread { [outcome] in
      do throws(EncoderError) {
        try worker.run(input: source, output: target, log: log)
      } catch {
        outcome.error.withLock { $0 = error }
      }
      outcome.isDone.signal()
    }
  }

  func send(_ bytes: some Sequence<UInt8>) { input.fileHandleForWriting.write(Data(bytes)) }

  /// Waits for as many bytes of output.
  func receive(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = output.fileHandleForReading.readData(ofLength: count - bytes.count)
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// Ends the input; the error that the worker ended with.
  func finish() throws -> EncoderError? {
    try input.fileHandleForWriting.close()
    outcome.isDone.wait()
    return outcome.error.withLock { $0 }
  }
}

private let header = Array("{\"dimensions\":1,\"model\":\"m\"}\n".utf8)

private func line(_ number: Int) -> [UInt8] { Array("{\"id\":\"i\(number)\",\"text\":\"\(number)\"}\n".utf8) }

private func floats(_ bytes: [UInt8]) -> [Float] {
  stride(from: 0, to: bytes.count, by: 4).map { start in
    Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
  }
}

@Suite struct WorkerStreamTests {
  @Test func everyLineIsAnsweredBeforeTheNextOneIsSent() throws {
    let encoder = CountingEncoder()
    let worker = PipedWorker(EncoderWorker(encoder: encoder, model: "m"))
    #expect(worker.receive(header.count) == header, "the header waits for nothing")
    for number in 0..<20 {
      worker.send(line(number))
      #expect(floats(worker.receive(4)) == [Float(number)])
    }
    #expect(try worker.finish() == nil)
    #expect(encoder.batches == Array(repeating: 1, count: 20) && encoder.ends == 1)
  }

  @Test(arguments: [1, 3, 256]) func linesThatComeInPiecesAreAnsweredAlike(batchSize: Int) throws {
    var random = RandomSource(seed: UInt64(batchSize))
    let encoder = CountingEncoder()
    var settings = EncoderWorker(encoder: encoder, model: "m")
    settings.batchSize = batchSize
    let worker = PipedWorker(settings)
    let all = (0..<300).flatMap { line($0) }
    var sent = 0
    while sent < all.count {
      let end = min(all.count, sent + Int.random(in: 1...400, using: &random))
      worker.send(all[sent..<end])
      sent = end
    }
    #expect(worker.receive(header.count) == header)
    #expect(floats(worker.receive(4 * 300)) == (0..<300).map { Float($0) })
    #expect(try worker.finish() == nil)
    #expect(encoder.batches.reduce(0, +) == 300 && encoder.batches.allSatisfy { (1...batchSize).contains($0) })
  }

  @Test func anEncoderThatFailsEndsTheWorkerWithItsError() throws {
    let encoder = CountingEncoder(failingAt: "i1")
    let worker = PipedWorker(EncoderWorker(encoder: encoder, model: "m"))
    #expect(worker.receive(header.count) == header)
    worker.send(line(0))
    #expect(floats(worker.receive(4)) == [0])
    worker.send(line(1))
    #expect(try worker.finish() == EncoderError(.workerFailed, "the model is gone"))
    #expect(encoder.ends == 0)
  }

  @Test func whoeverStopsReadingIsAnErrorAndNoSignal() throws {
    let pipes = (Pipe(), Pipe())
    try pipes.1.fileHandleForReading.close()
    let worker = EncoderWorker(encoder: CountingEncoder(), model: "m")
    let error = encoderError {
      try worker.run(
        input: pipes.0.fileHandleForReading.fileDescriptor, output: pipes.1.fileHandleForWriting.fileDescriptor,
        log: { _ in })
    }
    #expect(error?.code == .unwritableEncoder)
    #expect(error?.message == "cannot write vectors to standard output: Broken pipe")
    let sink = Pipe()
    let closed = encoderError {
      try worker.run(input: -1, output: sink.fileHandleForWriting.fileDescriptor, log: { _ in })
    }
    #expect(closed?.message == "cannot read standard input: Bad file descriptor" && closed?.code == .workerProtocol)
    try sink.fileHandleForWriting.close()
  }

  @Test func reasonsAreJoinedAndTheModalityIsNamed() throws {
    let log = LogLines()
    let worker = PipedWorker(EncoderWorker(encoder: CountingEncoder(.image), model: "m"), log: log.append)
    worker.send(Array("{\"id\":\"a\",\"text\":\"twice\"}\r\n{\"id\":\"b\"}\n".utf8))
    #expect(worker.receive(header.count) == header)
    let answers = floats(worker.receive(8))
    #expect(answers.count == 2 && answers.allSatisfy { $0.isNaN })
    #expect(try worker.finish() == nil)
    #expect(log.all == ["item a: first; second", "item b: no image to encode"])
  }

  @Test(arguments: [0, 1]) func aLineOfExactlyTheLimitIsTaken(beyond: Int) throws {
    var settings = EncoderWorker(encoder: CountingEncoder(), model: "m")
    settings.maximumLineBytes = 100
    let start = "{\"id\":\"a\",\"text\":\"7\",\"x\":\""
    let text = start + String(repeating: "x", count: 100 + beyond - start.utf8.count - 2) + "\"}"
    for ending in ["\n", ""] {
      let worker = PipedWorker(settings)
      worker.send((text + ending).utf8)
      let error = try worker.finish()
      #expect((error == nil) == (beyond == 0), "\(ending.debugDescription)")
      if beyond > 0 {
        #expect(
          error?.message == "an input line is longer than 100 bytes; expected one JSON object per line")
      }
    }
  }
}

@Suite struct WorkerTextTests {
  /// The bytes that go to a worker, as another program reads them.
  @Test func everyStringReadsBackInAnotherProgram() throws {
    var random = RandomSource(seed: 21)
    let scalars: [Unicode.Scalar] = [
      "a", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "\u{2028}", "🙂",
    ]
    for _ in 0..<500 {
      func text() -> String {
        var view = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &random) { view.append(scalars.randomElement(using: &random)!) }
        return String(view)
      }
      let item = Item(id: text(), title: text(), imagePath: Bool.random(using: &random) ? text() : nil)
      let shown = text()
      let line = WorkerRequest.line(for: item, text: shown)
      #expect(line.dropLast().allSatisfy { $0 >= 0x20 }, "one line, without a bare control character")
      let object = try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      #expect(Set(object.keys) == ["id", "title", "text", "image"])
      for (key, value) in [("id", item.id), ("title", item.title), ("text", shown)] {
        #expect((object[key] as? String).map { Array($0.utf8) } == Array(value.utf8))
      }
      #expect((object["image"] as? String).map { Array($0.utf8) } == item.imagePath.map { Array($0.utf8) })
    }
  }

  @Test func badRequestsSayWhatIsWrong() {
    func message(_ line: String) -> String? {
      encoderError { _ = try WorkerRequest.item(from: Array(line.utf8)) }?.message
    }
    #expect(message("{}") == "no \"id\" in \"{}\"")
    #expect(message("{\"id\":null}") == "a wrong type of \"id\" in \"{\"id\":null}\"")
    #expect(message("{\"id\":\"a\",\"image\":5}") == "a wrong type of \"image\" in \"{\"id\":\"a\",\"image\":5}\"")
    #expect(message("[1]") == "no JSON object in \"[1]\"")
    #expect(message("\u{1B}[31m") == "no JSON object in \"\u{FFFD}[31m\"")
    let long = String(repeating: "x", count: 500)
    #expect(message(long) == "no JSON object in \"\(String(repeating: "x", count: 120))\"")
    #expect(message("{\"id\":\"a\",\"attributes\":{\"n\":null,\"o\":{}}}") == nil)
  }

  @Test func badHeadersSayWhatIsWrong() {
    func message(_ line: [UInt8]) -> String? { encoderError { _ = try WorkerHeader(line: line) }?.message }
    let expected =
      "; expected {\"dimensions\":768,\"model\":\"…\"} before anything else (all other output belongs on standard error)"
    #expect(
      message(Array("Loading\t1%\u{7}".utf8)) == "its first line is no header: \"Loading\t1%\u{FFFD}\"" + expected)
    #expect(message([0xFF, 0x41]) == "its first line is no header: \"\u{FFFD}A\"" + expected)
    for dimensions in ["0", "-1", "65537"] {
      let text = "{\"dimensions\":\(dimensions)}"
      #expect(
        message(Array(text.utf8)) == "its \"dimensions\" is no whole number from 1 to 65536: \"\(text)\"" + expected)
    }
    #expect(
      message([UInt8](repeating: 0x78, count: 121))
        == "its first line is no header: \"\(String(repeating: "x", count: 120))…\"" + expected)
    let long = [UInt8](repeating: 0x20, count: WorkerHeader.maximumBytes - 16) + Array("{\"dimensions\":1}".utf8)
    #expect(message(long) == nil, "the longest header")
    #expect(message([0x20] + long)?.hasPrefix("its first line is too long: ") == true)
  }

  @Test func logLinesDoNotDependOnHowTheyArrive() {
    var random = RandomSource(seed: 22)
    let text =
      "one\n\n\r\n10%\r20%\r30%\ntail\r\r\n\u{1B}[31mred\n" + String(repeating: "y", count: 4_096) + "\n"
      + String(repeating: "z", count: 4_097) + "\nlast"
    let bytes = Array(text.utf8) + [0xFF, 0x0A]
    let expected = [
      "one", "30%", "tail", "\u{FFFD}[31mred", String(repeating: "y", count: 4_096),
      String(repeating: "z", count: 4_096) + "…", "last\u{FFFD}",
    ]
    for size in [1, 2, 7, 5_000, bytes.count] {
      let lines = LogLines()
      var log = WorkerLog(forward: lines.append)
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...size, using: &random))
        log.append(bytes[start..<end])
        start = end
      }
      log.finish()
      log.finish()
      #expect(lines.all == expected)
      let kept = log.lastLines
      #expect(kept == expected)
    }
    let silent = WorkerLog(forward: { _ in })
    let ending = silent.ending
    #expect(ending == "; it wrote nothing to standard error")
  }
}

@Suite struct ExternalEncoderUseTests {
  @Test func settingsThatCannotWorkAreRefusedBeforeAnythingIsStarted() {
    for (window, restarts) in [(0, 1), (-5, 0), (1, -1)] {
      var settings = helperSettings("ok")
      (settings.window, settings.restarts) = (window, restarts)
      let error = encoderError { _ = try ExternalEncoder(settings) }
      #expect(error?.code == .invalidParameter)
      #expect(
        error?.message == "a worker's window is \(window) and its restarts \(restarts); the first is at least 1, the "
          + "other at least 0")
    }
    for command in [[""], [workerHelper, "o\u{0}k"]] {
      let error = encoderError { _ = try ExternalEncoder(ExternalEncoder.Settings(command: command, modality: .text)) }
      #expect(error?.code == .invalidParameter, "\(command)")
    }
  }

  @Test func threadsThatEncodeAtOnceGetTheirOwnVectors() throws {
    let encoder = try ExternalEncoder(helperSettings("ok"))
    DispatchQueue.concurrentPerform(iterations: 6) { thread in
      #expect(throws: Never.self) {
        for round in 0..<3 {
          let first = thread * 1_000 + round * 100
          expectNumbered(try encoder.encode(numberedItems(90, from: first)), from: first)
        }
      }
    }
    try encoder.finish()
    try encoder.finish()
  }

  @Test func aBatchWithNothingToSendNeedsNoWorker() throws {
    let encoder = try ExternalEncoder(helperSettings("die"))
    let items = [Item(id: "a", text: " \n\t"), Item(id: "b")]
    let batch = try encoder.encode(items)
    #expect(
      batch.isPresent == [false, false] && batch.failures.isEmpty && batch.vectors.elements.allSatisfy { $0 == 0 })
    #expect(try encoder.encode([]).vectors.rows == 0)
    // Ten answers are within what this worker gives; the eleventh kills it.
    expectNumbered(try encoder.encode(numberedItems(10)))
    try encoder.finish()
    expectNumbered(try encoder.encode(numberedItems(10)))
    try encoder.finish()
  }

  @Test func aProgramIsFoundInThePathAndGetsItsArgumentsAsTheyAre() throws {
    let script = "printf '{\"dimensions\":1,\"model\":\"%s|%s\"}\\n' \"$1\" \"$2\"; cat > /dev/null"
    let settings = ExternalEncoder.Settings(command: ["sh", "-c", script, "sh", "a b", "*"], modality: .text)
    let encoder = try ExternalEncoder(settings)
    #expect(encoder.model == "a b|*" && encoder.dimensions == 1 && encoder.description.architecture == "worker")
    try encoder.finish()
  }
}
