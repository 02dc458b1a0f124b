/// How a layer's weights and inputs are rounded for its products.
public enum WeightPrecision: String, Sendable, Codable, CaseIterable {
  /// 24 bits of precision.
  case single = "f32"
  /// 11 bits (IEEE half), where the processor multiplies them natively (AVX-512 FP16); sums of 64 products are then added
  /// in single precision. Twice the rate of `single`. Factors are scaled by powers of two first, so that nothing
  /// overflows and gradients do not vanish.
  case half = "f16"
  /// 8 bits with the range of `single` (bfloat16), where the processor multiplies them natively (AVX-512 BF16); sums are
  /// in single precision. Up to twice the rate of `single`, by processor; no faster on some of Intel's.
  case brain = "bf16"
}
