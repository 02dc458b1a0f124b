package import TensorMath

// Layers that were trained as inference runs them: their parameters taken out of the set, weights packed once.

extension Linear {
  package func packed(_ parameters: ParameterSet, _ precision: WeightPrecision) -> LinearLayer {
    LinearLayer(
      weights: PackedMatrix(transposing: parameters[weight], precision: precision),
      bias: bias.map { parameters[$0].elements })
  }
}

extension LayerNorm {
  package func packed(_ parameters: ParameterSet) -> LayerNormalization {
    LayerNormalization(scale: parameters[weight].elements, shift: parameters[bias].elements, epsilon: epsilon)
  }
}

extension TransformerBlock {
  /// - Precondition: the block has layer norms, a dense feed-forward part and no attention to a memory.
  package func packed(_ parameters: ParameterSet, _ precision: WeightPrecision) -> TransformerLayer {
    guard case .layer(let attentionNorm) = selfNorm, case .layer(let outputNorm) = forwardNorm,
      case .dense(let forward) = forwardPart, crossPart == nil
    else { preconditionFailure("a block with layer norms, a dense feed-forward part and no memory") }
    return TransformerLayer(
      order: .normalizedBefore,
      projections: selfAttention.qkv.packed(parameters, precision),
      attentionOutput: selfAttention.output.packed(parameters, precision),
      attentionNormalization: attentionNorm.packed(parameters),
      expansion: forward.up.packed(parameters, precision),
      contraction: forward.down.packed(parameters, precision),
      outputNormalization: outputNorm.packed(parameters),
      activation: forward.activation)
  }
}
