import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// Layers as inference runs them give what they gave in training.
@Suite struct PackedLayersTests {
  @Test(arguments: [true, false])
  func aBlockIsTheSame(_ isCausal: Bool) throws {
    let (block, parameters) = try TransformerBlockTests.block(
      .dense(hidden: 12, activation: .gelu), decoder: false, dropout: 0.4)
    let offsets = [0, 4, 5, 30], x = LayerTests.input(30, 8)
    let pass = ModelPass(inferring: parameters)
    let expected = block(
      pass.tape.constant(x), layout: AttentionLayout(selfAttentionOver: offsets, isCausal: isCausal), in: pass
    ).value
    var scratch = TransformerScratch(heads: 2, width: 8, feedForwardWidth: 12)
    scratch.reserve(tokens: 30)
    _ = scratch.withState { state in
      for (place, number) in x.elements.enumerated() { state[place] = number }
    }
    block.packed(parameters, .single).apply(&scratch, sequences: offsets, isCausal: isCausal)
    expectClose(scratch.state.prefix(30 * 8), expected.elements, tolerance: 1e-5)
  }

  @Test(arguments: [true, false])
  func aLinearLayerIsTheSame(_ hasBias: Bool) throws {
    let (layer, parameters) = try makeLayer(deviation: 0.3) {
      try Linear($0, inputs: 7, outputs: 5, hasBias: hasBias)
    }
    let pass = ModelPass(inferring: parameters), x = LayerTests.input(4, 7)
    let expected = layer(pass.tape.constant(x), in: pass).value
    let packed = layer.packed(parameters, .single)
    #expect(packed.inputs == 7 && packed.outputs == 5)
    #expect(packed.weights.product(x, bias: packed.bias) == expected)
  }

  @Test func aNormalizationIsTheSame() throws {
    let (layer, parameters) = try makeLayer(deviation: 0.3) { try LayerNorm($0, width: 9, epsilon: 1e-3) }
    let pass = ModelPass(inferring: parameters), x = LayerTests.input(4, 9)
    var rows = x.elements
    rows.withUnsafeMutableBufferPointer { layer.packed(parameters).apply(to: $0.baseAddress!, rows: 4) }
    #expect(rows == layer(pass.tape.constant(x), in: pass).value.elements)
  }
}
