package import NeuralNetworks
package import TensorMath

/// OneRec's layers of a ``Generator``: an encoder over the codes of the history and a decoder over those that are written
/// (2502.18965, section 3.2; 2506.13695, sections 2.2 and 2.3).
///
/// - **Encoder.** A row for the beginning, then one for every code of every item: the code's vector, and in an item's last
///   row those of its prefixes; normalized, plus a vector for the level and one for the item's place. Places count back
///   from the latest item: a history teaches at its end only, so that is what training and use have in common. Rows of a
///   history see all of it.
/// - **Pathways**, where there are any: further rows before the beginning, ``PathwayLayers``.
/// - **Decoder.** For each item that is written a beginning and its codes; the row before a code has its logits. A row is
///   a vector for its kind (beginning, or level), one for the item's place in the session, and the code's vector. Each
///   layer is self-attention to the rows up to it, attention to the encoder's rows, and a feed-forward part: dense, or a
///   sparse mixture of SwiGLU experts, Σᵢ gᵢ · FFNᵢ with the top-k gates of a softmax.
/// - Layers normalize by the root mean square before each part, as the technical report has it.
///
/// Parameters: those of ``CodeTables``, and `encoder.begin`, `encoder.places.*`, `encoder.levels.*`,
/// `encoder.inputNorm.*`, `encoder.blocks.<i>.*`, `encoder.outputNorm.*`, `decoder.kinds.*`, `decoder.places.*`,
/// `decoder.inputNorm.*`, `decoder.blocks.<i>.*`, `decoder.outputNorm.*`, `pathways.*`.
package struct EncoderDecoderNetwork: GeneratorNetwork {
  /// A stack of layers between two normalizations.
  private struct Stack: Sendable {
    let inputNorm: Normalization
    let blocks: [TransformerBlock]
    let outputNorm: Normalization

    init(
      _ scope: ParameterScope, layers: Int, _ block: TransformerBlock.Configuration
    ) throws(NeuralNetworksError) {
      inputNorm = try Normalization(block.normalization, scope["inputNorm"], width: block.width)
      outputNorm = try Normalization(block.normalization, scope["outputNorm"], width: block.width)
      var blocks: [TransformerBlock] = []
      for layer in 0..<layers { blocks.append(try TransformerBlock(scope["blocks", layer], block)) }
      self.blocks = blocks
    }
  }

  package let tables: CodeTables
  private let begin: Parameter
  private let places: Embedding
  private let levels: Embedding
  private let encoder: Stack
  private let pathwayLayers: PathwayLayers?
  private let kinds: Embedding
  private let targetPlaces: Embedding
  private let decoder: Stack
  private let dropout: Dropout
  /// Items that it can write one behind another.
  package let targetItems: Int
  /// What it reads beside the latest items.
  let pathways: UserPathways?

  package init(
    _ scope: ParameterScope, _ configuration: GeneratorConfiguration, _ vocabulary: GeneratorVocabulary
  ) throws(NeuralNetworksError) {
    let (width, levelCount) = (configuration.width, vocabulary.tokens.levels)
    tables = try CodeTables(scope, configuration, vocabulary)
    let (reading, writing) = (scope["encoder"], scope["decoder"])
    begin = try reading.parameter(
      "begin", rows: 1, columns: width, initializer: .normal(deviation: 0.02), decays: false)
    places = try Embedding(reading["places"], count: configuration.maximumHistory, width: width, decays: false)
    levels = try Embedding(reading["levels"], count: levelCount, width: width, decays: false)
    kinds = try Embedding(writing["kinds"], count: levelCount + 1, width: width, decays: false)
    targetPlaces = try Embedding(writing["places"], count: configuration.targetItems, width: width, decays: false)
    var block = TransformerBlock.Configuration(
      width: width, heads: configuration.heads,
      feedForward: .dense(hidden: configuration.hidden, activation: .gelu), normalization: .rootMeanSquare,
      dropout: configuration.dropout)
    encoder = try Stack(reading, layers: configuration.layers, block)
    pathways = configuration.pathways
    pathwayLayers = try configuration.pathways.map { pathways throws(NeuralNetworksError) in
      try PathwayLayers(scope["pathways"], pathways, configuration)
    }
    block.attendsToMemory = true
    if let experts = configuration.experts { block.feedForward = .experts(experts) }
    decoder = try Stack(writing, layers: configuration.decoderLayers, block)
    dropout = Dropout(rate: configuration.dropout)
    targetItems = configuration.targetItems
  }

  /// What the encoder makes of histories; each row depends on all of its own history.
  /// - Returns: a row for each of the tokens'.
  package func states(
    _ tokens: HistoryTokens, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    let read = tables.addingPrefixes(
      of: tables.remembered(tokens.closedItems, in: pass), to: tables.codeVectors(tokens.codes, in: pass), vocabulary,
      in: pass)
    var vectors = pass[begin].selectingRows(tokens.beginnings) + read
    if let more = pathwayLayers?.vectors(tokens, tables, vocabulary, in: pass) { vectors = vectors + more }
    var state = encoder.inputNorm(vectors, in: pass)
    state = state + places(tokens.places, in: pass) + levels(tokens.levels, in: pass)
    if let marks = pathwayLayers?.marks(tokens, in: pass) { state = state + marks }
    state = dropout(state, in: pass)
    for block in encoder.blocks { state = block(state, layout: tokens.layout, in: pass) }
    return encoder.outputNorm(state, in: pass)
  }

  private func inputs(_ tokens: TargetTokens, in pass: ModelPass) -> Variable {
    let vectors = kinds(tokens.kinds, in: pass) + tables.codeVectors(tokens.codes, in: pass)
    return dropout(decoder.inputNorm(vectors + targetPlaces(tokens.places, in: pass), in: pass), in: pass)
  }

  /// What the decoder makes of whole sequences.
  /// - Parameters:
  ///   - layout: which rows see which of them.
  ///   - memory: the encoder's states, and which of the rows see which of those.
  /// - Returns: a row for each of the tokens': what the next code's logits are made of.
  package func outputs(
    _ tokens: TargetTokens, layout: AttentionLayout, memory: TransformerBlock.Memory, in pass: ModelPass
  ) -> Variable {
    var state = inputs(tokens, in: pass)
    for block in decoder.blocks { state = block(state, layout: layout, memory: memory, in: pass) }
    return decoder.outputNorm(state, in: pass)
  }

  /// What the layers of the decoder see of the encoder's states: made once, whatever the number of rows that are written.
  func memories(_ states: Variable, in pass: ModelPass) -> [Variable] {
    decoder.blocks.map { $0.memoryKeysAndValues(states, in: pass) }
  }

  /// What the decoder makes of new rows behind those whose keys and values it has kept.
  /// - Parameters:
  ///   - caches: by layer; empty before the first rows. Afterwards they are those of `step`.
  ///   - memories: of ``memories(_:in:)``.
  func outputs(
    _ tokens: TargetTokens, caches: inout [Variable?], memories: [Variable], step: TransformerBlock.DecodingStep,
    in pass: ModelPass
  ) -> Variable {
    var state = inputs(tokens, in: pass)
    if caches.isEmpty { caches = memories.map { _ in nil } }
    for (layer, block) in decoder.blocks.enumerated() {
      state = block(state, cache: &caches[layer], memory: memories[layer], step: step, in: pass)
    }
    return decoder.outputNorm(state, in: pass)
  }
}
