internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks
internal import TensorMath

/// Files of one model in the Hugging Face layout.
struct ModelFolder {
  let path: String

  func file(_ name: String) -> String { path + "/" + name }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  var config: ModelConfigurationFile {
    get throws(NeuralNetworksError) { try ModelConfigurationFile(contentsOf: file("config.json")) }
  }

  /// What a person is told of the encoder that this folder makes.
  func description(_ precision: WeightPrecision) throws(NeuralNetworksError) -> EncoderDescription {
    EncoderDescription(
      model: URL(fileURLWithPath: path).lastPathComponent, architecture: try config.text("model_type"),
      precision: PackedMatrix.effective(precision).rawValue)
  }

  /// What a fingerprint takes of a precision: what is really computed, with a number behind it that is raised when those
  /// products change.
  static func identity(of precision: WeightPrecision) -> String {
    let effective = PackedMatrix.effective(precision)
    return effective == .half ? effective.rawValue + " 2" : effective.rawValue
  }

  var checkpoint: String { file("model.safetensors") }

  /// SHA-256, in hexadecimal, over a kind of encoder, its parameters and the bytes of the files it is made of.
  /// - Throws: `unreadableEncoder` for a file of `files` that cannot be read; those of `optional` may be absent.
  func fingerprint(
    kind: String, parameters: [String], files: [String], optional: [String]
  ) throws(EncoderError) -> String {
    var hasher = ContentHasher()
    hasher.updateField(kind)
    for parameter in parameters { hasher.updateField(parameter) }
    for name in files + optional.filter(has) {
      hasher.updateField(name)
      do {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file(name)))
        defer { try? handle.close() }
        var content = ContentHasher()
        while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty { content.update([UInt8](part)) }
        hasher.updateField(content.finalize().bytes)
      } catch {
        throw EncoderError(
          .unreadableEncoder,
          "cannot read '\(file(name))': \(error.localizedDescription); "
            + "write builtin, or the folder of a model (tessera models fetch)")
      }
    }
    return hasher.finalize().hex
  }
}
