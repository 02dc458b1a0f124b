internal import Glibc

/// What tells an unchanged file from a changed one without reading it.
struct FileSignature: Equatable, Sendable {
  var size: Int64
  /// Modification time, nanoseconds since 1970.
  var modified: Int64
  var inode: UInt64

  /// Stands for a file that is not there.
  static let absent = FileSignature(size: -1, modified: 0, inode: 0)
}

/// What a path leads to.
struct FileStatus {
  enum Kind { case regular, folder, symbolicLink, other }
  var kind: Kind
  var signature: FileSignature

  /// Follows symbolic links unless told not to; nil when there is nothing or it cannot be looked at.
  init?(path: String, followingLinks: Bool = true) {
    var status = stat()
    let result = unsafe followingLinks ? stat(path, &status) : lstat(path, &status)
    guard result == 0 else { return nil }
    self.init(status)
  }

  init?(descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .folder
      case S_IFLNK: .symbolicLink
      default: .other
      }
    signature = FileSignature(
      size: Int64(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec),
      inode: UInt64(status.st_ino))
  }
}

/// Paths as the operating system and as text see them.
enum FilePath {
  /// The absolute path with every symbolic link resolved; nil when something on the way is missing.
  static func canonical(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// The part before the last slash; `.` for a bare name.
  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }

  /// Joins a relative path to an absolute folder and removes `.` and `..` by their names alone;
  /// nil when `..` climbs over the top.
  static func normalized(_ relative: String, in folder: String) -> String? {
    if folder.utf8.first == slash, isNormal(folder.utf8.dropFirst()), isNormal(relative.utf8) {
      return folder + "/" + relative
    }
    // By bytes: to `String`, a slash and an accent behind it are one character, which is no slash.
    var parts: [Substring] = []
    for part in (folder + "/" + relative).utf8.split(separator: slash) {
      if part.elementsEqual([dot, dot]) {
        guard parts.popLast() != nil else { return nil }
      } else if !part.elementsEqual([dot]) {
        parts.append(Substring(part))
      }
    }
    return "/" + parts.joined(separator: "/")
  }

  private static let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")

  /// Whether every part between slashes is a name: none is empty, `.` or `..`.
  private static func isNormal(_ path: some Sequence<UInt8>) -> Bool {
    var length = 0, dots = 0
    for byte in path {
      if byte == slash {
        if length <= 2, length == dots { return false }
        (length, dots) = (0, 0)
      } else {
        length += 1
        if byte == dot { dots += 1 }
      }
    }
    return length > 2 || length != dots
  }

  /// Whether an absolute path lies in a folder. Both must be normalized; compared byte by byte.
  static func isInside(_ path: String, _ folder: String) -> Bool {
    let prefix = folder == "/" ? "/" : folder + "/"
    return path.utf8.starts(with: prefix.utf8)
  }

  /// The files that a path or pattern names, in byte order. A name that exists is never read as a pattern.
  static func expand(_ pattern: String) throws(CatalogError) -> [String] {
    if FileStatus(path: pattern) != nil { return [pattern] }
    guard pattern.utf8.contains(where: { $0 == 0x2A || $0 == 0x3F || $0 == 0x5B }) else {
      throw CatalogError(.inputMissing, "\(pattern) does not exist; expected a file of items or interactions.")
    }
    var matches = unsafe glob_t()
    defer { unsafe globfree(&matches) }
    guard unsafe glob(pattern, GLOB_NOSORT, nil, &matches) == 0 else {
      throw CatalogError(.inputMissing, "no file matches \(pattern); expected at least one.")
    }
    var paths: [String] = []
    for index in 0..<Int(unsafe matches.gl_pathc) {
      if let path = unsafe matches.gl_pathv[index] { paths.append(unsafe String(cString: path)) }
    }
    // Byte order: the locale must not decide the order of rows.
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// All files that some patterns name, in order, each once.
  static func expand(_ patterns: [String]) throws(CatalogError) -> [String] {
    var paths: [String] = []
    var seen: Set<ByteString> = []
    for pattern in patterns {
      for path in try expand(pattern) where seen.insert(ByteString(path)).inserted { paths.append(path) }
    }
    guard !paths.isEmpty else { throw CatalogError(.inputMissing, "no input file is named; expected at least one.") }
    return paths
  }
}

/// The text of the last system error.
func systemErrorText(_ number: Int32 = errno) -> String {
  guard let text = unsafe strerror(number) else { return "error \(number)" }
  return unsafe String(cString: text)
}

/// A file open for reading; closed when the value dies.
struct InputFile: ~Copyable, Sendable {
  let descriptor: Int32
  let path: String

  private init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Opens a regular file. Anything else (folder, pipe, device) is refused: a pipe would block the night.
  static func open(_ path: String) throws(CatalogError) -> InputFile {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let number = errno
      throw CatalogError(
        number == ENOENT ? .inputMissing : .inputUnreadable, "\(path) cannot be read: \(systemErrorText(number)).")
    }
    let file = InputFile(descriptor: descriptor, path: path)
    guard let status = FileStatus(descriptor: descriptor), status.kind == .regular else {
      throw CatalogError(.inputUnreadable, "\(path) is not a regular file.")
    }
    return file
  }

  /// Bytes in the file now.
  var size: Int { FileStatus(descriptor: descriptor).map { Int($0.signature.size) } ?? 0 }

  /// Appends up to `count` bytes to `bytes`; returns how many came, 0 at the end of the file.
  func read(_ count: Int, appendingTo bytes: inout [UInt8]) throws(CatalogError) -> Int {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    var received = -1
    repeat {
      received = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress! + start, count) }
    } while received < 0 && errno == EINTR
    let number = errno
    bytes.removeLast(count - max(0, received))
    guard received >= 0 else {
      throw CatalogError(.inputUnreadable, "\(path) cannot be read: \(systemErrorText(number)).")
    }
    return received
  }

  /// Exactly `count` bytes from `offset`, or an error: the caller knows that they are there.
  func bytes(at offset: Int, count: Int) throws(CatalogError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let received = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done))
      }
      if received < 0 && errno == EINTR { continue }
      guard received > 0 else {
        let cause = received == 0 ? "it ends too early" : systemErrorText()
        throw CatalogError(.damagedTable, "\(path) cannot be read at byte \(offset + done): \(cause).")
      }
      done += received
    }
    return bytes
  }
}
