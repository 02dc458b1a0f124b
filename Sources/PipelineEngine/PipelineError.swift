/// What stopped a pipeline: the kind decides the exit code, the message says what was found, what was expected and
/// what to do.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The command was used wrongly.
    case usage
    /// A configuration, a catalogue or a stored file holds something it must not.
    case invalidData
    /// A file or folder that the pipeline reads is not there.
    case inputMissing
    /// Something that must hold did not: our bug.
    case internalFault
    /// The workspace or an output cannot be written.
    case cannotWrite
    /// Another run holds the workspace.
    case locked
    /// A signal asked the run to stop, and it did at a safe point.
    case interrupted
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }

  /// The process exit code of this error, after BSD's `sysexits.h`; 130 is a shell's code for an interrupted program.
  public var exitCode: Int32 {
    switch code {
    case .usage: 64
    case .invalidData: 65
    case .inputMissing: 66
    case .internalFault: 70
    case .cannotWrite: 73
    case .locked: 75
    case .interrupted: 130
    }
  }
}
