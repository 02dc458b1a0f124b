internal import Glibc

/// A folder that appears at its path whole or not at all: filled under a temporary name beside it, then renamed.
/// A folder that is there already is replaced only when it holds nothing but files of an earlier export.
final class OutputFolder {
  let path: String
  let temporaryPath: String
  private let names: [String]
  private let descriptor: Int32
  private var isCommitted = false

  /// - Parameter names: every file that the folder may hold.
  init(path: String, names: [String]) throws(TableExportError) {
    var path = path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    self.path = path
    self.names = names
    try Self.checkReplaceable(path, names: names)
    (temporaryPath, descriptor) = try Self.openTemporary(for: path)
  }

  deinit {
    if !isCommitted { Temporaries.removeFolder(temporaryPath) }
    _ = close(descriptor)
  }

  private static func openTemporary(for path: String) throws(TableExportError) -> (path: String, descriptor: Int32) {
    while true {
      let candidate = OutputFile.temporaryName(beside: path)
      guard unsafe mkdir(candidate, 0o777) == 0 else {
        if errno == EEXIST { continue }
        throw .writing(path, "create a folder in \(OutputFile.folder(of: path))")
      }
      let descriptor = unsafe open(candidate, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 || errno == ENOENT else { throw .writing(path, "open the folder \(candidate)") }
      if descriptor >= 0, Temporaries.hold(descriptor, at: candidate) { return (candidate, descriptor) }
      _ = close(descriptor)
    }
  }

  func commit() throws(TableExportError) {
    try syncFolder(temporaryPath)
    try Self.checkReplaceable(path, names: names)
    let retired = OutputFile.temporaryName(beside: path)
    let hadFolder = unsafe rename(path, retired) == 0
    guard hadFolder || errno == ENOENT else { throw .writing(path, "move the earlier export aside") }
    guard unsafe rename(temporaryPath, path) == 0 else {
      let failure = TableExportError.writing(path, "rename the finished folder into place")
      if hadFolder { _ = unsafe rename(retired, path) }
      throw failure
    }
    isCommitted = true
    try syncFolder(OutputFile.folder(of: path))
    if hadFolder { Temporaries.removeFolder(retired) }
  }

  private static func checkReplaceable(_ path: String, names: [String]) throws(TableExportError) {
    for name in try Temporaries.entries(of: path) where !names.contains(name) {
      throw TableExportError(
        .cannotWrite, path: path,
        "the folder holds '\(name)', which is no part of an export; choose a new folder or an empty one")
    }
  }
}
