internal import Foundation

/// Whether files have to outlive a power cut, or only this process.
///
/// What a night of few changes leaves between its stages takes less time to make again than to wait for: some thirty
/// files, a flush of the disk each. Such files are written without waiting, and their stage's manifest names the start
/// of the system that they were written under. After a crash of the program they are all there; after a restart of the
/// system they may not be, so the stage runs again. What is served, the embedding cache, models and exported tables are
/// always waited for, and so are the stages of a night that encodes every item.
package enum SystemStart {
  /// What the kernel calls its present run; nil where it does not say. Tests give their own.
  @TaskLocal package static var identity: String? = {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let bytes = try? FileSystem.readSmallFile(path, limit: 100, what: "boot identity") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }()

  /// Whether the files that a stage writes now are waited for.
  @TaskLocal static var waitsForDisk = true

  /// The start that the files written now depend on; nil where they outlive it.
  static var neededIdentity: String? { waitsForDisk ? nil : identity }

  /// Runs a stage: what it writes depends on this start of the system where the kernel names it and the files are
  /// `cheap` to make again.
  static func writing<Result>(cheap: Bool, _ body: () throws -> Result) rethrows -> Result {
    try $waitsForDisk.withValue(!cheap || identity == nil) { try body() }
  }
}
