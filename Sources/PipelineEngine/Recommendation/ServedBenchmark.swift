internal import BehaviorAlignment
internal import Foundation
package import Recommenders
package import TensorMath

extension ServedRecommender {
  /// What `tools/benchmarks/peer_beam.py` has to know to answer the same.
  private struct PeerInput: Encodable {
    /// Of each item its codes.
    var codes: [[UInt16]]
    /// Of each user the items that are read.
    var histories: [[UInt32]]
    var sizes: [Int]
    /// Of the network.
    var width: Int
    var layers: Int
    var heads: Int
    var hidden: Int
    var history: Int
  }

  /// `tessera bench recommend --pipeline`: how fast the served recommender answers what it is measured on.
  /// - Parameters:
  ///   - users: at most so many, evenly taken from all.
  ///   - weights: where its parameters are written for the peer to read; nil for nowhere.
  ///   - input: where codes and histories are; likewise.
  /// - Throws: ``PipelineError`` with code `invalidData` for an encoder-decoder, for `prefixOutputs` and for items without
  ///   codes, all of which the peer does not know.
  package func benchmark(
    users: Int, beam: Int, precision: WeightPrecision, weights: String? = nil, input: String? = nil
  ) throws -> GenerationBenchmark.Result {
    let shape = generator.configuration
    guard shape.backbone == .onePosition else {
      throw PipelineError(
        .invalidData, "the pipeline's recommender is an encoder-decoder; 'bench recommend' measures one-position ones")
    }
    guard shape.prefixOutputs != true else {
      throw PipelineError(
        .invalidData,
        "the pipeline's recommender has 'prefixOutputs', which the peer of 'bench recommend' does not know")
    }
    let queries = data.queries(maximumHistory: shape.queryHistory).test.thinned(to: users)
    if let weights { try generator.write(to: weights) }
    if let input {
      guard data.tokens.isPresent.allSatisfy(\.self) else {
        throw PipelineError(.invalidData, "some items have no codes; the peer takes generations in which all have")
      }
      let peer = PeerInput(
        codes: (0..<UInt32(data.tokens.itemCount)).map { Array(data.tokens.codes(ofItem: $0)) },
        histories: generator.readable(queries[...]).map(\.items), sizes: data.tokens.sizes, width: shape.width,
        layers: shape.layers, heads: shape.heads, hidden: shape.hidden, history: shape.maximumHistory)
      try FileSystem.write(String(decoding: try JSONEncoder().encode(peer), as: UTF8.self), to: input)
    }
    return try GenerationBenchmark.measure(generator, queries, beam: beam, precision: precision)
  }
}
