internal import ArgumentParser
internal import PipelineEngine

/// Flags that every working command has.
struct OutputOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Say more: skipped stages, every step.")
  var verbose = false

  @Flag(help: "Print figures as JSON.")
  var json = false

  @Option(help: "Threads to use; 0 is all cores. Default: what the pipeline file says.")
  var threads: Int?

  func validate() throws {
    if let threads, !(0...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); give a number from 0 (all cores) to 1024")
    }
  }

  /// Applies what holds for the whole process.
  func apply() {
    if let threads { RunThreads.set(threads) }
  }

  func observer() -> any RunObserver {
    quiet ? SilentObserver() : ConsoleObserver(isVerbose: verbose)
  }
}
