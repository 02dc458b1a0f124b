/// A worker's standard error: handed on line by line, its end kept for error messages.
package struct WorkerLog: ~Copyable {
  private let forward: @Sendable (String) -> Void
  private var partial: [UInt8] = []
  /// Whether the rest of the line at hand is dropped because the line is too long.
  private var isSkipping = false
  /// The last lines, oldest first.
  package private(set) var lastLines: [String] = []

  package static let keptLines = 20

  /// A longer line is cut.
  package static let maximumLineBytes = 4096

  package init(forward: @escaping @Sendable (String) -> Void) { self.forward = forward }

  package mutating func append(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      if byte == 0x0A {
        endLine()
      } else if partial.count < Self.maximumLineBytes {
        partial.append(byte)
      } else {
        isSkipping = true
      }
    }
  }

  /// Completes a last line that has no line break.
  package mutating func finish() {
    if !partial.isEmpty { endLine() }
  }

  private mutating func endLine() {
    // Progress bars redraw their line: what counts is what stood there at the end.
    while partial.last == 0x0D { partial.removeLast() }
    let shown = partial.lastIndex(of: 0x0D).map { partial[($0 + 1)...] } ?? partial[...]
    let line = printable(shown) + (isSkipping ? "…" : "")
    partial.removeAll(keepingCapacity: true)
    isSkipping = false
    guard !line.isEmpty else { return }
    if lastLines.count == Self.keptLines { lastLines.removeFirst() }
    lastLines.append(line)
    forward(line)
  }

  /// The kept lines as the end of an error message.
  package var ending: String {
    lastLines.isEmpty
      ? "; it wrote nothing to standard error" : "; its last words:\n  " + lastLines.joined(separator: "\n  ")
  }
}
