internal import Foundation
internal import ItemCatalog
internal import ItemEncoders
internal import NeuralNetworks
internal import TensorMath

// One safetensors file: the parameters by name, `scaling.<modality>.mean`, `.scale` and, where it is reduced to
// components, `.projection`, and the configuration as JSON.
extension Aligner {
  private static let format = "tessera aligner 1"

  /// Writes to a temporary name and renames.
  public func write(to path: String) throws(AlignmentError) {
    do {
      try SafetensorsWriter.write(
        Self.tensors(configuration, parameters, scalings),
        metadata: ["format": Self.format, "configuration": sortedJSON(configuration), "fingerprint": fingerprint],
        to: path)
    } catch {
      throw AlignmentError(.unwritableModel, "\(error)")
    }
  }

  /// - Throws: ``AlignmentError/Code/unreadableModel`` for a file that is no aligner, or damaged.
  public init(contentsOf path: String) throws(AlignmentError) {
    do {
      try self.init(try SafetensorsFile.read(path), name: path)
    } catch let error as AlignmentError {
      throw error
    } catch {
      throw AlignmentError(.unreadableModel, "\(path): \(error)")
    }
  }

  init(_ file: SafetensorsFile, name: String) throws {
    let found = try file.metadata("format")
    guard found == Self.format else {
      throw AlignmentError(
        .unreadableModel, "\(name) is a \"\(found)\", expected a \"\(Self.format)\"; train the aligner again")
    }
    let configuration = try JSONDecoder().decode(
      AlignerConfiguration.self, from: Data(try file.metadata("configuration").utf8))
    try configuration.validate()
    var scalings: [InputScaling] = []
    for modality in configuration.modalities {
      let mean = try file.tensor("scaling.\(modality.name).mean").vector(count: modality.dimensions)
      let scale = try file.tensor("scaling.\(modality.name).scale").vector(count: 1)[0]
      guard scale > 0, scale.isFinite else {
        throw AlignmentError(.unreadableModel, "\(name): the scale of \(modality.name) is \(scale)")
      }
      let projection = try modality.components.map {
        try file.tensor("scaling.\(modality.name).projection").matrix(rows: modality.dimensions, columns: $0)
      }
      scalings.append(InputScaling(mean: mean, scale: scale, projection: projection))
    }
    let scope = ParameterScope(loading: file, prefix: "network.")
    let network = try AlignerNetwork(scope, configuration)
    self.init(configuration, network, try scope.finish(), scalings)
    let stored = try file.metadata("fingerprint")
    guard stored == fingerprint else {
      throw AlignmentError(
        .unreadableModel,
        "\(name) holds other numbers than were written: fingerprint \(fingerprint), expected \(stored); restore the file "
          + "or train the aligner again")
    }
    guard parameters.entries.allSatisfy({ $0.value.firstNonFiniteRow() == nil }) else {
      throw AlignmentError(.unreadableModel, "\(name) holds parameters that are no numbers; train the aligner again")
    }
  }

  private static func tensors(
    _ configuration: AlignerConfiguration, _ parameters: ParameterSet, _ scalings: [InputScaling]
  ) -> [NamedTensor] {
    parameters.entries.map { NamedTensor(name: "network." + $0.name, matrix: $0.value) }
      + zip(configuration.modalities, scalings).flatMap { modality, scaling in
        let prefix = "scaling.\(modality.name)."
        return [
          NamedTensor(name: prefix + "mean", shape: [modality.dimensions], floats: scaling.mean),
          NamedTensor(name: prefix + "scale", shape: [1], floats: [scaling.scale]),
        ] + (scaling.reduction.map { [NamedTensor(name: prefix + "projection", matrix: $0.projection)] } ?? [])
      }
  }

  static func fingerprint(
    _ configuration: AlignerConfiguration, _ parameters: ParameterSet, _ scalings: [InputScaling]
  ) -> String {
    var hasher = ContentHasher()
    hasher.updateField(sortedJSON(configuration))
    for tensor in tensors(configuration, parameters, scalings) {
      hasher.updateField(tensor.name)
      hasher.updateField(Array(tensor.bytes))
    }
    return hasher.finalize().hex
  }
}
