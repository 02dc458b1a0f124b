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

  /// Whether a relative path names something below its folder.
  static func staysBelow(_ path: String) -> Bool {
    guard !path.hasPrefix("/") else { return false }
    let parts = path.split(separator: "/")
    return !parts.isEmpty && !parts.contains("..") && parts != ["."]
  }

  /// `path` seen from `folder`, with `.` and `..` taken out of the words (links are not followed).
  static func join(_ folder: String, _ path: String) -> String {
    var parts = [Substring]()
    for part in ((path.hasPrefix("/") ? "" : folder + "/") + path).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
