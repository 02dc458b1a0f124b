internal import ItemCatalog
internal import SemanticIDStore

extension ItemFlags {
  /// The names of the flags that are set, in the order of their bits.
  var names: [String] {
    let known: [(ItemFlags, String)] = [
      (.textMissing, "textMissing"), (.imageMissing, "imageMissing"), (.moved, "moved"), (.newer, "newer"),
    ]
    return known.filter { contains($0.0) }.map(\.1)
  }

  /// Whether the item has a vector of an encoder.
  func hasVector(_ role: EncoderRole) -> Bool {
    if let route = role.route { return textRoute == route }
    return !contains(role.modality == .text ? .textMissing : .imageMissing)
  }
}
