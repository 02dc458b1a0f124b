internal import ItemCatalog
internal import NeuralNetworks

/// What fine-tuning changed of a ``PretrainedTextEncoder``'s weights: laid over the model's folder, they make another
/// encoder, with a fingerprint of its own.
public struct TunedTextWeights: Sendable {
  private static let format = "tessera tuned text encoder 1"
  private static let maximumBytes = 8 << 30

  /// The fingerprint of the encoder that was tuned.
  public let base: String
  /// SHA-256, in hexadecimal, over that and the changed weights.
  public let fingerprint: String
  /// Under the checkpoint's names; only those that changed.
  let tensors: [NamedTensor]

  init(base: String, tensors: [NamedTensor]) {
    self.base = base
    self.tensors = tensors.sorted { $0.name < $1.name }
    var hasher = ContentHasher()
    hasher.updateField(Self.format)
    hasher.updateField(base)
    for tensor in self.tensors {
      hasher.updateField(tensor.name)
      hasher.updateField(Array(tensor.bytes))
    }
    fingerprint = hasher.finalize().hex
  }

  /// Tensors that differ from the model's own.
  public var changedTensors: Int { tensors.count }

  /// Writes the changed weights; the file is complete or not there.
  public func write(to path: String) throws(EncoderError) {
    do {
      try SafetensorsWriter.write(
        tensors, metadata: ["format": Self.format, "base": base, "fingerprint": fingerprint], to: path)
    } catch {
      throw EncoderError(.unwritableEncoder, error.message)
    }
  }

  /// Reads what ``write(to:)`` wrote, and checks that it is that.
  public init(contentsOf path: String) throws(EncoderError) {
    let stored: String
    do throws(NeuralNetworksError) {
      let file = try SafetensorsFile.read(path, maximumBytes: Self.maximumBytes)
      guard try file.metadata("format") == Self.format else {
        throw NeuralNetworksError(
          .unexpectedTensor, "\(path) is no \"\(Self.format)\" file; align anew (--force align)")
      }
      stored = try file.metadata("fingerprint")
      self.init(base: try file.metadata("base"), tensors: file.tensors)
    } catch {
      throw EncoderError(.unreadableEncoder, error.message.contains(path) ? error.message : "\(path): \(error.message)")
    }
    guard stored == fingerprint else {
      throw EncoderError(
        .unreadableEncoder,
        "\(path) holds other weights than were written: fingerprint \(fingerprint), expected \(stored); restore the file "
          + "or align anew (--force align)")
    }
  }

  /// - Throws: `unreadableEncoder` where the encoder at hand is not the one that was tuned.
  func require(base own: String, folder: String) throws(EncoderError) {
    guard base == own else {
      throw EncoderError(
        .unreadableEncoder,
        "the weights were tuned from another encoder than '\(folder)' (fingerprint \(base.prefix(8)), not "
          + "\(own.prefix(8))); take the model, template, prefix and precision of that time, or align anew")
    }
  }
}
