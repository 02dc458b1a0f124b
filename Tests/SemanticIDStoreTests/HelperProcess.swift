import Foundation
import Testing

/// A running StoreTestHelper. Standard input is a pipe that `finish` closes; output is read line by line.
final class HelperProcess {
  let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  /// The helper lies next to the test binary.
  private static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("StoreTestHelper")

  init(_ arguments: [String], environment: [String: String] = [:]) throws {
    process.executableURL = Self.executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  /// The next line of output, or nil where there is none any more.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = String(decoding: buffer[buffer.startIndex..<end], as: UTF8.self)
        buffer.removeSubrange(buffer.startIndex...end)
        return line
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      buffer.append(more)
    }
  }

  /// Lets a waiting helper go on, and gives the rest of its output and its exit code; a signal's number counts negative.
  func finish() throws -> (lines: [String], status: Int32) {
    try input.fileHandleForWriting.close()
    var lines: [String] = []
    while let line = line() { lines.append(line) }
    process.waitUntilExit()
    return (lines, process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
  }

  func killNow() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Runs the helper to its end.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> (lines: [String], status: Int32)
  {
    try HelperProcess(arguments, environment: environment).finish()
  }
}
