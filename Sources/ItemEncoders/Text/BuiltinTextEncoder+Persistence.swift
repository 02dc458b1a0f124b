internal import ItemCatalog
internal import NeuralNetworks
internal import TensorMath

extension BuiltinTextEncoder {
  /// Raised when the same parameters and weights would give other vectors than before.
  private static let architecture = "tessera builtin:text 2"

  /// Writes everything that the encoder needs; the file is complete or not there.
  public func write(to path: String) throws(EncoderError) {
    var metadata = parameters.metadata
    metadata["architecture"] = Self.architecture
    metadata["fingerprint"] = fingerprint
    do {
      try SafetensorsWriter.write(
        [
          NamedTensor(name: "idf", shape: [frequencies.weights.count], floats: frequencies.weights),
          NamedTensor(name: "mean", shape: [reduction.mean.count], floats: reduction.mean),
          NamedTensor(name: "projection", matrix: reduction.projection),
        ], metadata: metadata, to: path)
    } catch {
      throw EncoderError(.unwritableEncoder, error.message)
    }
  }

  /// Reads an encoder that ``write(to:)`` wrote, and checks that it is the one that was written.
  public init(contentsOf path: String) throws(EncoderError) {
    let stored: String
    do {
      let file = try SafetensorsFile.read(path, maximumBytes: 1 << 30)
      guard try file.metadata("architecture") == Self.architecture else {
        throw NeuralNetworksError(
          .unexpectedTensor, "\(path) is not a \"\(Self.architecture)\" file; encode the catalogue anew")
      }
      let parameters = try Parameters(metadata: file)
      stored = try file.metadata("fingerprint")
      self.init(
        parameters: parameters,
        frequencies: InverseDocumentFrequency(
          weights: try file.tensor("idf").vector(count: InverseDocumentFrequency.bucketCount)),
        reduction: LinearReduction(
          mean: try file.tensor("mean").vector(count: parameters.sketchDimensions),
          projection: try file.tensor("projection").matrix(
            rows: parameters.sketchDimensions, columns: parameters.dimensions)))
    } catch let error as NeuralNetworksError {
      throw EncoderError(.unreadableEncoder, error.message)
    } catch let error as EncoderError {
      throw EncoderError(.unreadableEncoder, "\(path): \(error.message)")
    } catch {
      throw EncoderError(.unreadableEncoder, "\(path): \(error)")
    }
    guard stored == fingerprint else {
      throw EncoderError(
        .unreadableEncoder,
        "\(path) holds other weights than were written: "
          + "fingerprint \(fingerprint), expected \(stored); restore the file or fit the encoder anew")
    }
  }

  static func fingerprint(
    parameters: Parameters, frequencies: InverseDocumentFrequency, reduction: LinearReduction
  ) -> String {
    var hasher = ContentHasher()
    hasher.updateField(architecture)
    for (name, value) in parameters.metadata.sorted(by: { $0.key < $1.key }) {
      hasher.updateField(name)
      hasher.updateField(value)
    }
    for tensor in [frequencies.weights, reduction.mean, reduction.projection.elements] {
      hasher.updateField(tensor)
    }
    return hasher.finalize().hex
  }
}

extension BuiltinTextEncoder.Parameters {
  /// All parameters that a vector depends on once the encoder is fitted, and those that it was fitted by.
  fileprivate var metadata: [String: String] {
    [
      "dimensions": "\(dimensions)", "sketchDimensions": "\(sketchDimensions)", "template": template.description,
      "titleWeight": "\(titleWeight)", "wordWeight": "\(wordWeight)", "wordPairWeight": "\(wordPairWeight)",
      "characterWeight": "\(characterWeight)", "maximumWords": "\(maximumWords)", "sampleLimit": "\(sampleLimit)",
      "seed": "\(seed)",
    ]
  }

  fileprivate init(metadata file: SafetensorsFile) throws {
    func value<Value: LosslessStringConvertible>(_ name: String) throws -> Value {
      let text = try file.metadata(name)
      guard let value = Value(text) else {
        throw EncoderError(.unreadableEncoder, "metadata \"\(name)\" is \"\(text)\", expected a number")
      }
      return value
    }
    dimensions = try value("dimensions")
    sketchDimensions = try value("sketchDimensions")
    template = try TextTemplate(file.metadata("template"))
    titleWeight = try value("titleWeight")
    wordWeight = try value("wordWeight")
    wordPairWeight = try value("wordPairWeight")
    characterWeight = try value("characterWeight")
    maximumWords = try value("maximumWords")
    sampleLimit = try value("sampleLimit")
    seed = try value("seed")
    try validate()
  }
}
