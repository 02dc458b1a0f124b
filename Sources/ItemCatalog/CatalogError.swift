/// What stopped a catalogue from being read, built or opened. Single bad records never do: they are rejected.
public struct CatalogError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// An input file or folder does not exist, or a pattern matches nothing.
    case inputMissing
    /// An input exists but cannot be read.
    case inputUnreadable
    /// An input as a whole is unusable: no header, damaged gzip, unknown format.
    case badData
    /// More records were rejected than the pipeline allows.
    case tooManyRejected
    /// The table cannot be written.
    case cannotWrite
    /// A table on disk is truncated, damaged or of another version.
    case damagedTable
  }

  public let code: Code
  /// What was found, what was expected and what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The process exit code of this failure (sysexits.h): 65 bad data, 66 input missing, 73 cannot write.
  public var exitCode: Int32 {
    switch code {
    case .inputMissing, .inputUnreadable: 66
    case .badData, .tooManyRejected, .damagedTable: 65
    case .cannotWrite: 73
    }
  }

  public var description: String { message }
}
