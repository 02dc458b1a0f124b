internal import Foundation

/// Makes the paths of a pipeline file absolute: they are relative to the file.
struct PathResolver: Sendable {
  let pipelineFile: String
  private let currentDirectory: String

  init(pipelineFile: String, currentDirectory: String) {
    self.currentDirectory = currentDirectory
    self.pipelineFile = Self.join(currentDirectory, pipelineFile)
  }

  func input(_ path: String) -> String {
    Self.join(String(pipelineFile[..<(pipelineFile.lastIndex(of: "/") ?? pipelineFile.endIndex)]), path)
  }

  /// A path relative to the current folder.
  func current(_ path: String) -> String { Self.join(currentDirectory, path) }

  /// The parts of a relative path that names something below its folder; nil for any other path. A part that names the
  /// folder it stands in is left out: `./store` is `store`.
  static func partsBelow(_ path: String) -> [Substring]? {
    guard !path.hasPrefix("/") else { return nil }
    let parts = parts(of: path)
    return parts.isEmpty || parts.contains("..") ? nil : parts
  }

  /// `path` seen from `folder`, with `.` and `..` taken out of the words (links are not followed).
  static func join(_ folder: String, _ path: String) -> String {
    var parts = [Substring]()
    for part in self.parts(of: (path.hasPrefix("/") ? "" : folder + "/") + path) {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// What stands between slashes, but for `.`. By bytes: to `String`, a slash and an accent behind it are one character,
  /// which is no slash.
  private static func parts(of path: String) -> [Substring] {
    path.utf8.split(separator: UInt8(ascii: "/")).map(Substring.init).filter { $0 != "." }
  }
}
