internal import Foundation
internal import ItemCatalog

/// A named value that decides what a stage makes.
package struct StageInput: Codable, Sendable, Equatable {
  package var name: String
  package var value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// What a stage is made of: its code's version, its part of the configuration, its inputs.
package struct StageFingerprint: Codable, Sendable, Equatable {
  package var codeVersion: Int
  package var configuration: [StageInput]
  package var inputs: [StageInput]

  package init(codeVersion: Int, configuration: [StageInput], inputs: [StageInput]) {
    self.codeVersion = codeVersion
    self.configuration = configuration
    self.inputs = inputs
  }

  /// SHA-256 over all of it, in order.
  package var digest: String {
    var hasher = ContentHasher()
    hasher.update(UInt64(codeVersion))
    for input in configuration + inputs {
      hasher.updateField(input.name)
      hasher.updateField(input.value)
    }
    return hasher.finalize().hex
  }

  /// Why a stage with fingerprint `old` is not up to date; nil where it is.
  package func difference(from old: StageFingerprint) -> String? {
    if codeVersion != old.codeVersion { return "its code changed (version \(old.codeVersion) → \(codeVersion))" }
    if let change = Self.change(old.configuration, configuration, kind: "configuration") { return change }
    return Self.change(old.inputs, inputs, kind: "input")
  }

  private static func change(_ old: [StageInput], _ new: [StageInput], kind: String) -> String? {
    for value in new {
      guard let before = old.first(where: { $0.name == value.name }) else {
        return "\(kind) \(value.name) is new: \(shorten(value.value))"
      }
      if before.value != value.value {
        return "\(kind) \(value.name) changed (\(shorten(before.value)) → \(shorten(value.value)))"
      }
    }
    guard let gone = old.first(where: { value in !new.contains { $0.name == value.name } }) else { return nil }
    return "\(kind) \(gone.name) is gone"
  }

  private static func shorten(_ value: String) -> String {
    let isDigest = value.utf8.count == 64 && value.allSatisfy(\.isHexDigit)
    return isDigest ? String(value.prefix(8)) : value.count > 60 ? String(value.prefix(57)) + "…" : value
  }
}

/// Left by a finished stage, after its files: as long as the fingerprint holds and the files are there, it need not
/// run again.
package struct StageManifest: Codable, Sendable, Equatable {
  /// A file of the stage and its size, relative to the workspace.
  struct Output: Codable, Sendable, Equatable {
    var path: String
    var bytes: Int
  }

  var stage: StageName
  var fingerprint: StageFingerprint
  var outputs: [Output]
  /// Identifies what the stage made, for the stages that read it.
  package var digest: String
  /// Small results that later stages need: counts, fingerprints of models, generation numbers.
  var values: [String: String]
  package var metrics: [String: Double]
  var seconds: Double
  /// The start of the system that the outputs depend on, see ``SystemStart``; nil where they outlive it.
  package var systemStart: String?
}

extension StageManifest {
  /// The manifest at a path; nil where there is none or it is unreadable, which means that the stage has to run.
  package static func read(_ path: String) -> StageManifest? {
    guard let bytes = try? FileSystem.readSmallFile(path, limit: 16 << 20, what: "stage manifest") else { return nil }
    return try? JSONDecoder().decode(StageManifest.self, from: Data(bytes))
  }

  package func write(to path: String) throws(PipelineError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      throw PipelineError(.internalFault, "the manifest of stage \(stage.rawValue) holds a value that JSON cannot")
    }
    try FileSystem.write([UInt8](data), to: path)
  }
}
