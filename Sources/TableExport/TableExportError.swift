internal import Glibc

/// What went wrong while a table was written or a matrix was read.
public struct TableExportError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for callers that choose an exit code by it.
  public enum Code: String, Sendable {
    /// The destination cannot be created, written, or renamed.
    case cannotWrite
    /// The destination's file system, or the user's quota on it, is full.
    case diskFull
    /// An input file cannot be opened or read.
    case cannotRead
    /// A row does not fit the table that it was appended to.
    case invalidRow
    /// An input file is not what its format demands.
    case invalidFile
    /// An input file is well formed, but of a kind that is not read here.
    case unsupported
  }

  public let code: Code

  /// The file or folder that the failure is about.
  public let path: String

  /// What was found, what was expected, and what to do about it.
  public let message: String

  public init(_ code: Code, path: String, _ message: String) {
    self.code = code
    self.path = path
    self.message = message
  }

  public var description: String { "\(path): \(message)" }
}

extension TableExportError {
  /// The failure of a system call that was to write, told by `errno`.
  package static func writing(_ path: String, _ operation: String, errno number: Int32 = errno) -> TableExportError {
    if number == ENOSPC || number == EDQUOT {
      return TableExportError(
        .diskFull, path: path,
        "the disk is full (\(text(of: number))) while the program tried to \(operation); free some space and export again"
      )
    }
    return TableExportError(.cannotWrite, path: path, "cannot \(operation): \(text(of: number))")
  }

  /// The failure of a system call that was to read, told by `errno`.
  package static func reading(_ path: String, _ operation: String, errno number: Int32 = errno) -> TableExportError {
    TableExportError(.cannotRead, path: path, "cannot \(operation): \(text(of: number))")
  }

  private static func text(of number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
