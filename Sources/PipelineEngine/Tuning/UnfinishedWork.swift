internal import Foundation

/// What a command that takes hours has finished, in a folder of the workspace that stays until the command is through: the
/// same command goes on there after a stop. Nothing that is served depends on it.
struct UnfinishedWork {
  enum Command: String {
    case finetune
    /// Fine-tuning that is made worse on purpose: it costs no real one its work.
    case drill
    case preference

    fileprivate var title: String {
      switch self {
      case .finetune: "fine-tuning"
      case .drill: "drill of fine-tuning"
      case .preference: "alignment with a reward"
      }
    }
  }

  /// What the folder is of.
  private struct Label: StageRecord {
    var fingerprint: StageFingerprint
    /// That was spent on what is in the folder.
    var seconds: Double
  }

  let folder: String
  private let fingerprint: StageFingerprint
  /// That earlier runs spent on what is kept.
  let formerSeconds: Double

  private var label: String { folder + "/label.json" }

  /// Opens a command's folder. What lies there of other inputs is removed, and a note says why.
  /// - Parameter fingerprint: everything that decides what the command makes.
  init(
    _ command: Command, in workspace: Workspace, of fingerprint: StageFingerprint, _ observer: any RunObserver
  ) throws(PipelineError) {
    folder = workspace.unfinished + "/" + command.rawValue
    self.fingerprint = fingerprint
    let path = folder + "/label.json"
    let found = Label.read(path)
    if let found, found.fingerprint == fingerprint {
      formerSeconds = max(0, found.seconds)
      observer.observe(.note("going on where the \(command.title) before was stopped"))
      return
    }
    formerSeconds = 0
    if FileSystem.exists(folder) {
      let reason =
        found.map { fingerprint.difference(from: $0.fingerprint) ?? "it is of other inputs" }
        ?? "nothing says what it is of"
      observer.observe(
        .warning("what the \(command.title) before had finished when it was stopped is discarded: \(reason)"))
      FileSystem.remove(folder)
    }
    try FileSystem.makeDirectory(folder)
    try keep(seconds: 0)
  }

  /// The folder of a part of the work.
  func part(_ name: String) -> String { folder + "/" + name }

  /// - Parameter seconds: that this run has spent so far.
  func keep(seconds: Double) throws(PipelineError) {
    do {
      try Label(fingerprint: fingerprint, seconds: formerSeconds + seconds).write(to: label)
    } catch {
      throw PipelineError(wrapping: error)
    }
  }

  /// The command is through.
  func remove() { FileSystem.remove(folder) }
}

extension Workspace {
  /// What commands that were stopped go on from.
  var unfinished: String { root + "/unfinished" }
}
