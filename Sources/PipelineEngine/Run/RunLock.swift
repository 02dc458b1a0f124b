internal import Foundation
internal import Glibc

/// Keeps two runs out of one workspace. The kernel drops the lock with the process, so a crash leaves none behind.
package final class RunLock: Sendable {
  private let file: Int32

  /// - Throws: ``PipelineError/Code/locked``, naming the holder's process, where another run holds the workspace.
  package init(workspace: String) throws(PipelineError) {
    let path = workspace + "/lock"
    let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard opened >= 0 else { throw FileSystem.writeError(path) }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      var bytes = [UInt8](repeating: 0, count: 32)
      let count = unsafe pread(opened, &bytes, bytes.count, 0)
      close(opened)
      let holder = String(decoding: bytes[..<max(0, count)], as: UTF8.self).prefix { $0.isNumber }
      let name = holder.isEmpty ? "another process" : "process \(holder)"
      throw PipelineError(
        .locked, "\(name) is running this pipeline in '\(workspace)'; wait for it to end, or stop it and run again")
    }
    let pid = Array("\(getpid())\n".utf8)
    ftruncate(opened, 0)
    _ = unsafe pwrite(opened, pid, pid.count, 0)
    file = opened
  }

  deinit {
    // Not by closing alone: a child process that is between its fork and its exec still has the descriptor.
    flock(file, LOCK_UN)
    close(file)
  }
}
