package import TensorMath

/// The product's side of `peers/train_recommender.py`: trains an encoder-decoder over semantic-ID tokens. Tokens are
/// random: only the speed counts.
package enum TrainingBenchmark {
  /// The network and a step's batch; the defaults are the peer's.
  package struct Shape: Sendable {
    package var width = 256
    package var hidden = 1024
    package var heads = 4
    /// Of the encoder, and as many of the decoder.
    package var layers = 4
    /// Sequences a step.
    package var batch = 64
    /// Tokens of a sequence that the encoder reads.
    package var source = 192
    /// Tokens of a sequence that the decoder writes.
    package var target = 20
    package var vocabulary = 3 * 256 + 4

    package init() {}

    /// Floating-point operations of a step as the peer counts them: six for each weight and token, and attention's.
    package var operations: Double {
      let (weights, square) = (Double(2 * width * hidden), Double(width * width))
      let encoder =
        Double(source * layers) * (4 * square + weights) + Double(layers * 2 * source * source * width)
      let decoder =
        Double(target) * (Double(layers) * (6 * square + weights) + Double(width * vocabulary))
        + Double(layers)
        * (Double(source) * 2 * square + Double(2 * target * target * width) + Double(2 * source * target * width))
      return 6 * Double(batch) * (encoder + decoder)
    }
  }

  /// Figures under the peer's JSON keys.
  package struct Result: Sendable, Encodable {
    package var product = ""
    package var precision: String
    package var stepSeconds: Double
    package var sourceTokensPerSecond: Int
    package var gigaflopsPerSecond: Double

    enum CodingKeys: String, CodingKey {
      case product, precision
      case stepSeconds = "step_s"
      case sourceTokensPerSecond = "source_tokens_per_s"
      case gigaflopsPerSecond = "gflop_per_s"
    }
  }

  /// - Parameters:
  ///   - precision: of the factors of products.
  ///   - steps: that are timed, after two that are not.
  package static func run(
    _ shape: Shape = Shape(), precision: WeightPrecision, steps: Int
  ) throws(NeuralNetworksError) -> Result {
    precondition(steps > 0, "a benchmark of no steps")
    var training = try TrainingBenchmarkRun(shape, precision: precision)
    let seconds = try FreedMemory.keeping { () throws(NeuralNetworksError) in
      for _ in 0..<2 { _ = try training.makeStep() }
      let start = ContinuousClock.now
      for _ in 0..<steps { _ = try training.makeStep() }
      return (ContinuousClock.now - start) / .seconds(1) / Double(steps)
    }
    return Result(
      precision: PackedMatrix.effective(precision).rawValue, stepSeconds: seconds,
      sourceTokensPerSecond: Int(Double(shape.batch * shape.source) / seconds),
      gigaflopsPerSecond: shape.operations / seconds / 1e9)
  }

  /// The losses of the first steps from one start, to hold one precision against another.
  package static func losses(
    _ shape: Shape, precision: WeightPrecision, steps: Int
  ) throws(NeuralNetworksError) -> [Float] {
    var training = try TrainingBenchmarkRun(shape, precision: precision)
    var losses: [Float] = []
    for _ in 0..<steps { losses.append(try training.makeStep()) }
    return losses
  }
}

/// One training on one batch.
private struct TrainingBenchmarkRun {
  private let network: EncoderDecoder
  private let precision: WeightPrecision
  private let source: ContiguousArray<Int32>
  private let target: ContiguousArray<Int32>
  private var state: TrainingState

  init(_ shape: TrainingBenchmark.Shape, precision: WeightPrecision) throws(NeuralNetworksError) {
    var random = RandomSource(seed: 1)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    network = try EncoderDecoder(scope, shape)
    self.precision = precision
    source = Self.tokens(shape.batch * shape.source, shape.vocabulary, &random)
    target = Self.tokens(shape.batch * shape.target, shape.vocabulary, &random)
    // As the peer, which neither warms up nor clips.
    state = TrainingState(try scope.finish(), schedule: .constant(1e-3), maximumNorm: nil, random: random)
  }

  private static func tokens(_ count: Int, _ vocabulary: Int, _ random: inout RandomSource) -> ContiguousArray<Int32> {
    ContiguousArray((0..<count).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) })
  }

  /// - Returns: the loss before the step.
  mutating func makeStep() throws(NeuralNetworksError) -> Float {
    let pass = ModelPass(training: state.parameters, precision: precision, using: &state.random)
    let loss = network(source, target, in: pass)
    let value = loss.scalar
    try state.update(with: pass.backward(from: loss))
    return value
  }
}

/// A transformer with normalization before each part and behind the last, as PyTorch's `nn.Transformer` with
/// `norm_first`; source and target share their embeddings.
private struct EncoderDecoder {
  private let embedding: Embedding
  private let encoder: [TransformerBlock]
  private let encoderNorm: LayerNorm
  private let decoder: [TransformerBlock]
  private let decoderNorm: LayerNorm
  private let head: Linear
  private let shape: TrainingBenchmark.Shape

  init(_ scope: ParameterScope, _ shape: TrainingBenchmark.Shape) throws(NeuralNetworksError) {
    self.shape = shape
    embedding = try Embedding(
      scope["embedding"], count: shape.vocabulary, width: shape.width, initializer: .normal(deviation: 1))
    var (encoder, decoder): ([TransformerBlock], [TransformerBlock]) = ([], [])
    for index in 0..<shape.layers {
      var configuration = TransformerBlock.Configuration(
        width: shape.width, heads: shape.heads, feedForward: .dense(hidden: shape.hidden, activation: .relu))
      encoder.append(try TransformerBlock(scope["encoder", index], configuration))
      configuration.attendsToMemory = true
      decoder.append(try TransformerBlock(scope["decoder", index], configuration))
    }
    (self.encoder, self.decoder) = (encoder, decoder)
    encoderNorm = try LayerNorm(scope["encoderNorm"], width: shape.width)
    decoderNorm = try LayerNorm(scope["decoderNorm"], width: shape.width)
    head = try Linear(scope["head"], inputs: shape.width, outputs: shape.vocabulary)
  }

  /// - Parameters:
  ///   - source: `batch · source` tokens.
  ///   - target: `batch · target` tokens; each is asked for at its own place, as the peer does.
  /// - Returns: the mean cross-entropy.
  func callAsFunction(
    _ source: ContiguousArray<Int32>, _ target: ContiguousArray<Int32>, in pass: ModelPass
  ) -> Variable {
    let seen = AttentionLayout(selfAttentionOver: offsets(shape.source), isCausal: false)
    var memory = embedding(source, in: pass)
    for block in encoder { memory = block(memory, layout: seen, in: pass) }
    memory = encoderNorm(memory, in: pass)
    let written = AttentionLayout(selfAttentionOver: offsets(shape.target), isCausal: true)
    let crossing = AttentionLayout(
      segments: (0..<shape.batch).map {
        .init(
          queries: $0 * shape.target..<($0 + 1) * shape.target, keys: $0 * shape.source..<($0 + 1) * shape.source)
      })
    var state = embedding(target, in: pass)
    for block in decoder {
      state = block(state, layout: written, memory: .init(memory, layout: crossing), in: pass)
    }
    return decoderNorm(state, in: pass).linearCrossEntropy(
      pass[head.weight], bias: head.bias.map { pass[$0] }, targets: target)
  }

  private func offsets(_ length: Int) -> [Int] { (0...shape.batch).map { $0 * length } }
}
