internal import Glibc

/// Runs `body` with SIGPIPE held back on this thread, so that a write into a pipe that nobody reads any more is an
/// error (`EPIPE`) and not the end of the process. The signal's handling elsewhere in the process stays as it is.
func withoutPipeSignal<Result: ~Copyable, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure)
  -> Result
{
  var pipeSignal = sigset_t(), pending = sigset_t(), previous = sigset_t()
  unsafe sigemptyset(&pipeSignal)
  unsafe sigaddset(&pipeSignal, SIGPIPE)
  unsafe sigpending(&pending)
  let wasPending = unsafe sigismember(&pending, SIGPIPE) == 1
  unsafe pthread_sigmask(SIG_BLOCK, &pipeSignal, &previous)
  defer {
    if !wasPending {
      // Taken out before the mask is lifted; the signal is sent to the writing thread, so nobody else can take it.
      var now = timespec()
      while unsafe sigtimedwait(&pipeSignal, nil, &now) < 0, errno == EINTR {}
    }
    unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
  }
  return try body()
}

/// The text of a system error.
func systemText(_ number: Int32) -> String {
  guard let text = unsafe strerror(number) else { return "error \(number)" }
  return unsafe String(cString: text)
}
