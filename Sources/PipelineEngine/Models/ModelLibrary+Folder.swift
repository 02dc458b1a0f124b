internal import Foundation

extension ModelLibrary {
  /// Checks that a pipeline's model folder is there.
  ///
  /// - Throws: `PipelineError.inputMissing` with the command that fetches the model, where one is known by the
  ///   folder's name.
  static func requireFolder(_ folder: String, of role: EncoderRole) throws(PipelineError) {
    guard !FileSystem.exists(folder + "/config.json") else { return }
    let url = URL(fileURLWithPath: folder)
    let known = KnownModel.all.first { $0.name.lowercased() == url.lastPathComponent.lowercased() }
    let advice =
      known.map {
        "fetch it with: tessera models fetch \($0.name.lowercased()) --to '\(url.deletingLastPathComponent().path)'"
      } ?? "write builtin, or the folder of a model; tessera models fetch gets "
      + knownNames.joined(separator: ", ")
    throw PipelineError(
      .inputMissing, "the \(role.title) encoder's model is not at '\(folder)' (no config.json); \(advice)")
  }
}
