internal import ItemCatalog
internal import NeuralNetworks
internal import TensorMath

extension RepresentationModel {
  /// Raised when the same matrices would give other representations than before.
  private static let architecture = "tessera representation:untrained 1"

  /// Writes the model; the file is complete or not there.
  public func write(to path: String) throws(AlignmentError) {
    var metadata = ["architecture": Self.architecture, "fingerprint": fingerprint]
    var tensors: [NamedTensor] = []
    for (index, input) in inputs.enumerated() {
      metadata["modality.\(index)"] = "\(input.dimensions) \(input.name)"
      metadata["group.\(index)"] = input.group
    }
    for (pattern, map) in zip(patterns, maps) {
      tensors.append(NamedTensor(name: "projection.\(pattern)", matrix: map.projection))
      tensors.append(NamedTensor(name: "offset.\(pattern)", shape: [map.offset.count], floats: map.offset))
    }
    do {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    } catch {
      throw AlignmentError(.unwritableModel, error.message)
    }
  }

  /// Reads a model that ``write(to:)`` wrote, and checks that it is the one that was written.
  public init(contentsOf path: String) throws(AlignmentError) {
    let stored: String
    do throws(NeuralNetworksError) {
      let file = try SafetensorsFile.read(path, maximumBytes: 1 << 30)
      guard try file.metadata("architecture") == Self.architecture else {
        throw NeuralNetworksError(.unexpectedTensor, "\(path) is not a \"\(Self.architecture)\" file; fit a new one")
      }
      stored = try file.metadata("fingerprint")
      let inputs = try Self.inputs(of: file)
      self.init(inputs: inputs, maps: try Self.maps(of: file, inputs: inputs))
    } catch {
      throw AlignmentError(.unreadableModel, error.message)
    }
    guard stored == fingerprint else {
      throw AlignmentError(
        .unreadableModel,
        "\(path) holds other matrices than were written: "
          + "fingerprint \(fingerprint), expected \(stored); restore the file or fit the representation anew")
    }
  }

  private static func inputs(of file: SafetensorsFile) throws(NeuralNetworksError) -> [Input] {
    var inputs: [Input] = []
    while inputs.count < Fitting.maximumInputs, let entry = file.metadata["modality.\(inputs.count)"] {
      let parts = entry.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let dimensions = Int(parts[0]), (1...1_000_000).contains(dimensions) else {
        throw NeuralNetworksError(.unexpectedTensor, "metadata \"\(entry)\", expected a modality's dimensions and name")
      }
      inputs.append(
        Input(name: String(parts[1]), group: file.metadata["group.\(inputs.count)"], dimensions: dimensions))
    }
    guard !inputs.isEmpty else { throw NeuralNetworksError(.missingEntry, "the metadata names no modality") }
    guard Fitting.accepts(inputs) else {
      throw NeuralNetworksError(
        .unexpectedTensor,
        "the metadata names \(inputs.count) modalities, expected at most "
          + "\(Fitting.maximumModalities), each of one model or a group of them")
    }
    return inputs
  }

  private static func maps(of file: SafetensorsFile, inputs: [Input]) throws(NeuralNetworksError) -> [Map] {
    let dimensions = try file.tensor("offset.1").count
    var maps: [Map] = []
    for pattern in inputs.patterns {
      let width = inputs.enumerated().reduce(0) { $0 + (pattern >> $1.offset & 1) * $1.element.dimensions }
      maps.append(
        Map(
          projection: try file.tensor("projection.\(pattern)").matrix(rows: width, columns: dimensions),
          offset: try file.tensor("offset.\(pattern)").vector(count: dimensions)))
    }
    return maps
  }

  static func fingerprint(inputs: [Input], maps: [Map]) -> String {
    var hasher = ContentHasher()
    hasher.updateField(architecture)
    for input in inputs {
      hasher.updateField(input.name)
      // Models without groups keep the fingerprints that they had before there were any.
      if let group = input.group { hasher.updateField("group " + group) }
      hasher.update(UInt64(input.dimensions))
    }
    for map in maps {
      for elements in [map.projection.elements, map.offset] {
        hasher.updateField(unsafe elements.withUnsafeBytes { unsafe [UInt8]($0) })
      }
    }
    return hasher.finalize().hex
  }
}
