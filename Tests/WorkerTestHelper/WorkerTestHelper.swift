import Glibc

// A worker for the tests of external encoders. The first argument says whether it keeps the protocol or how it breaks
// it; the second, where a mode needs one, is a file by which it knows that it ran before.
//
// The vector of an item whose text is a number n is (n, 1, 0, 0): unlike any other item's, and easy to check.

let mode = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "ok"
let markPath = CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : ""

func write(_ bytes: [UInt8], to descriptor: Int32) {
  var done = 0
  while done < bytes.count {
    let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 { exit(0) }
    done += count
  }
}

func say(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }
func complain(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }

func sleepForever() -> Never {
  while true { sleep(1000) }
}

/// Whether this is the first start with this file.
func isFirstStart() -> Bool {
  let file = open(markPath, O_CREAT | O_EXCL | O_WRONLY, 0o644)
  guard file >= 0 else { return false }
  close(file)
  return true
}

/// The number that stands in an input line's text.
func number(in line: [UInt8]) -> Float {
  let key = Array("\"text\":\"".utf8)
  guard let start = line.indices.first(where: { line[$0...].starts(with: key) }) else { return -1 }
  let digits = line[(start + key.count)...].prefix { $0 != UInt8(ascii: "\"") }
  return Float(String(decoding: digits, as: UTF8.self)) ?? -1
}

func bytes(_ vector: [Float]) -> [UInt8] {
  vector.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
}

func sendHeader() {
  switch mode {
  case "garbage-header": say("Loading weights: 100%\n")
  case "array-header": say("[4]\n")
  case "no-dimensions": say("{\"model\":\"test\"}\n")
  case "zero-dimensions": say("{\"dimensions\":0,\"model\":\"test\"}\n")
  case "too-many-dimensions": say("{\"dimensions\":65537,\"model\":\"test\"}\n")
  case "fractional-dimensions": say("{\"dimensions\":4.5,\"model\":\"test\"}\n")
  case "huge-header": while true { say(String(repeating: "x", count: 10_000)) }
  case "late-header": sleepForever()
  case "no-header":
    complain("ModuleNotFoundError: no module named 'weights'\n")
    exit(3)
  case "other-header" where !isFirstStart(): say("{\"dimensions\":4,\"model\":\"another\"}\n")
  default: say("{\"dimensions\":4,\"model\":\"test\"}\n")
  }
}

/// What goes wrong before, or instead of, the answer to one line.
func answer(_ value: Float, index: Int) {
  switch (mode, index) {
  case ("hang", 10): sleepForever()
  case ("deaf-hang", 10):
    for number in [SIGTERM, SIGINT, SIGPIPE] { signal(number, SIG_IGN) }
    sleepForever()
  case ("die", 10):
    complain("RuntimeError: out of memory\n")
    exit(7)
  case ("killed", 10): kill(getpid(), SIGKILL)
  case ("die-once", 10) where isFirstStart(): exit(7)
  case ("other-header", 10) where number(of: "die") == 0: exit(7)
  case ("short", 10):
    write(Array(bytes([value, 1, 0, 0])[..<6]), to: STDOUT_FILENO)
    exit(0)
  case ("closes-output", 10):
    close(STDOUT_FILENO)
    sleepForever()
  case ("talks", 10): say("10 items done\n")
  case ("noise", _):
    complain("warning \(index): " + String(repeating: "na", count: 3000) + "\u{1B}[31m\n")
    write([0xFF, 0xFE, 0x0A], to: STDERR_FILENO)
  default: break
  }
  switch (mode, index) {
  case ("nan", 3): write(bytes([value, .nan, 0, 0]), to: STDOUT_FILENO)
  case ("nan", 5): write(bytes([0, 0, 0, 0]), to: STDOUT_FILENO)
  case ("nan", 6): write(bytes([.infinity, 1, 0, 0]), to: STDOUT_FILENO)
  case ("large", _): write(bytes([value * 1e30, 1e30, 0, 0]), to: STDOUT_FILENO)
  case ("wider", _): write(bytes([value, 1, 0, 0, 0, 0]), to: STDOUT_FILENO)
  case ("narrower", _): write(bytes([value, 1]), to: STDOUT_FILENO)
  default: write(bytes([value, 1, 0, 0]), to: STDOUT_FILENO)
  }
}

/// 0 before the mark's file says otherwise; only "other-header" asks, after its first start has made the file.
func number(of _: String) -> Int {
  let file = open(markPath + ".died", O_CREAT | O_EXCL | O_WRONLY, 0o644)
  guard file >= 0 else { return 1 }
  close(file)
  return 0
}

func serve() {
  var pending: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  var index = 0
  var held: [Float] = []
  while true {
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    guard count > 0 else { break }
    pending += buffer[..<count]
    while let end = pending.firstIndex(of: 0x0A) {
      let value = number(in: Array(pending[..<end]))
      pending.removeSubrange(...end)
      if mode == "hoards" { held.append(value) } else { answer(value, index: index) }
      index += 1
    }
  }
  for value in held { answer(value, index: 0) }
}

sendHeader()
if mode == "early" { write(bytes([1, 2, 3, 4]), to: STDOUT_FILENO) }
serve()
switch mode {
case "extra-bytes": write([1, 2, 3], to: STDOUT_FILENO)
case "lingers":
  signal(SIGTERM, SIG_IGN)
  sleepForever()
default: break
}
