import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// An encoder that knows the numbers from 0: (n, 1) at unit length; an item without a number is absent, a negative
/// number a failure.
private struct NumberEncoder: ItemEncoder {
  var modality: Modality { .text }
  var dimensions: Int { 2 }
  var fingerprint: String { String(repeating: "0", count: 64) }
  var description: EncoderDescription { EncoderDescription(model: "numbers", architecture: "none", precision: nil) }

  func encode(_ items: [Item]) throws(EncoderError) -> EncodedBatch {
    var batch = EncodedBatch(
      vectors: Matrix(rows: items.count, columns: 2), isPresent: Array(repeating: false, count: items.count))
    for (row, item) in items.enumerated() {
      guard let number = Float(item.text) else { continue }
      guard number >= 0 else {
        batch.failures.append(EncodingFailure(index: row, reason: "negative"))
        continue
      }
      let length = (number * number + 1).squareRoot()
      (batch.vectors[row, 0], batch.vectors[row, 1]) = (number / length, 1 / length)
      batch.isPresent[row] = true
    }
    return batch
  }
}

/// Runs a worker over some input and returns its output.
private func answer(
  _ input: [UInt8], _ worker: EncoderWorker = EncoderWorker(encoder: NumberEncoder(), model: "numbers"),
  log: (String) -> Void = { _ in }
) throws -> (header: String, floats: [Float]) {
  try withTemporaryDirectory { folder in
    try Data(input).write(to: URL(fileURLWithPath: folder + "/in"))
    _ = FileManager.default.createFile(atPath: folder + "/out", contents: nil)
    let source = try #require(FileHandle(forReadingAtPath: folder + "/in"))
    let target = try #require(FileHandle(forWritingAtPath: folder + "/out"))
    try worker.run(input: source.fileDescriptor, output: target.fileDescriptor, log: log)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/out")))
    let end = try #require(bytes.firstIndex(of: 0x0A))
    let vectors = bytes[(end + 1)...]
    #expect(vectors.count % 4 == 0)
    let floats = stride(from: vectors.startIndex, to: vectors.endIndex, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(vectors[start + $1]) << UInt32(8 * $1) })
    }
    return (String(decoding: bytes[..<end], as: UTF8.self), floats)
  }
}

@Suite struct EncoderWorkerTests {
  @Test func theHeaderComesFirstAlsoWithoutInput() throws {
    let (header, floats) = try answer([])
    #expect(header == "{\"dimensions\":2,\"model\":\"numbers\"}" && floats.isEmpty)
  }

  @Test func linesAreAnsweredInOrderAcrossBatchesAndTheLastNeedsNoBreak() throws {
    let lines = (0..<1000).map { "{\"id\":\"\($0)\",\"text\":\"\($0)\",\"image\":null,\"more\":[1]}" }
    let (_, floats) = try answer(Array(lines.joined(separator: "\n").utf8))
    #expect(floats.count == 2000)
    #expect((0..<1000).allSatisfy { abs(floats[2 * $0] / floats[2 * $0 + 1] - Float($0)) < 1e-2 })
  }

  @Test func itemsWithoutAVectorAreAnsweredWithNaNAndTheReasonIsLogged() throws {
    let log = LogLines()
    let input = "{\"id\":\"a\"}\n{\"id\":\"b\\n\",\"text\":\"-1\"}\n{\"id\":\"c\",\"text\":\"0\"}\n"
    let (_, floats) = try answer(Array(input.utf8), log: log.append)
    #expect(floats[..<4].allSatisfy(\.isNaN) && floats[4...] == [0, 1])
    #expect(log.all == ["item a: no text to encode", "item b\u{FFFD}: negative"])
  }

  static let badLines = [
    ("", "no JSON object"), ("{\"id\":\"a\"", "no JSON object"), ("[]", "no JSON object"), ("7", "no JSON object"),
    ("{\"title\":\"a\"}", "no \"id\""), ("{\"id\":7}", "wrong type of \"id\""),
    ("{\"id\":\"a\",\"text\":[]}", "wrong type of \"text\""), ("\u{FEFF}x", "no JSON object"),
  ]

  @Test(arguments: badLines)
  func aBadLineIsNamedByItsNumber(line: String, reason: String) {
    let input = "{\"id\":\"a\",\"text\":\"1\"}\n" + line + "\n"
    let error = encoderError { _ = try answer(Array(input.utf8)) }
    #expect(error?.code == .workerProtocol)
    #expect(error?.message.hasPrefix("input line 2: ") == true && error?.message.contains(reason) == true, "\(error!)")
  }

  @Test func aLineThatIsTooLongIsRefusedBeforeItIsHeld() {
    var worker = EncoderWorker(encoder: NumberEncoder(), model: "numbers")
    worker.maximumLineBytes = 100
    let short = "{\"id\":\"a\",\"text\":\"\(String(repeating: "x", count: 60))\"}"
    #expect(encoderError { _ = try answer(Array(short.utf8), worker) } == nil)
    for ending in ["", "\n"] {
      let long = "{\"id\":\"a\",\"text\":\"\(String(repeating: "x", count: 200_000))\"}" + ending
      let error = encoderError { _ = try answer(Array(long.utf8), worker) }
      #expect(error?.code == .workerProtocol && error?.message.contains("longer than 100") == true)
    }
  }

  @Test func attributesReachTheTemplate() throws {
    let line = Array(
      "{\"id\":\"a\",\"attributes\":{\"brand\":\"x\",\"year\":1999,\"new\":true,\"none\":null,\"l\":[1]}}".utf8)
    let item = try WorkerRequest.item(from: line)
    #expect(item.attributes == ["brand": .string("x"), "year": .number(1999), "new": .boolean(true)])
  }

  @Test func aLineReadsBackAsTheItemItWasWrittenFrom() throws {
    for text in ["", "plain", "\"\\/\u{0}\u{1F}\u{7F}\u{2028}\r\n\t", "\u{1F468}\u{200D}\u{1F469} é ا"] {
      let item = Item(id: "i\(text)", title: text, imagePath: "/x/\(text)")
      let line = WorkerRequest.line(for: item, text: text)
      #expect(line.last == 0x0A && line.count { $0 == 0x0A } == 1)
      let back = try WorkerRequest.item(from: Array(line.dropLast()))
      #expect(back.id == item.id && back.title == text && back.text == text && back.imagePath == item.imagePath)
    }
  }

  @Test func damagedLinesAndHeadersNeverCrash() throws {
    let line = Array(
      #"{"id":"a\u00e9","title":null,"text":"wörter","image":"/a.jpg","attributes":{"a":1,"b":"c"}}"#.utf8)
    let header = Array(#"{"dimensions":768,"model":"a\"b","more":{"x":[1,2]}}"#.utf8)
    var random = RandomSource(seed: 11)
    var accepted = 0
    for _ in 0..<10_000 {
      if (try? WorkerRequest.item(from: damaged(line, using: &random))) != nil { accepted += 1 }
      guard let parsed = try? WorkerHeader(line: damaged(header, using: &random)) else { continue }
      #expect((1...WorkerHeader.dimensionLimit).contains(parsed.dimensions))
    }
    #expect(accepted > 0 && accepted < 9000)
  }

  @Test func aHeaderReadsBackAsItWasWritten() throws {
    let header = WorkerHeader(dimensions: 65_536, model: "a \"model\"\n\u{1F600}")
    #expect(try WorkerHeader(line: Array(header.line.dropLast())) == header)
    #expect(try WorkerHeader(line: Array("{\"dimensions\":1}".utf8)) == WorkerHeader(dimensions: 1, model: ""))
    let long = Array("{\"dimensions\":1,\"model\":\"\(String(repeating: "m", count: 70_000))\"}".utf8)
    #expect(encoderError { _ = try WorkerHeader(line: long) }?.message.contains("too long") == true)
  }

  @Test func theModelThatAWorkerIsGivenIsFoundOrExplained() throws {
    let image = try WorkerModel.load("builtin", modality: .image)
    #expect(image.encoder.modality == .image && image.name.contains(image.encoder.fingerprint))
    try withTemporaryDirectory { folder in
      var parameters = BuiltinTextEncoder.Parameters()
      (parameters.dimensions, parameters.sketchDimensions) = (8, 64)
      let fitted = try BuiltinTextEncoder.fit([numberedItems(30)], parameters: parameters)
      try fitted.write(to: folder + "/text.safetensors")
      let text = try WorkerModel.load(folder + "/text.safetensors", modality: .text)
      #expect(text.encoder.fingerprint == fitted.fingerprint)
      for (model, modality) in [
        ("builtin", Modality.text), (folder + "/none", .text), (folder + "/none", .image),
      ] {
        let error = encoderError { _ = try WorkerModel.load(model, modality: modality) }
        #expect(error?.message.contains("name") == true, "\(model), \(modality)")
      }
      for modality in Modality.allCases {
        let error = encoderError { _ = try WorkerModel.load(folder, modality: modality) }
        #expect(error?.message.contains("config.json") == true, "an empty folder, \(modality)")
      }
    }
  }
}

@Suite struct WorkerLogTests {
  @Test func theLastLinesAreKeptAndProgressBarsCountOnce() {
    let lines = LogLines()
    var log = WorkerLog(forward: lines.append)
    log.append(ArraySlice("10%\r20%\r100%\r\nplain\n\n".utf8))
    log.append(ArraySlice((0..<30).map { "line \($0)\n" }.joined().utf8))
    log.append(ArraySlice("without".utf8))
    log.append(ArraySlice(" a break".utf8))
    log.finish()
    #expect(lines.all.first == "100%" && lines.all.count == 33 && lines.all.last == "without a break")
    let kept = log.lastLines
    #expect(kept.count == WorkerLog.keptLines && kept.first == "line 11")
    let ending = log.ending
    #expect(ending.hasSuffix("\n  line 29\n  without a break"))
  }

  @Test func longLinesAreCut() {
    let lines = LogLines()
    var log = WorkerLog(forward: lines.append)
    for _ in 0..<100 { log.append(ArraySlice(repeatElement(UInt8(ascii: "a"), count: 1000))) }
    log.append(ArraySlice("\nnext\n".utf8))
    #expect(lines.all == [String(repeating: "a", count: WorkerLog.maximumLineBytes) + "…", "next"])
  }
}
