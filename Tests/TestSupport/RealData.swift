import Foundation

/// The folder of one real data set, or nil where it is not on this machine; such sets are never part of the package.
///
/// `TESSERA_DATA` names the folder that holds the sets; without it, `shared/data` beside the package is tried.
public func realData(_ name: String) -> String? {
  let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let beside = package.deletingLastPathComponent().appendingPathComponent("shared/data").path
  let root = ProcessInfo.processInfo.environment["TESSERA_DATA"] ?? beside
  let folder = root + "/" + name
  return FileManager.default.fileExists(atPath: folder) ? folder : nil
}
