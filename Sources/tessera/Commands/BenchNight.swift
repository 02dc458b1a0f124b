internal import ArgumentParser
internal import Foundation
internal import PipelineEngine

/// Times whole nights of the sample catalogue, each in a process of its own, start-up included.
struct BenchNight: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "night", abstract: "Times a first, an unchanged and a second night of a sample catalogue.")
  @Option(help: "Items.") var items = 4_000
  @Option(help: "Users.") var users = 2_000
  @Option(help: "Seed.") var seed: UInt64 = 1
  @Flag(inversion: .prefixedNo, help: "Draw images.") var images = true
  @Option(help: "Work in this folder and keep it.", completion: .directory) var folder: String?
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  private struct Figures: Encodable {
    var product = "tessera \(Tessera.version)"
    var items: Int, images: Bool
    var first_s: Double, unchanged_s: Double, second_s: Double, second_over_first: Double
    var peak_mb: Int
  }

  func validate() throws {
    guard (16...10_000_000).contains(items) else { throw ValidationError("--items is from 16 to 10000000") }
  }

  func run() throws {
    let root = folder ?? FileManager.default.temporaryDirectory.path + "/tessera-bench-\(getpid())"
    defer { if folder == nil { try? FileManager.default.removeItem(atPath: root) } }
    try sample(root, night: 1)
    let first = try night(root)
    let unchanged = try night(root)
    try sample(root, night: 2)
    let second = try night(root)
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    try Output.jsonLine(
      Figures(
        items: items, images: images, first_s: first, unchanged_s: unchanged, second_s: second,
        second_over_first: second / first, peak_mb: Int(usage.ru_maxrss) >> 10))
  }

  private func sample(_ root: String, night: Int) throws {
    _ = try child([
      "sample", root, "--items", "\(items)", "--users", "\(users)", "--seed", "\(seed)", "--night", "\(night)",
      images ? "--images" : "--no-images", "--quiet",
    ])
  }

  private func night(_ root: String) throws -> Double {
    try child(["run", root + "/pipeline.yaml", "--quiet", "--threads", "\(threads)"])
  }

  /// Runs this program and returns its seconds.
  private func child(_ arguments: [String]) throws -> Double {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    let start = ContinuousClock.now
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw PipelineError(
        .invalidData, "tessera \(arguments.joined(separator: " ")) ended with \(process.terminationStatus)")
    }
    return start.duration(to: .now).inSeconds
  }
}
