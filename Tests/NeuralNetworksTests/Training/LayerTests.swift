import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct LayerTests {
  static func input(_ rows: Int, _ columns: Int, seed: UInt64 = 9) -> Matrix {
    var random = RandomSource(seed: seed)
    return normalMatrix(rows, columns, using: &random)
  }

  @Test(arguments: [Activation.identity, .gelu, .silu])
  func linearLayersHaveTheirGradients(_ activation: Activation) throws {
    let (layer, parameters) = try makeLayer { try Linear($0, inputs: 5, outputs: 7) }
    expectParameterGradients(parameters) { pass in
      layer(pass.tape.constant(Self.input(6, 5)), activation: activation, in: pass)
    }
  }

  @Test func linearLayersMultiplyByTransposedWeights() throws {
    let (layer, initial) = try makeLayer { try Linear($0["head"], inputs: 2, outputs: 3) }
    var parameters = initial
    parameters[layer.weight] = Matrix(rows: 3, columns: 2, elements: [1, 2, 3, 4, 5, 6])
    parameters[try #require(layer.bias)] = Matrix(rows: 1, columns: 3, elements: [0.5, 0, -1])
    let pass = ModelPass(inferring: parameters)
    let output = layer(pass.tape.constant(Matrix(rows: 1, columns: 2, elements: [1, 10])), in: pass)
    #expect(output.value.elements == [21.5, 43, 64])
    #expect(parameters.entries.map(\.name) == ["head.weight", "head.bias"])
    #expect(parameters.entries.map(\.decays) == [true, false])
  }

  @Test func embeddingsHaveTheirGradientsAsTablesAndAsOutputLayers() throws {
    let (layer, parameters) = try makeLayer { try Embedding($0, count: 6, width: 4) }
    expectParameterGradients(parameters) { pass in layer([5, 0, -1, 5], in: pass) }
    expectParameterGradients(parameters) { pass in layer.logits(layer([1, 2, 3], in: pass), in: pass) }
  }

  @Test func normalizationsHaveTheirGradients() throws {
    for kind in [Normalization.Kind.layer, .rootMeanSquare] {
      let (layer, parameters) = try makeLayer { try Normalization(kind, $0, width: 9) }
      expectParameterGradients(parameters) { pass in layer(pass.tape.constant(Self.input(4, 9)), in: pass) }
      #expect(parameters.entries.allSatisfy { !$0.decays })
    }
  }

  @Test func selfAttentionHasItsGradients() throws {
    let (layer, parameters) = try makeLayer { try MultiHeadSelfAttention($0, width: 8, heads: 2) }
    let layout = AttentionLayout(selfAttentionOver: [0, 3, 7], isCausal: true)
    expectParameterGradients(parameters) { pass in
      layer(pass.tape.constant(Self.input(7, 8)), layout: layout, in: pass)
    }
  }

  @Test func crossAttentionHasItsGradientsForAMemoryOfAnotherWidth() throws {
    let (layer, parameters) = try makeLayer {
      try MultiHeadCrossAttention($0, width: 8, heads: 4, memoryWidth: 5, hasBias: false)
    }
    let layout = AttentionLayout(segments: [
      .init(queries: 0..<2, keys: 0..<3), .init(queries: 2..<3, keys: 3..<7),
    ])
    expectParameterGradients(parameters) { pass in
      layer(
        pass.tape.constant(Self.input(3, 8)), memory: pass.tape.constant(Self.input(7, 5)), layout: layout, in: pass)
    }
  }

  @Test(arguments: [Activation.gelu, .silu, .relu])
  func feedForwardLayersHaveTheirGradients(_ activation: Activation) throws {
    let (layer, parameters) = try makeLayer {
      try FeedForward($0, width: 6, hidden: 10, activation: activation)
    }
    // A rectifier's corner bends the differences where one lies within a step.
    expectParameterGradients(parameters, step: 0.002, bound: activation == .relu ? 0.1 : 0.02) { pass in
      layer(pass.tape.constant(Self.input(5, 6)), in: pass)
    }
  }

  @Test func gatedLayersHaveTheirGradients() throws {
    let (layer, parameters) = try makeLayer { try SwiGLU($0, width: 6, hidden: 10) }
    expectParameterGradients(parameters) { pass in layer(pass.tape.constant(Self.input(5, 6)), in: pass) }
  }

  @Test func dropoutDropsInTrainingOnlyAndKeepsTheMean() throws {
    let ones = Matrix(rows: 200, columns: 50, elements: ContiguousArray(repeating: 1, count: 10_000))
    var random = RandomSource(seed: 8)
    let training = ModelPass(training: ParameterSet(), using: &random)
    let dropped = Dropout(rate: 0.25)(training.tape.constant(ones), in: training).value.elements
    #expect(Set(dropped) == [0, 1 / 0.75])
    #expect(abs(dropped.reduce(0, +) / 10_000 - 1) < 0.03)
    let inference = ModelPass(inferring: ParameterSet())
    #expect(Dropout(rate: 0.25)(inference.tape.constant(ones), in: inference).value == ones)
    let exact = ModelPass(ParameterSet(), on: Tape(), random: RandomSource(seed: 1), isTraining: false)
    #expect(Dropout(rate: 0.25)(exact.tape.parameter(ones), in: exact).value == ones && !exact.isTraining)
  }

  @Test func passesDrawOnceFromTheCallersGenerator() {
    var (one, other) = (RandomSource(seed: 8), RandomSource(seed: 8))
    let pass = ModelPass(training: ParameterSet(), using: &one)
    let x = pass.tape.constant(Self.input(3, 3))
    _ = Dropout(rate: 0.5)(Dropout(rate: 0.5)(x, in: pass), in: pass)
    _ = ModelPass(training: ParameterSet(), using: &other)
    #expect(one.words == other.words)
  }
}
