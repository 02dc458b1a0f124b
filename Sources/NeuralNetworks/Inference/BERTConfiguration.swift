internal import Foundation
package import TensorMath

/// What `config.json` says of a model of the BERT family (BERT, RoBERTa, XLM-R).
package struct BERTConfiguration: Sendable, Equatable {
  package var modelType: String
  package var vocabularySize: Int
  package var width: Int
  package var layers: Int
  package var heads: Int
  package var feedForwardWidth: Int
  package var activation: Activation
  package var epsilon: Float
  package var positions: Int
  package var segments: Int
  package var paddingID: Int

  /// RoBERTa counts positions from behind the padding token's id.
  package var firstPosition: Int { modelType == "bert" ? 0 : paddingID + 1 }

  /// The longest sequence, special tokens included.
  package var maximumLength: Int { positions - firstPosition }

  /// The names under which checkpoints of this family keep the encoder.
  var tensorPrefixes: [String] { modelType == "bert" ? ["bert."] : ["roberta.", "xlm_roberta."] }

  package static let modelTypes = ["bert", "roberta", "xlm-roberta"]

  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    modelType = try config.text("model_type")
    guard Self.modelTypes.contains(modelType) else {
      throw config.failure("model_type", "\"\(modelType)\"", "one of \(Self.modelTypes.joined(separator: ", "))")
    }
    let isAbsolute = try config.text("position_embedding_type", default: "absolute") == "absolute"
    guard isAbsolute else { throw config.failure("position_embedding_type", "a relative one", "\"absolute\"") }
    vocabularySize = try config.integer("vocab_size", 1...10_000_000)
    width = try config.integer("hidden_size", 1...65_536)
    layers = try config.integer("num_hidden_layers", 1...1_000)
    heads = try config.integer("num_attention_heads", 1...width)
    guard width % heads == 0 else {
      throw config.failure("num_attention_heads", "\(heads)", "a divisor of hidden_size, \(width)")
    }
    feedForwardWidth = try config.integer("intermediate_size", 1...262_144)
    activation = try config.activation("hidden_act")
    epsilon = Float(try config.number("layer_norm_eps", default: 1e-12))
    positions = try config.integer("max_position_embeddings", 1...1_000_000)
    segments = try config.integer("type_vocab_size", 0...1_000, default: 2)
    paddingID = try config.integer("pad_token_id", 0...10_000_000, default: modelType == "bert" ? 0 : 1)
    guard maximumLength > 0 else {
      throw config.failure("max_position_embeddings", "\(positions)", "more than \(firstPosition)")
    }
  }
}
