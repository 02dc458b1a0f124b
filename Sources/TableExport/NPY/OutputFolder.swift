internal import Glibc

/// A folder that appears at its path whole or not at all: filled under a temporary name beside it, then renamed.
/// A folder that is there already is replaced only when it holds nothing but files of an earlier export.
final class OutputFolder {
  let path: String
  let temporaryPath: String
  private let names: [String]
  private var isCommitted = false

  /// - Parameter names: every file that the folder may hold.
  init(path: String, names: [String]) throws(TableExportError) {
    var path = path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    self.path = path
    self.names = names
    temporaryPath = OutputFile.temporaryName(beside: path)
    try Self.checkReplaceable(path, names: names)
    guard unsafe mkdir(temporaryPath, 0o777) == 0 else {
      throw .writing(path, "create a folder in \(OutputFile.folder(of: path))")
    }
  }

  deinit { if !isCommitted { Self.remove(temporaryPath) } }

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
    if hadFolder { Self.remove(retired) }
  }

  private static func checkReplaceable(_ path: String, names: [String]) throws(TableExportError) {
    for name in try entries(of: path) where !names.contains(name) {
      throw TableExportError(
        .cannotWrite, path: path,
        "the folder holds '\(name)', which is no part of an export; choose a new folder or an empty one")
    }
  }

  /// The names in a folder, none where there is no such folder.
  private static func entries(of path: String) throws(TableExportError) -> [String] {
    guard let folder = unsafe opendir(path) else {
      if errno == ENOENT { return [] }
      throw .writing(path, "open the folder")
    }
    defer { _ = unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a folder of ours with the files in it.
  private static func remove(_ path: String) {
    for name in (try? entries(of: path)) ?? [] { _ = unsafe unlink("\(path)/\(name)") }
    _ = unsafe rmdir(path)
  }
}
