/// What the encode stage's manifest says of one encoder, for the generation's manifest, the report and inspections.
struct EncoderRecord {
  let role: EncoderRole
  let fingerprint: String
  let dimensions: String
  let model: String
  let architecture: String
  let precision: String?
  /// The route's rule, nil where there is none.
  let rule: String?

  /// One for each encoder that a manifest names, in the order of modalities and rules.
  static func all(in values: [String: String]) -> [EncoderRecord] {
    EncoderRole.all(in: values).map { role in
      func value(_ key: String) -> String? { values["\(key).\(role.name)"] }
      return EncoderRecord(
        role: role, fingerprint: value("encoder") ?? "", dimensions: value("dimensions") ?? "",
        model: value("model") ?? "", architecture: value("architecture") ?? "", precision: value("precision"),
        rule: value("when"))
    }
  }

  /// `Arabic: model (bert, f32)`, the rule only where there is one.
  var summary: String {
    let kind = [architecture, precision ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
    return (rule.map { $0 + ": " } ?? "") + "\(model) (\(kind))"
  }
}
