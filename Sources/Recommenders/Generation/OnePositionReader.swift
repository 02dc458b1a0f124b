internal import NeuralNetworks
internal import TensorMath

/// The one-position network made ready to recommend. Weights are packed once, and everything from items to codes runs on
/// the calling thread in memory that is used again, a few users at a time: as many as keep weights and rows in the cache
/// of one core.
package struct OnePositionReader: HistoryReader {
  let vocabulary: GeneratorVocabulary
  let width: Int
  let decoder: PackedCodeDecoder
  let outputs: [CodeOutputs]
  /// By level: the codes' vectors.
  let codes: [Matrix]
  /// A vector for each level.
  let levels: Matrix
  private let prefixes: [(length: Int, table: Matrix)]
  private let begin: Matrix
  private let places: Matrix
  private let inputNorm: LayerNormalization
  private let blocks: [TransformerLayer]
  private let stateNorm: LayerNormalization
  private let heads: Int
  private let hidden: Int

  init(
    _ network: OnePositionNetwork, _ vocabulary: GeneratorVocabulary, _ parameters: ParameterSet,
    _ precision: WeightPrecision
  ) {
    self.vocabulary = vocabulary
    let tables = network.tables
    codes = tables.codes.map { parameters[$0.weight] }
    prefixes = tables.prefixes.map { ($0.length, parameters[$0.table.weight]) }
    outputs = codes.indices.map { CodeOutputs(tables, level: $0, vocabulary.trie, parameters, precision) }
    (begin, places) = (parameters[network.begin], parameters[network.places.weight])
    levels = parameters[network.levels.weight]
    inputNorm = network.inputNorm.packed(parameters)
    blocks = network.blocks.map { $0.packed(parameters, precision) }
    stateNorm = network.stateNorm.packed(parameters)
    decoder = PackedCodeDecoder(network.decoder, parameters, precision)
    (width, heads) = (begin.columns, network.decoder.crossAttention.heads)
    hidden = parameters[network.decoder.forward.up.weight].rows
  }

  /// A tile of the products' rows at the first level, where a user has one row.
  package var blockUsers: Int { 8 }
  package var keepsToOneThread: Bool { true }

  package func scorer(_ users: [UserContext], reusing former: OnePositionScorer?) -> OnePositionScorer {
    OnePositionScorer(self, users, former?.scratch ?? OnePositionScratch(heads: heads, width: width, hidden: hidden))
  }

  /// Runs the backbone.
  /// - Parameter batch: of at least one history.
  /// - Returns: `batch.rows × width`, in the scratch's state.
  func readStates(_ batch: SequenceBatch, _ scratch: OnePositionScratch, _ body: (UnsafePointer<Float>) -> Void) {
    scratch.backbone.reserve(tokens: batch.rows)
    _ = unsafe scratch.backbone.withState { unsafe writeInputs(batch, into: $0) }
    for block in blocks { block.apply(&scratch.backbone, sequences: batch.offsets, isCausal: true) }
    _ = unsafe scratch.backbone.withState { state in
      unsafe stateNorm.apply(to: state, rows: batch.rows)
      unsafe body(state)
    }
  }

  /// The vectors of items, normalized, and of their places.
  private func writeInputs(_ batch: SequenceBatch, into state: UnsafeMutablePointer<Float>) {
    for (row, item) in batch.items.enumerated() {
      let target = unsafe state + row * width
      if item < 0 {
        unsafe begin.withRow(0) { unsafe target.update(from: $0, count: width) }
      } else {
        unsafe writeVector(of: UInt32(item), into: target)
      }
      unsafe inputNorm.apply(to: target, rows: 1)
      unsafe places.withRow(Int(batch.places[row])) { unsafe addVector($0, to: target, count: width) }
    }
  }

  private func writeVector(of item: UInt32, into target: UnsafeMutablePointer<Float>) {
    for (level, code) in vocabulary.tokens.codes(ofItem: item).enumerated() {
      unsafe codes[level].withRow(Int(code)) { vector in
        if level == 0 {
          unsafe target.update(from: vector, count: width)
        } else {
          unsafe addVector(vector, to: target, count: width)
        }
      }
    }
    for (length, table) in prefixes {
      let prefix = vocabulary.trie.prefix(ofItem: item, length: length)
      unsafe table.withRow(Int(prefix)) { unsafe addVector($0, to: target, count: width) }
    }
  }
}

extension Matrix {
  /// Lends one row.
  func withRow(_ row: Int, _ body: (UnsafePointer<Float>) -> Void) {
    precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
    unsafe elements.withUnsafeBufferPointer { elements in
      guard let first = elements.baseAddress else { return }
      unsafe body(first + row * columns)
    }
  }
}

/// One thread's memory for reading and writing.
final class OnePositionScratch {
  var backbone: TransformerScratch
  let decoder: PackedCodeDecoder.Scratch
  let keysAndValues = ScratchBuffer()
  let logits = ScratchBuffer()

  init(heads: Int, width: Int, hidden: Int) {
    backbone = TransformerScratch(heads: heads, width: width, feedForwardWidth: hidden)
    decoder = PackedCodeDecoder.Scratch(heads: heads, headWidth: width / heads)
  }
}
