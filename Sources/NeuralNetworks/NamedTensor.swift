public import TensorMath

/// One tensor of a safetensors file: a name, a type, a shape, and its elements as little-endian bytes.
///
/// A tensor read from a file stays in it, mapped into memory; nothing is copied until its elements are asked for.
public struct NamedTensor: Sendable, Equatable {
  public let name: String
  public let elementType: TensorElementType

  /// Extents, slowest first; empty for a scalar.
  public let shape: [Int]

  /// Row-major elements, little-endian. Copied unless the tensor was made of bytes.
  public var bytes: ArraySlice<UInt8> { storage.bytes }
  let storage: TensorStorage

  /// - Precondition: `bytes` holds exactly the elements of `shape`.
  public init(name: String, elementType: TensorElementType, shape: [Int], bytes: ArraySlice<UInt8>) {
    self.init(name: name, elementType: elementType, shape: shape, storage: .array(bytes))
  }

  init(name: String, elementType: TensorElementType, shape: [Int], storage: TensorStorage) {
    precondition(
      byteCount(shape: shape, elementType) == storage.count, "\(storage.count) bytes do not fill the tensor \(name)")
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
  }

  public static func == (left: NamedTensor, right: NamedTensor) -> Bool {
    left.name == right.name && left.elementType == right.elementType && left.shape == right.shape
      && left.bytes == right.bytes
  }

  /// A tensor of floats, stored as F32; a contiguous array is shared, not copied.
  public init(name: String, shape: [Int], floats: some Collection<Float>) {
    self.init(name: name, elementType: .float32, shape: shape, storage: .floats(ContiguousArray(floats)))
  }

  /// A matrix, stored as F32 of shape `[rows, columns]`.
  public init(name: String, matrix: Matrix) {
    self.init(name: name, shape: [matrix.rows, matrix.columns], floats: matrix.elements)
  }

  /// A tensor of fixed-width integers, stored as the type of the same width and sign.
  public init<Integer: FixedWidthInteger & BitwiseCopyable>(
    name: String, shape: [Int], integers: some Collection<Integer>
  ) {
    self.init(
      name: name, elementType: TensorElementType(of: Integer.self), shape: shape,
      bytes: littleEndianBytes(of: ContiguousArray(integers))[...])
  }

  /// Number of elements.
  public var count: Int { storage.count / elementType.size }

  /// The elements of an F32, F16, BF16 or F64 tensor as `Float`, in order; F64 is rounded.
  /// - Complexity: O(count), one copy.
  public func floats() throws(NeuralNetworksError) -> ContiguousArray<Float> {
    switch elementType {
    case .float32: return elements(as: Float.self)
    case .float64: return ContiguousArray(elements(as: Double.self).lazy.map { Float($0) })
    case .bfloat16:
      return ContiguousArray(elements(as: UInt16.self).lazy.map { Float(bitPattern: UInt32($0) << 16) })
    case .float16:
      return ContiguousArray(elements(as: UInt16.self).lazy.map { Float(Float16(bitPattern: $0)) })
    default: throw mismatch("a floating-point type")
    }
  }

  /// The elements of an integer tensor whose type has exactly the width and sign of `Integer`.
  /// - Complexity: O(count), one copy.
  public func integers<Integer: FixedWidthInteger & BitwiseCopyable>(
    as type: Integer.Type = Integer.self
  ) throws(NeuralNetworksError) -> ContiguousArray<Integer> {
    let wanted = TensorElementType(of: Integer.self)
    guard elementType == wanted else { throw mismatch(wanted.rawValue) }
    return elements(as: Integer.self)
  }

  /// A two-dimensional floating-point tensor as a matrix, checked against the extents that are given.
  public func matrix(rows: Int? = nil, columns: Int? = nil) throws(NeuralNetworksError) -> Matrix {
    guard shape.count == 2, shape[0] == rows ?? shape[0], shape[1] == columns ?? shape[1] else {
      throw mismatch("shape [\(rows.map(String.init) ?? "any"), \(columns.map(String.init) ?? "any")]")
    }
    return try Matrix(rows: shape[0], columns: shape[1], elements: floats())
  }

  /// A one-dimensional floating-point tensor of `count` elements.
  public func vector(count: Int) throws(NeuralNetworksError) -> ContiguousArray<Float> {
    guard shape == [count] else { throw mismatch("shape [\(count)]") }
    return try floats()
  }

  private func mismatch(_ expected: String) -> NeuralNetworksError {
    NeuralNetworksError(
      .unexpectedTensor, "tensor \"\(name)\" is \(elementType.rawValue) of shape \(shape), expected \(expected)")
  }

  private func elements<Element: BitwiseCopyable>(as type: Element.Type) -> ContiguousArray<Element> {
    unsafe ContiguousArray(unsafeUninitializedCapacity: count) { target, initialized in
      unsafe storage.withBytes { source in
        unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
      }
      initialized = count
    }
  }
}

#if _endian(big)
  #error("tensors are stored little-endian and copied as they lie")
#endif

private func littleEndianBytes<Element: BitwiseCopyable>(of elements: ContiguousArray<Element>) -> [UInt8] {
  unsafe elements.withUnsafeBytes { unsafe [UInt8]($0) }
}

/// Bytes of a tensor, or nil where the product overflows or an extent is negative.
func byteCount(shape: [Int], _ type: TensorElementType) -> Int? {
  var total = type.size
  for extent in shape {
    let (product, overflow) = total.multipliedReportingOverflow(by: extent)
    guard !overflow, extent >= 0 else { return nil }
    total = product
  }
  return total
}
