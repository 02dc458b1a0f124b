import Foundation

/// The built program, beside the test bundle.
let tesseraPath: String = {
  let executable =
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
  while folder.path != "/" {
    let candidate = folder.appendingPathComponent("tessera").path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), !isFolder.boolValue {
      return candidate
    }
    folder.deleteLastPathComponent()
  }
  // The runner of swift-testing may live in the toolchain; the build folder is below the package then.
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return root.appendingPathComponent(".build/release/tessera").path
}()

/// What a finished process left.
struct Outcome {
  var status: Int32
  var wasKilled: Bool
  var output: String
  var errors: String
}

/// Starts the program in a folder; `finish` waits for it.
struct RunningTessera {
  let process = Process()
  private let outputURL: URL
  private let errorURL: URL

  init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
    let name = UUID().uuidString
    outputURL = FileManager.default.temporaryDirectory.appendingPathComponent("\(name).out")
    errorURL = FileManager.default.temporaryDirectory.appendingPathComponent("\(name).err")
    for url in [outputURL, errorURL] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
    process.executableURL = URL(fileURLWithPath: tesseraPath)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputURL)
    process.standardError = try FileHandle(forWritingTo: errorURL)
    try process.run()
  }

  func finish() throws -> Outcome {
    process.waitUntilExit()
    defer { for url in [outputURL, errorURL] { try? FileManager.default.removeItem(at: url) } }
    return Outcome(
      status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
      output: try String(contentsOf: outputURL, encoding: .utf8),
      errors: try String(contentsOf: errorURL, encoding: .utf8))
  }
}

/// Runs the program to its end.
func tessera(_ arguments: String..., in folder: String, environment: [String: String] = [:]) throws -> Outcome {
  try RunningTessera(arguments, in: folder, environment: environment).finish()
}

/// Writes a small text-only catalogue and its pipeline file.
func writeJob(_ folder: String, items: Int = 40, changed: Set<Int> = [], extra: String = "") throws {
  let words = ["red", "wool", "scarf", "oak", "table", "steel", "knife", "glass", "lamp", "winter", "garden", "silk"]
  var lines = ""
  for index in 0..<items {
    let seed = changed.contains(index) ? index + 1000 : index
    let text = (0..<5).map { words[(seed * 5 + $0 * (seed % 7 + 1)) % words.count] }.joined(separator: " ")
    lines += "{\"id\":\"i\(index)\",\"title\":\"Item \(index)\",\"text\":\"\(text) \(seed % 11)\"}\n"
  }
  try lines.write(toFile: folder + "/items.jsonl", atomically: true, encoding: .utf8)
  let yaml = """
    name: tiny
    workspace: work
    catalog: { items: items.jsonl }
    encode: { text: { model: builtin, dimensions: 32 } }
    represent: { dimensions: 8 }
    quantize: { sizes: [8, 8], iterations: 5 }
    resolve: { policy: relocate }
    publish: {}
    export: [ { format: csv, path: ids.csv } ]
    \(extra)
    """
  try yaml.write(toFile: folder + "/pipeline.yaml", atomically: true, encoding: .utf8)
}

/// The exported table without its last column, the generation's number.
func exportedIDs(_ folder: String) throws -> [String] {
  try String(contentsOfFile: folder + "/work/ids.csv", encoding: .utf8).split(separator: "\n").map { line in
    String(line[..<(line.lastIndex(of: ",") ?? line.endIndex)])
  }
}
