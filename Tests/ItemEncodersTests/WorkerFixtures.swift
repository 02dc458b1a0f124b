import Foundation
import ItemCatalog
import ItemEncoders
import Synchronization
import TensorMath
import TestSupport
import Testing

/// WorkerTestHelper lies next to the test binary.
let workerHelper = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  .appendingPathComponent("WorkerTestHelper").path

/// Lines that were logged, from any thread.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func append(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Settings for a worker that keeps or breaks the protocol in a way that WorkerTestHelper knows.
func helperSettings(_ mode: String, _ mark: String = "", modality: Modality = .text) -> ExternalEncoder.Settings {
  var settings = ExternalEncoder.Settings(
    command: [workerHelper, mode] + (mark.isEmpty ? [] : [mark]), modality: modality)
  settings.startTimeout = .seconds(30)
  settings.answerTimeout = .seconds(30)
  return settings
}

/// Items whose texts are the numbers from `first`: the helper answers n with (n, 1, 0, 0).
func numberedItems(_ count: Int, from first: Int = 0) -> [Item] {
  (first..<first + count).map { Item(id: "item \($0)", title: "t", text: "\($0)") }
}

/// The vector of number n, at unit length.
func expectedVector(_ number: Int) -> [Float] {
  let length = (Double(number) * Double(number) + 1).squareRoot()
  return [Float(Double(number) / length), Float(1 / length), 0, 0]
}

/// Whether each row is the number's vector, in order.
func expectNumbered(
  _ batch: EncodedBatch, from first: Int = 0, except: Set<Int> = [],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let wrong = batch.isPresent.indices.filter { row in
    if except.contains(row) { return batch.isPresent[row] }
    return !batch.isPresent[row]
      || zip(batch.vectors.row(row), expectedVector(first + row)).contains { abs($0 - $1) > 1e-6 }
  }
  #expect(wrong.isEmpty, "rows \(wrong.prefix(5)) are wrong", sourceLocation: sourceLocation)
}

/// The error that an action ends with.
func encoderError(_ body: () throws -> Void) -> EncoderError? {
  do {
    try body()
    return nil
  } catch {
    return error as? EncoderError
  }
}

/// Whether a process is there and no zombie.
func isAlive(_ pid: Int32) -> Bool {
  guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
  return !(status.split(separator: ")").last?.hasPrefix(" Z") ?? true)
}
