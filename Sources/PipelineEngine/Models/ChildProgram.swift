internal import Foundation

/// Programs that a command needs another language for.
enum ChildProgram {
  /// The Python to use: `TESSERA_PYTHON`, or `python3` of PATH.
  static var defaultPython: String { ProcessInfo.processInfo.environment["TESSERA_PYTHON"] ?? "python3" }

  /// Runs a Python to its end, or kills it when a signal asks the run to stop.
  /// - Parameters:
  ///   - log: a file that takes what it prints; its end is part of the error.
  ///   - purpose: what fails where it fails, such as "downloading …".
  static func run(
    _ python: String, _ arguments: [String], log: String, purpose: String
  ) throws(PipelineError) {
    try FileSystem.write("", to: log, isDurable: false)
    guard let output = FileHandle(forWritingAtPath: log) else { throw FileSystem.writeError(log) }
    defer { try? output.close() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    do {
      try process.run()
    } catch {
      throw PipelineError(.inputMissing, "\(purpose) needs \(python), which cannot be started: \(error)")
    }
    while process.isRunning {
      do throws(PipelineError) {
        try Interruption.check()
      } catch {
        process.terminate()
        process.waitUntilExit()
        throw error
      }
      usleep(20_000)
    }
    process.waitUntilExit()
    guard process.terminationReason != .exit || process.terminationStatus != 0 else { return }
    throw failure(python, purpose, status: process.terminationStatus, log: log)
  }

  private static func failure(
    _ python: String, _ purpose: String, status: Int32, log: String
  ) -> PipelineError {
    let bytes = (try? FileSystem.readSmallFile(log, limit: 1 << 20, what: "log")) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    let words = lines.suffix(8).map { "\n  " + $0 }.joined()
    if status == 127, lines.contains(where: { $0.hasPrefix("/usr/bin/env:") }) {
      return PipelineError(
        .inputMissing,
        "\(purpose) needs \(python), which is not there; install Python 3 with pip, or name one with TESSERA_PYTHON")
    }
    for module in ["pip", "numpy"] where lines.contains(where: { isMissing(module, in: $0) }) {
      let package = module == "pip" ? "python3-pip" : "python3-numpy"
      return PipelineError(
        .inputMissing,
        "\(purpose) needs \(module), which \(python) does not have; install it (Debian: \(package)), or name a Python "
          + "that has it with TESSERA_PYTHON")
    }
    return PipelineError(.inputMissing, "\(purpose) failed with status \(status):\(words)")
  }

  private static func isMissing(_ module: String, in line: Substring) -> Bool {
    line.hasSuffix("No module named \(module)") || line.hasSuffix("No module named '\(module)'")
  }

  /// A script of the package's `tools`: in the folder that `TESSERA_TOOLS` names, in a `tools` folder above this
  /// program, or in `share/tessera/tools` beside its `bin`.
  static func tool(_ name: String) throws(PipelineError) -> String {
    var candidates: [String] = []
    if let folder = ProcessInfo.processInfo.environment["TESSERA_TOOLS"] { candidates.append(folder + "/" + name) }
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      candidates += [folder.path + "/tools/" + name, folder.path + "/share/tessera/tools/" + name]
      folder.deleteLastPathComponent()
    }
    guard let found = candidates.first(where: FileSystem.exists) else {
      throw PipelineError(
        .inputMissing,
        "cannot find \(name), which converts this model; name the folder of the package's tools with "
          + "TESSERA_TOOLS")
    }
    return found
  }
}
