internal import NeuralNetworks
internal import TensorMath

/// The layers of an ``Aligner``: a projection to tokens and a token for what is missing per modality, their fusion, and
/// a vector of unit length.
struct AlignerNetwork: Sendable {
  private struct Entrance: Sendable {
    let projection: Linear
    /// `1 × (tokens · width)`: stands in for the tokens of an item without the modality.
    let missing: Parameter
  }

  private struct FusionLayer: Sendable {
    let attentionNorm: RMSNorm
    let attention: MultiHeadCrossAttention
    let feedForwardNorm: RMSNorm
    let feedForward: FeedForward
  }

  private let configuration: AlignerConfiguration
  private let entrances: [Entrance]
  private let queries: Parameter?
  private let layers: [FusionLayer]
  private let output: Linear

  init(_ scope: ParameterScope, _ configuration: AlignerConfiguration) throws(NeuralNetworksError) {
    self.configuration = configuration
    let (width, tokens) = (configuration.width, configuration.tokensPerModality)
    var entrances: [Entrance] = []
    for modality in configuration.modalities {
      let part = scope["modalities"][modality.name]
      entrances.append(
        Entrance(
          projection: try Linear(part["projection"], inputs: modality.inputs, outputs: tokens * width),
          missing: try part.parameter(
            "missing", rows: 1, columns: tokens * width, initializer: .normal(deviation: 0.02), decays: false)))
    }
    self.entrances = entrances
    var (layers, exits): ([FusionLayer], Int) = ([], configuration.tokens * width)
    if configuration.fusion == .queries {
      queries = try scope.parameter(
        "queries", rows: configuration.queries, columns: width, initializer: .normal(deviation: 0.5), decays: false)
      for index in 0..<configuration.layers {
        layers.append(try Self.layer(scope["layers", index], configuration))
      }
      exits += configuration.queries * width
    } else {
      queries = nil
    }
    self.layers = layers
    output = try Linear(scope["output"], inputs: exits, outputs: configuration.dimensions)
  }

  private static func layer(
    _ scope: ParameterScope, _ configuration: AlignerConfiguration
  ) throws(NeuralNetworksError) -> FusionLayer {
    let width = configuration.width
    return FusionLayer(
      attentionNorm: try RMSNorm(scope["attentionNorm"], width: width),
      attention: try MultiHeadCrossAttention(scope["attention"], width: width, heads: configuration.heads),
      feedForwardNorm: try RMSNorm(scope["feedForwardNorm"], width: width),
      feedForward: try FeedForward(scope["feedForward"], width: width, hidden: 4 * width))
  }

  /// - Parameter inputs: one per modality, in the configuration's order.
  /// - Returns: `items × dimensions`, unit-length rows.
  func callAsFunction(_ inputs: [AlignerInput], in pass: ModelPass) -> Variable {
    self(inputs.map { pass.tape.constant($0.vectors) }, isPresent: inputs.map(\.isPresent), in: pass)
  }

  /// - Parameters:
  ///   - inputs: standardized vectors, one value per modality.
  ///   - isPresent: likewise, of each item.
  func callAsFunction(_ inputs: [Variable], isPresent: [[Bool]], in pass: ModelPass) -> Variable {
    let count = isPresent[0].count
    let dropout = Dropout(rate: configuration.dropout)
    let parts = zip(entrances, zip(inputs, isPresent)).map { entrance, input in
      let x = dropout(input.0, in: pass)
      let tokens = entrance.projection(x, activation: .gelu, in: pass)
      // Row `count` is the token for what is missing.
      let rows = ContiguousArray(input.1.enumerated().map { Int32($1 ? $0 : count) })
      return Variable.concatenatingRows([tokens, pass[entrance.missing]]).selectingRows(rows)
    }
    var exits = [dropout(Variable.concatenatingColumns(parts), in: pass)]
    if let queries { exits.append(fused(exits[0], pass[queries], count, dropout, pass)) }
    return output(Variable.concatenatingColumns(exits), in: pass).unitRows()
  }

  /// The query tokens of each item after attending to its tokens, side by side.
  private func fused(
    _ tokens: Variable, _ queries: Variable, _ count: Int, _ dropout: Dropout, _ pass: ModelPass
  ) -> Variable {
    let (queryCount, tokenCount) = (configuration.queries, configuration.tokens)
    let memory = tokens.reshaped(rows: count * tokenCount, columns: configuration.width)
    let layout = AttentionLayout(
      segments: (0..<count).map {
        .init(
          queries: $0 * queryCount..<($0 + 1) * queryCount, keys: $0 * tokenCount..<($0 + 1) * tokenCount)
      })
    var state = queries.selectingRows(ContiguousArray((0..<count * queryCount).map { Int32($0 % queryCount) }))
    for layer in layers {
      let seen = layer.attention(layer.attentionNorm(state, in: pass), memory: memory, layout: layout, in: pass)
      state = state + dropout(seen, in: pass)
      let changed = layer.feedForward(layer.feedForwardNorm(state, in: pass), in: pass)
      state = state + dropout(changed, in: pass)
    }
    return state.reshaped(rows: count, columns: queryCount * configuration.width)
  }
}

/// One modality's standardized vectors of a batch.
struct AlignerInput: Sendable {
  /// Rows that are not present are zeros.
  var vectors: Matrix
  var isPresent: [Bool]
}
