internal import CChildProcess
internal import Glibc

/// A running worker: a process that leads its own process group, and the three pipes to it.
///
/// The group is what is killed, so that a shell script's children die with it. Being another group than ours, it does
/// not get the terminal's Ctrl-C either: we decide when it ends. Dies with the value.
struct WorkerProcess: ~Copyable {
  /// How a process ended.
  enum Ending: Equatable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)

    var description: String {
      switch self {
      case .exit(let status): "exited with status \(status)"
      case .signal(SIGKILL): "was killed by signal 9 (often for lack of memory)"
      case .signal(let number): "was killed by signal \(number)"
      }
    }
  }

  private let pid: pid_t
  private var ending: Ending?
  /// Our ends of the pipes, non-blocking; -1 once closed.
  private(set) var input: Int32
  let output: Int32
  let errors: Int32

  private init(pid: pid_t, input: Int32, output: Int32, errors: Int32) {
    (self.pid, self.input, self.output, self.errors) = (pid, input, output, errors)
  }

  deinit {
    if ending == nil {
      kill(-pid, SIGKILL)
      var status: Int32 = 0
      while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
    for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
  }

  /// Starts a command.
  /// - Parameters:
  ///   - command: the program, looked up in PATH unless it has a slash, and its arguments.
  ///   - folder: where it runs; a program with a relative path is looked up from there.
  static func start(_ command: [String], in folder: String?) throws(EncoderError) -> WorkerProcess {
    guard let program = command.first, !program.isEmpty, !command.contains(where: { $0.utf8.contains(0) }) else {
      throw EncoderError(.invalidParameter, "a worker's command is empty; name a program and its arguments")
    }
    var child = child_process()
    let status = unsafe withCStrings(command) { arguments in
      if let folder { return unsafe child_process_start(arguments, folder, &child) }
      return unsafe child_process_start(arguments, nil, &child)
    }
    guard status == 0 else {
      throw EncoderError(
        .workerFailed,
        "cannot start the worker '\(command.joined(separator: " "))'\(folder.map { " in '\($0)'" } ?? ""): "
          + "\(systemText(status)); check the program's name, PATH and its permission")
    }
    return WorkerProcess(pid: child.pid, input: child.input, output: child.output, errors: child.errors)
  }

  /// Tells the worker that no more input comes.
  mutating func closeInput() {
    guard input >= 0 else { return }
    close(input)
    input = -1
  }

  /// Whether the process itself has ended. Leaves it a zombie, so that its group's number stays taken.
  private var hasEnded: Bool {
    var information = unsafe siginfo_t()
    while true {
      let result = unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT)
      if result == 0 { return unsafe information.si_signo != 0 }
      if errno != EINTR { return true }
    }
  }

  /// Gives the process some time to end, kills what is left of its group, and says how the process ended.
  mutating func stop(grace: Duration) -> Ending {
    if let ending { return ending }
    closeInput()
    let deadline = ContinuousClock.now + grace
    while !hasEnded, ContinuousClock.now < deadline { usleep(2000) }
    kill(-pid, SIGKILL)
    var status: Int32 = 0
    while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let result: Ending = status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    ending = result
    return result
  }
}

/// Lends strings as C's array of pointers that ends with a null pointer.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers = unsafe strings.map { unsafe strdup($0) }
  unsafe pointers.append(nil)
  defer {
    for index in unsafe pointers.indices { unsafe free(pointers[index]) }
  }
  return unsafe pointers.withUnsafeBufferPointer { buffer in unsafe body(buffer.baseAddress!) }
}
