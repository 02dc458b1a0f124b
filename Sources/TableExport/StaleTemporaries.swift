internal import Glibc

/// The temporary files and folders of exports. A writer holds a lock on its own while it lives; what nobody holds a lock
/// on was left by one that was killed, on this machine or, where the file system has locks, on another.
enum Temporaries {
  private static let prefix = ".tessera-export-", suffix = ".tmp"

  /// A name in `folder` for writer `serial` of this process.
  static func name(in folder: String, serial: Int) -> String { "\(folder)/\(prefix)\(getpid())-\(serial)\(suffix)" }

  /// Locks what was just made at `path`. False where somebody took it for left over in between and removed it: the
  /// writer needs another name.
  static func hold(_ descriptor: Int32, at path: String) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
    return isStill(descriptor, at: path)
  }

  /// Whether the path still leads to what is open.
  private static func isStill(_ descriptor: Int32, at path: String) -> Bool {
    var opened = stat(), named = stat()
    return unsafe fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino
      && opened.st_dev == named.st_dev
  }

  /// Removes what killed writers left in a folder. What cannot be read or locked stays.
  static func collect(in folder: String) {
    for name in (try? entries(of: folder)) ?? [] where isOurs(name) {
      let path = "\(folder)/\(name)"
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0, isStill(descriptor, at: path), unsafe unlink(path) != 0 {
        removeFolder(path)
      }
      _ = close(descriptor)
    }
  }

  /// `.tessera-export-<process>-<serial>.tmp`, and nothing else.
  private static func isOurs(_ name: String) -> Bool {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.utf8.count > prefix.utf8.count + suffix.utf8.count else {
      return false
    }
    let numbers = name.dropFirst(prefix.count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    return numbers.count == 2 && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
  }

  /// Removes a folder of ours with the files in it.
  static func removeFolder(_ path: String) {
    for name in (try? entries(of: path)) ?? [] { _ = unsafe unlink("\(path)/\(name)") }
    _ = unsafe rmdir(path)
  }

  /// The names in a folder, none where there is no such folder.
  static func entries(of path: String) throws(TableExportError) -> [String] {
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
}
