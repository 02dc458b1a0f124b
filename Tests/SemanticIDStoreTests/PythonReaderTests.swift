import Foundation
import SemanticIDStore
import TestSupport
import Testing

/// The Python reader, against a store written here. Runs where `TESSERA_PYTHON`, or `python3`, has lmdb and numpy.
@Suite struct PythonReaderTests {
  @Test(.enabled(if: python != nil, "no Python with lmdb and numpy: set TESSERA_PYTHON"))
  func readsWhatThisProgramWrote() throws {
    try withTemporaryDirectory { (folder) throws in
      var draft = makeDraft(items: 60)
      draft.neighbors = NeighborColumns(
        neighborsPerItem: 3, rows: (0..<180).map { UInt32($0 % 4) }, itemSet: IdentifierColumn(["a", "b", "ç", "d"]))
      do {
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        try store.publish(makeDraft(items: 10, seed: 3))
        try store.publish(draft)
      }
      let expected = folder + "/expected.json"
      try JSONSerialization.data(withJSONObject: expectation(draft)).write(to: URL(fileURLWithPath: expected))
      let result = try run(
        ["-m", "unittest", "test_tessera_store"], ["TESSERA_STORE": folder, "TESSERA_EXPECTED": expected])
      #expect(result.status == 0, "\(result.text)")
      #expect(!result.text.contains("skipped"), "\(result.text)")
      let item = try run(["tessera_store.py", folder, "--item", "item-4"], [:])
      #expect(item.text.contains("\"semantic_id\": \"5-3-2+1\""), "\(item.text)")
      let verified = try run(["tessera_store.py", folder, "--verify", "--generation", "1"], [:])
      #expect(verified.text == "generation 1: 10 items, intact\n")
      #expect(try run(["tessera_store.py", folder, "--item", "nobody"], [:]).status == 1)
    }
  }

  private func expectation(_ draft: GenerationDraft) throws -> [String: Any] {
    var (records, neighbors): ([String: Any], [String: Any]) = ([:], [:])
    let columns = try #require(draft.neighbors)
    for row in draft.items.ids.indices {
      let record = draft.items.record(at: row)
      records[draft.items.ids[row]] =
        [
          record.semanticID.description, Int(record.flags.rawValue), Double(record.distance), record.contentHash,
        ] as [Any]
      neighbors[draft.items.ids[row]] = columns.rows[row * 3..<row * 3 + 3].map { Int($0) }
    }
    return [
      "generation": 2, "records": records, "neighbors": neighbors, "itemSet": Array(columns.itemSet),
      "centroids": draft.codebooks.map { $0.centroids.map(Double.init) },
      "prices": draft.codebooks.map { book -> Any in book.prices.map { $0.map(Double.init) } ?? NSNull() as Any },
    ]
  }
}

private let readerFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("tools/python")

private let python: String? = {
  let named = ProcessInfo.processInfo.environment["TESSERA_PYTHON"]
  return ([named].compactMap { $0 } + ["/usr/bin/python3", "/usr/local/bin/python3"]).first { path in
    (try? start(path, ["-c", "import lmdb, numpy"], [:]))?.status == 0
  }
}()

private func run(_ arguments: [String], _ environment: [String: String]) throws -> (status: Int32, text: String) {
  try start(try #require(python), arguments, environment)
}

private func start(
  _ path: String, _ arguments: [String], _ environment: [String: String]
) throws -> (status: Int32, text: String) {
  let (process, output) = (Process(), Pipe())
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = ["-B"] + arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  process.currentDirectoryURL = readerFolder
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}
