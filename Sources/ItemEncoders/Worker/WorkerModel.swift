internal import Foundation
public import ItemCatalog

/// Finds the encoder that a worker's `--model` names.
public enum WorkerModel {
  /// The encoder, and what a header calls it: its fingerprint, so that other weights are another model.
  /// - Parameter model: `builtin` for images; for text the file that a run fitted and left in its workspace's
  ///   `models/`; or the folder of a pretrained model.
  /// - Throws: ``EncoderError`` with what may be given instead.
  public static func load(
    _ model: String, modality: Modality
  ) throws(EncoderError) -> (encoder: any ItemEncoder, name: String) {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: model, isDirectory: &isFolder)
    switch modality {
    case .image where model == "builtin":
      let encoder = BuiltinImageEncoder()
      return (encoder, "builtin:image \(encoder.fingerprint)")
    case .text where model == "builtin":
      throw EncoderError(
        .invalidParameter,
        "the builtin text encoder is fitted to a catalogue; name the file that a run left in its workspace, "
          + "models/<fingerprint>.safetensors")
    case _ where !exists:
      throw EncoderError(.unreadableEncoder, "the model '\(model)' does not exist; \(Self.choices(modality))")
    case .text where !isFolder.boolValue:
      let encoder = try BuiltinTextEncoder(contentsOf: model)
      return (encoder, "builtin:text \(encoder.fingerprint)")
    case .text:
      let encoder = try PretrainedTextEncoder(folder: model)
      return (encoder, "pretrained:text \(encoder.fingerprint)")
    case .image:
      let encoder = try PretrainedImageEncoder(folder: model)
      return (encoder, "pretrained:image \(encoder.fingerprint)")
    }
  }

  private static func choices(_ modality: Modality) -> String {
    switch modality {
    case .text:
      "name a fitted text encoder, models/<fingerprint>.safetensors of a workspace, or a pretrained model's folder"
    case .image: "name builtin, or a pretrained model's folder"
    }
  }
}
