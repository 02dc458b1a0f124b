public import ItemCatalog
public import NeuralNetworks
public import TensorMath

/// A pretrained text encoder whose last layers learn from what is made of its vectors.
///
/// Vectors are made without a tape; given the gradients of a loss with respect to them, those of the weights are made
/// some texts at a time, computing their vectors again (Gao et al., 2021, "Scaling Deep Contrastive Learning Batch Size
/// under Memory Limited Setup", section 3.2). They are the gradients of one graph over all of the batch, in the memory of
/// a few texts.
///
/// Memory: four bytes a token, the model's weights twice, and up to `stateBytes` for what the layers that stay make of
/// texts, which then is made once.
public struct TextEncoderTuning: Sendable {
  private let encoder: PretrainedTextEncoder
  private let model: BERTModel
  private let pooling: SequencePooling
  private let network: TrainableBERT
  private var texts = TextTokens()
  /// By text, what the layers that stay made of it, where there was room.
  private var states: [ContiguousArray<Float>?] = []
  /// Floats that more of it may take.
  private var room: Int

  /// Tokens whose gradients are made at once: enough for products to be fast, and some 100 MB a layer of MiniLM's width.
  private static let tokensPerChunk = 2048

  /// - Parameters:
  ///   - depth: what learns.
  ///   - stateBytes: kept at most of what the layers below make of texts.
  /// - Throws: `unreadableEncoder` as ``PretrainedTextEncoder`` does, `invalidParameter` for a model that is not of the
  ///   BERT family or has fewer layers.
  public init(
    folder: String, template: TextTemplate = .textOrTitle, prefix: String = "", precision: WeightPrecision = .single,
    depth: TrainableDepth, stateBytes: Int = 1 << 30
  ) throws(EncoderError) {
    encoder = try PretrainedTextEncoder(folder: folder, template: template, prefix: prefix, precision: precision)
    guard let pooled = encoder.model as? PooledBERT else {
      throw EncoderError(
        .invalidParameter, "'\(folder)' is no model of the BERT family, and only those can be tuned; tune none of it")
    }
    (model, pooling) = (pooled.model, pooled.pooling)
    do {
      network = try TrainableBERT(
        model.configuration, checkpoint: try SafetensorsFile.read(ModelFolder(path: folder).checkpoint), depth: depth)
    } catch {
      throw EncoderError(
        error.code == .unsupportedModel ? .invalidParameter : .unreadableEncoder, "'\(folder)': \(error.message)")
    }
    room = depth == .all ? 0 : stateBytes / MemoryLayout<Float>.size
  }

  /// Floats per vector.
  public var dimensions: Int { encoder.dimensions }

  /// Texts so far.
  public var count: Int { texts.count }

  /// Adds items' texts behind those that are there; one that the encoder cannot read has no vector.
  public mutating func append(_ items: [Item]) {
    for sequence in encoder.readableTokens(of: items) { texts.append(sequence) }
    states += repeatElement(nil, count: items.count)
  }

  /// Whether a text has a vector.
  package func hasVector(_ row: Int) -> Bool { !texts.range(row).isEmpty }

  /// Weights that learn, as the model's folder has them.
  package var parameters: ParameterSet { network.parameters }

  /// The vectors of some texts by the weights at hand.
  /// - Parameters:
  ///   - rows: of texts that have vectors.
  ///   - precision: of products.
  /// - Returns: `rows × dimensions`, unit-length rows.
  package mutating func vectors(
    of rows: [Int], by parameters: ParameterSet, precision: WeightPrecision
  ) -> Matrix {
    var elements: ContiguousArray<Float> = []
    elements.reserveCapacity(rows.count * dimensions)
    for chunk in chunks(rows) {
      let pass = ModelPass(inferring: parameters, precision: precision)
      elements += vectors(rows[chunk], pass).value.elements
    }
    return Matrix(rows: rows.count, columns: dimensions, elements: elements)
  }

  /// The gradients of the weights, given those of the vectors.
  /// - Parameter outer: the gradients of a loss with respect to the vectors of `rows`.
  /// - Returns: nil for no rows.
  package mutating func gradients(
    of rows: [Int], outer: Matrix, by parameters: ParameterSet, precision: WeightPrecision
  ) -> ParameterGradients? {
    precondition(outer.rows == rows.count && outer.columns == dimensions, "gradients of other vectors")
    var sum: ParameterGradients?
    // Nothing is drawn from it: no layer drops.
    var random = RandomSource(seed: 0)
    for chunk in chunks(rows) {
      let pass = ModelPass(training: parameters, precision: precision, using: &random)
      let loss = (vectors(rows[chunk], pass) * pass.tape.constant(outer.rows(chunk))).sum()
      let part = pass.backward(from: loss)
      guard var whole = sum.take() else {
        sum = part
        continue
      }
      whole.add(part)
      sum = whole
    }
    return sum
  }

  /// Of the encoder as it was before any of it learned.
  package var fingerprint: String { encoder.fingerprint }

  /// What training changed.
  package func tuned(_ parameters: ParameterSet) -> TunedTextWeights {
    TunedTextWeights(base: fingerprint, tensors: network.changes(parameters))
  }

  /// Places of `rows` whose texts go through together.
  private func chunks(_ rows: [Int]) -> [Range<Int>] {
    var (chunks, start, tokens) = ([Range<Int>](), 0, 0)
    for (place, row) in rows.enumerated() {
      let count = texts.range(row).count
      if place > start, tokens + count > Self.tokensPerChunk {
        chunks.append(start..<place)
        (start, tokens) = (place, 0)
      }
      tokens += count
    }
    return rows.isEmpty ? [] : chunks + [start..<rows.count]
  }

  private mutating func vectors(_ rows: ArraySlice<Int>, _ pass: ModelPass) -> Variable {
    let tokens = TextTokens(rows.lazy.map { [texts] in Array(texts.ids[texts.range($0)]) })
    let below = network.readsStates ? self.below(Array(rows), tokens: tokens.ids.count) : nil
    return pooling(network(tokens, below: below, in: pass), offsets: tokens.offsets).unitRows()
  }

  /// What the layers that stay make of some texts, one below the other.
  private mutating func below(_ rows: [Int], tokens: Int) -> Matrix {
    let missing = rows.filter { states[$0] == nil }
    let made = Parallelism.mapChunks(of: missing.count, size: 4) { [model, network, texts] range in
      var scratch = model.makeScratch()
      return range.map { place in
        let text = TextTokens([Array(texts.ids[texts.range(missing[place])])])
        model.encode(text, &scratch, layers: network.frozenLayers)
        return ContiguousArray(scratch.state.prefix(text.ids.count * model.configuration.width))
      }
    }
    let fresh = Dictionary(zip(missing, made.joined())) { first, _ in first }
    var elements: ContiguousArray<Float> = []
    elements.reserveCapacity(tokens * model.configuration.width)
    for row in rows {
      guard let state = states[row] ?? fresh[row] else { preconditionFailure("a text without states") }
      elements += state
      guard states[row] == nil, state.count <= room else { continue }
      room -= state.count
      states[row] = state
    }
    return Matrix(rows: tokens, columns: model.configuration.width, elements: elements)
  }
}
