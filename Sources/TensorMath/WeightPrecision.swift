/// How a layer's weights and inputs are rounded for its products.
public enum WeightPrecision: String, Sendable, Codable, CaseIterable {
  /// 24 bits of precision.
  case single = "f32"
  /// 11 bits (IEEE half), where the processor multiplies them natively; sums of 64 products are then added in single
  /// precision. Twice the rate of `single`.
  case half = "f16"
}
