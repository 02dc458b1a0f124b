internal import NeuralNetworks
internal import TensorMath

/// A ``CodeDecoder`` made ready to recommend: weights packed, and loops that stay on the calling thread.
struct PackedCodeDecoder: Sendable {
  let width: Int
  let keyValue: LinearLayer
  private let crossNorm: LayerNormalization
  private let query: LinearLayer
  private let output: LinearLayer
  private let forwardNorm: LayerNormalization
  private let up: LinearLayer
  private let down: LinearLayer
  private let activation: Activation
  private let outputNorm: LayerNormalization

  init(_ decoder: CodeDecoder, _ parameters: ParameterSet, _ precision: WeightPrecision) {
    crossNorm = decoder.crossNorm.packed(parameters)
    keyValue = decoder.crossAttention.keyValue.packed(parameters, precision)
    query = decoder.crossAttention.query.packed(parameters, precision)
    output = decoder.crossAttention.output.packed(parameters, precision)
    forwardNorm = decoder.forwardNorm.packed(parameters)
    up = decoder.forward.up.packed(parameters, precision)
    down = decoder.forward.down.packed(parameters, precision)
    activation = decoder.forward.activation
    outputNorm = decoder.outputNorm.packed(parameters)
    width = query.inputs
  }

  /// One thread's rows on their way through the layers.
  final class Scratch {
    let inputs = ScratchBuffer()
    let normalized = ScratchBuffer()
    let parts = ScratchBuffer()
    let hidden = ScratchBuffer()
    var memory: MemoryAttention

    init(heads: Int, headWidth: Int) { memory = MemoryAttention(heads: heads, headWidth: headWidth) }
  }

  /// What the layer makes of rows.
  /// - Parameters:
  ///   - x: `rows × width`, lost.
  ///   - segments: rows and the sequence, of those that the scratch's memory holds, which they see.
  /// - Returns: `rows × width`, in the scratch's `normalized`.
  func apply(
    _ x: UnsafeMutablePointer<Float>, rows: Int, segments: [(rows: Range<Int>, sequence: Int)], _ scratch: Scratch
  ) -> UnsafeMutablePointer<Float> {
    let normalized = unsafe scratch.normalized.reserve(rows * width)
    let part = unsafe scratch.parts.reserve(rows * width)
    let hidden = unsafe scratch.hidden.reserve(rows * up.outputs)
    unsafe crossNorm.apply(to: x, rows: rows, into: normalized)
    unsafe query.apply(normalized, rows: rows, into: part)
    for segment in segments {
      let first = segment.rows.lowerBound * width
      unsafe scratch.memory.attend(
        part + first, rows: segment.rows.count, to: segment.sequence, into: normalized + first)
    }
    unsafe output.apply(normalized, rows: rows, into: part)
    unsafe forwardNorm.apply(to: x, rows: rows, adding: part, into: normalized)
    unsafe up.apply(normalized, rows: rows, activation: activation, into: hidden)
    unsafe down.apply(hidden, rows: rows, into: part)
    unsafe outputNorm.apply(to: x, rows: rows, adding: part, into: normalized)
    return unsafe normalized
  }
}
