internal import ItemCatalog

/// What an encoder is in a pipeline: the encoder of a modality, or one of the routes that texts can take. Names its
/// files, its values in manifests and its place in the representation.
struct EncoderRole: Hashable, Sendable {
  var modality: Modality
  /// From 1, in the pipeline file's order; nil where the modality has one encoder.
  var route: Int?

  /// The most rules that a list of text models has: an item's flags have room for 15.
  static let maximumRoutes = 8

  /// `text`, `image`, or `text.2`.
  var name: String { modality.rawValue + (route.map { ".\($0)" } ?? "") }

  /// For a person: `text`, `image`, or `text route 2`.
  var title: String { modality.rawValue + (route.map { " route \($0)" } ?? "") }

  /// The roles that a pipeline has, in the order of modalities and rules.
  static func all(_ configuration: PipelineConfiguration) -> [EncoderRole] {
    var roles: [EncoderRole] = []
    if let text = configuration.encode?.text {
      roles += text.routes.indices.map { EncoderRole(modality: .text, route: text.isRouted ? $0 + 1 : nil) }
    }
    if configuration.encode?.image != nil { roles.append(EncoderRole(modality: .image)) }
    return roles
  }

  /// The roles of which a manifest's values or artifacts have an entry `encoder.NAME`, in the same order.
  static func all(in values: [String: String]) -> [EncoderRole] {
    Modality.allCases.flatMap { modality in
      ([nil] + (1...maximumRoutes).map { Optional($0) }).map { EncoderRole(modality: modality, route: $0) }
    }.filter { values["encoder." + $0.name] != nil }
  }
}
