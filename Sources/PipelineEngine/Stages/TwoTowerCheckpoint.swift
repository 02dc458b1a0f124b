/// Where a stage keeps a two-tower model while it is trained: a run that was stopped goes on from there.
struct TwoTowerCheckpoint {
  private static let prefix = "two-tower-"

  private let folder: String
  private let name: String

  /// - Parameter fingerprint: of all that decides about the training; checkpoints of others in the folder are removed.
  init(folder: String, _ fingerprint: StageFingerprint) {
    self.folder = folder
    name = Self.prefix + fingerprint.digest.prefix(16) + ".safetensors"
    remove { !$0.hasPrefix(name) }
  }

  var path: String { folder + "/" + name }

  /// Removes it, once what was trained is kept.
  func remove() { remove { _ in true } }

  private func remove(where isRemoved: (String) -> Bool) {
    for file in FileSystem.contents(of: folder) where file.hasPrefix(Self.prefix) && isRemoved(file) {
      FileSystem.remove(folder + "/" + file)
    }
  }
}
