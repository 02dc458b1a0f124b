/// A 64-bit checksum over what a file of tensors holds (SplitMix64's finalizer, chained): against damage, not against
/// forgery.
package enum TensorChecksum {
  /// The metadata entry that a file keeps it in.
  package static let key = "checksum"

  /// Over names and elements of tensors, and over all metadata but the checksum itself; whatever their order.
  /// - Returns: hexadecimal digits.
  /// - Complexity: O(bytes).
  package static func of(_ tensors: [NamedTensor], metadata: [String: String] = [:]) -> String {
    var sum = tensors.reduce(UInt64(0)) { $0 &+ checksum($1) }
    for (key, value) in metadata where key != Self.key { sum &+= checksum(key + "\0" + value) }
    return String(sum, radix: 16)
  }

  /// That a file holds what was written; one without a checksum passes.
  package static func check(_ file: SafetensorsFile) throws(NeuralNetworksError) {
    guard let stored = file.metadata[key], stored != of(file.tensors, metadata: file.metadata) else { return }
    throw NeuralNetworksError(
      .malformedFile, "the file does not hold what was written; restore it, or remove it and train anew")
  }

  private static func checksum(_ text: String) -> UInt64 {
    text.utf8.reduce(UInt64(0x9E37_79B9_7F4A_7C15)) { mix($0 ^ UInt64($1)) }
  }

  private static func checksum(_ tensor: NamedTensor) -> UInt64 {
    var state = checksum(tensor.name)
    let bytes = tensor.bytes
    let span = unsafe bytes.span.bytes
    let whole = span.byteCount & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      state = mix(state ^ (unsafe span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    for byte in bytes.dropFirst(whole) { state = mix(state ^ UInt64(byte)) }
    return mix(state ^ UInt64(span.byteCount))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
