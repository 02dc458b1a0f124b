/// The element types of a safetensors file, by the names that the format gives them.
///
/// Source: `safetensors/src/tensor.rs` of huggingface/safetensors, less the packed sub-byte types.
public enum TensorElementType: String, Sendable, CaseIterable {
  case boolean = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .boolean, .uint8, .int8, .float8E5M2, .float8E4M3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Position in the order by which the reference writer sorts tensors, wide types first, so that all stay aligned.
  var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// The type of the same width and sign as a Swift integer.
  init<Integer: FixedWidthInteger>(of type: Integer.Type) {
    switch (Integer.bitWidth, Integer.isSigned) {
    case (8, false): self = .uint8
    case (8, true): self = .int8
    case (16, false): self = .uint16
    case (16, true): self = .int16
    case (32, false): self = .uint32
    case (32, true): self = .int32
    case (64, false): self = .uint64
    case (64, true): self = .int64
    default: preconditionFailure("safetensors has no \(Integer.bitWidth)-bit integer")
    }
  }
}
