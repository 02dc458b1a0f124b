internal import TensorMath

/// Takes an ``EfficientNet``'s layers from its checkpoint, each with the batch normalization behind it folded in:
/// γ (W·x − μ) / √(σ² + ε) + β.
struct EfficientNetReader {
  var checkpoint: CheckpointReader
  private let epsilon: Float
  private let precision: WeightPrecision

  init(_ checkpoint: CheckpointReader, epsilon: Float, precision: WeightPrecision) {
    self.checkpoint = checkpoint
    self.epsilon = epsilon
    self.precision = precision
  }

  /// What a batch normalization does to its input's channels.
  private struct Normalization {
    let scale: ContiguousArray<Float>
    let shift: ContiguousArray<Float>
  }

  private mutating func normalization(_ name: String, channels: Int) throws(NeuralNetworksError) -> Normalization {
    let weight = try checkpoint.vector(name + ".weight", count: channels)
    let bias = try checkpoint.vector(name + ".bias", count: channels)
    let mean = try checkpoint.vector(name + ".running_mean", count: channels)
    let variance = try checkpoint.vector(name + ".running_var", count: channels)
    guard variance.allSatisfy({ $0 >= 0 }) else {
      throw NeuralNetworksError(
        .unexpectedTensor, "tensor \"\(name).running_var\" holds a negative variance; fetch the model again")
    }
    var (scale, shift) = (weight, bias)
    for channel in 0..<channels {
      scale[channel] /= (variance[channel] + epsilon).squareRoot()
      shift[channel] -= mean[channel] * scale[channel]
    }
    return Normalization(scale: scale, shift: shift)
  }

  /// The next multiple of the sixteen channels that a depthwise convolution takes at once; channels past the real ones
  /// have weights of zero.
  private static func padded(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  /// The convolution over the image itself.
  mutating func stem(channels: Int, kernel: Int) throws(NeuralNetworksError) -> LinearLayer {
    let rows = try checkpoint.convolution("_conv_stem", outputs: channels, kernel: kernel)
    return folded(
      rows, try normalization("_bn0", channels: channels), inputs: rows.columns, outputs: Self.padded(channels))
  }

  /// A stage's first block changes the channels and has the stride; the repeats behind it have the residual sum.
  mutating func block(
    _ number: Int, _ stage: EfficientNetConfiguration.Stage, inputs: Int, isRepeat: Bool
  ) throws(NeuralNetworksError) -> EfficientNetBlock {
    let stride = isRepeat ? 1 : stage.stride
    let name = "_blocks.\(number).", hidden = inputs * stage.expansion, taps = stage.kernel * stage.kernel
    guard stage.expansion > 1 || number == 0 else {
      throw NeuralNetworksError(.unsupportedModel, "block \(number) does not expand; only the first may be such a one")
    }
    var expansion: LinearLayer?
    if stage.expansion > 1 {
      expansion = try pointwise(
        name + "_expand_conv", normalization: name + "_bn0", inputs: inputs, outputs: hidden,
        paddedOutputs: Self.padded(hidden))
    }
    var weights = try checkpoint.floats(
      name + "_depthwise_conv.weight", shape: [hidden, 1, stage.kernel, stage.kernel])
    let normalization = try normalization(name + "_bn1", channels: hidden)
    for index in weights.indices { weights[index] *= normalization.scale[index / taps] }
    return EfficientNetBlock(
      expansion: expansion,
      filter: DepthwiseConvolution(
        weights: weights, bias: normalization.shift, kernel: stage.kernel, stride: stride),
      projection: try pointwise(
        name + "_project_conv", normalization: name + "_bn2", inputs: hidden, outputs: stage.channels,
        paddedInputs: Self.padded(hidden)),
      isResidual: isRepeat && inputs == stage.channels)
  }

  /// A convolution of 1 × 1. The padded extents add channels of zeros.
  mutating func pointwise(
    _ name: String, normalization: String, inputs: Int, outputs: Int, paddedInputs: Int? = nil,
    paddedOutputs: Int? = nil
  ) throws(NeuralNetworksError) -> LinearLayer {
    let weights = Matrix(
      rows: outputs, columns: inputs,
      elements: try checkpoint.floats(name + ".weight", shape: [outputs, inputs, 1, 1]))
    return folded(
      weights, try self.normalization(normalization, channels: outputs), inputs: paddedInputs ?? inputs,
      outputs: paddedOutputs ?? outputs)
  }

  private func folded(
    _ weights: Matrix, _ normalization: Normalization, inputs: Int, outputs: Int
  ) -> LinearLayer {
    var scaled = Matrix(rows: outputs, columns: inputs)
    for row in 0..<weights.rows {
      for column in 0..<weights.columns { scaled[row, column] = weights[row, column] * normalization.scale[row] }
    }
    return LinearLayer(
      weights: PackedMatrix(transposing: scaled, precision: precision),
      bias: normalization.shift + ContiguousArray(repeating: 0, count: outputs - weights.rows))
  }
}
