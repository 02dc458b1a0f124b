import Foundation
import ItemCatalog
import ItemEncoders
import TestSupport
import Testing

/// Workers that break the protocol: each ends in an error that says what happened, or in rejected items, and none in a
/// wrong vector.
@Suite struct BadWorkerTests {
  struct Misbehavior: CustomTestStringConvertible, Sendable {
    var mode: String
    var code: EncoderError.Code
    var words: [String]
    var testDescription: String { mode }
  }

  static let badHeaders = [
    Misbehavior(mode: "garbage-header", code: .workerProtocol, words: ["Loading weights: 100%", "standard error"]),
    Misbehavior(mode: "array-header", code: .workerProtocol, words: ["no header", "[4]"]),
    Misbehavior(mode: "no-dimensions", code: .workerProtocol, words: ["no header"]),
    Misbehavior(mode: "zero-dimensions", code: .workerProtocol, words: ["1 to 65536"]),
    Misbehavior(mode: "too-many-dimensions", code: .workerProtocol, words: ["1 to 65536", "65537"]),
    Misbehavior(mode: "fractional-dimensions", code: .workerProtocol, words: ["4.5"]),
    Misbehavior(mode: "huge-header", code: .workerProtocol, words: ["without a line break"]),
    Misbehavior(mode: "no-header", code: .workerFailed, words: ["exited with status 3", "ModuleNotFoundError"]),
    Misbehavior(mode: "late-header", code: .workerTimeout, words: ["did not write its header within"]),
  ]

  @Test(arguments: badHeaders)
  func aBadHeaderIsAnErrorAtOnce(_ worker: Misbehavior) {
    var settings = helperSettings(worker.mode)
    if worker.mode == "late-header" { settings.startTimeout = .milliseconds(300) }
    let error = encoderError { _ = try ExternalEncoder(settings) }
    #expect(error?.code == worker.code)
    for word in worker.words { #expect(error?.message.contains(word) == true, "\(error?.message ?? "no error")") }
  }

  @Test func aProgramThatIsNotThereIsNamed() {
    let missing = ExternalEncoder.Settings(command: ["no-such-program-of-ours", "x"], modality: .text)
    let error = encoderError { _ = try ExternalEncoder(missing) }
    #expect(error?.code == .workerFailed && error?.message.contains("'no-such-program-of-ours x'") == true)
    var settings = helperSettings("ok")
    settings.folder = "/no/such/folder"
    #expect(encoderError { _ = try ExternalEncoder(settings) }?.message.contains("/no/such/folder") == true)
    settings.command = []
    #expect(encoderError { _ = try ExternalEncoder(settings) }?.code == .invalidParameter)
  }

  static let badAnswers = [
    Misbehavior(mode: "hang", code: .workerTimeout, words: ["10 of 100 vectors"]),
    Misbehavior(mode: "deaf-hang", code: .workerTimeout, words: ["10 of 100 vectors"]),
    Misbehavior(mode: "hoards", code: .workerTimeout, words: ["0 of 100", "until its input ends"]),
    Misbehavior(mode: "narrower", code: .workerTimeout, words: ["50 of 100", "fewer floats"]),
    Misbehavior(mode: "die", code: .workerFailed, words: ["status 7", "20 of 100", "RuntimeError: out of memory"]),
    Misbehavior(mode: "killed", code: .workerFailed, words: ["signal 9", "20 of 100"]),
    Misbehavior(mode: "short", code: .workerFailed, words: ["status 0", "20 of 100"]),
    Misbehavior(mode: "closes-output", code: .workerFailed, words: ["20 of 100"]),
    Misbehavior(mode: "wider", code: .workerProtocol, words: ["nobody asked for", "4 floats"]),
    Misbehavior(mode: "talks", code: .workerProtocol, words: ["bytes that nobody asked for"]),
    Misbehavior(mode: "early", code: .workerProtocol, words: ["bytes that nobody asked for"]),
  ]

  @Test(arguments: badAnswers)
  func aBadAnswerEndsTheRunWithItsReason(_ worker: Misbehavior) throws {
    var settings = helperSettings(worker.mode)
    if worker.code == .workerTimeout { settings.answerTimeout = .milliseconds(500) }
    let encoder = try ExternalEncoder(settings)
    let error = encoderError { _ = try encoder.encode(numberedItems(100)) }
    #expect(error?.code == worker.code, "\(error?.message ?? "no error")")
    for word in worker.words { #expect(error?.message.contains(word) == true, "\(error?.message ?? "no error")") }
    let again = encoderError { _ = try encoder.encode(numberedItems(1)) }
    #expect(again == error, "and stays ended")
  }

  @Test func bytesAfterTheLastAnswerAreAnErrorAtTheEnd() throws {
    let encoder = try ExternalEncoder(helperSettings("extra-bytes"))
    expectNumbered(try encoder.encode(numberedItems(10)))
    let error = encoderError { try encoder.finish() }
    #expect(error?.code == .workerProtocol && error?.message.contains("3 bytes that nobody asked for") == true)
  }

  @Test func aWorkerThatDiesOnceIsStartedAgainAndNothingIsLost() throws {
    try withTemporaryDirectory { folder in
      let log = LogLines()
      let encoder = try ExternalEncoder(helperSettings("die-once", folder + "/mark"), log: log.append)
      expectNumbered(try encoder.encode(numberedItems(700)))
      #expect(log.all.count { $0.contains("exited with status 7 with 10 of 700") && $0.contains("again") } == 1)
      expectNumbered(try encoder.encode(numberedItems(50, from: 50)), from: 50)
      try encoder.finish()
    }
  }

  @Test func withoutRestartsTheFirstDeathIsTheLast() throws {
    try withTemporaryDirectory { folder in
      var settings = helperSettings("die-once", folder + "/mark")
      settings.restarts = 0
      let encoder = try ExternalEncoder(settings)
      let error = encoderError { _ = try encoder.encode(numberedItems(100)) }
      #expect(error?.code == .workerFailed && error?.message.contains("10 of 100") == true)
    }
  }

  @Test func aWorkerThatComesBackAsAnotherIsRefused() throws {
    try withTemporaryDirectory { folder in
      let encoder = try ExternalEncoder(helperSettings("other-header", folder + "/mark"))
      let error = encoderError { _ = try encoder.encode(numberedItems(100)) }
      #expect(error?.code == .workerProtocol && error?.message.contains("another") == true, "\(error?.message ?? "")")
    }
  }

  @Test func vectorsThatAreNotFiniteOrZeroRejectTheirItems() throws {
    let encoder = try ExternalEncoder(helperSettings("nan"))
    let batch = try encoder.encode(numberedItems(300))
    #expect(batch.failures.map(\.index) == [3, 5, 6])
    #expect(batch.failures[0].reason.contains("not finite") && batch.failures[1].reason.contains("zeros"))
    expectNumbered(batch, except: [3, 5, 6])
    try encoder.finish()
  }

  @Test func largeFiniteVectorsAreScaledWithoutOverflow() throws {
    let encoder = try ExternalEncoder(helperSettings("large"))
    expectNumbered(try encoder.encode(numberedItems(50)))
    try encoder.finish()
  }
}
