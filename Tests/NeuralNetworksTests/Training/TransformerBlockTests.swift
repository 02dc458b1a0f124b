import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct TransformerBlockTests {
  static let kinds: [TransformerBlock.Configuration.FeedForwardKind] = [
    .dense(hidden: 12, activation: .gelu), .gated(hidden: 10),
  ]

  static func block(
    _ kind: TransformerBlock.Configuration.FeedForwardKind, decoder: Bool, dropout: Float = 0,
    normalization: Normalization.Kind = .layer
  ) throws -> (layer: TransformerBlock, parameters: ParameterSet) {
    try makeLayer(deviation: 0.3) {
      try TransformerBlock(
        $0,
        .init(
          width: 8, heads: 2, feedForward: kind, normalization: normalization, attendsToMemory: decoder,
          dropout: dropout))
    }
  }

  @Test(arguments: [0, 1])
  func encodersHaveTheirGradients(kind: Int) throws {
    let (block, parameters) = try Self.block(Self.kinds[kind], decoder: false, normalization: .rootMeanSquare)
    let layout = AttentionLayout(selfAttentionOver: [0, 4, 6], isCausal: false)
    expectParameterGradients(parameters) { pass in
      block(pass.tape.constant(LayerTests.input(6, 8)), layout: layout, in: pass)
    }
  }

  @Test func decodersHaveTheirGradientsWithDropoutToo() throws {
    let (block, parameters) = try Self.block(Self.kinds[0], decoder: true, dropout: 0.3)
    let layout = AttentionLayout(selfAttentionOver: [0, 3, 5], isCausal: true)
    let memoryLayout = AttentionLayout(segments: [
      .init(queries: 0..<3, keys: 0..<4), .init(queries: 3..<5, keys: 4..<9),
    ])
    expectParameterGradients(parameters) { pass in
      let memory = pass.tape.constant(LayerTests.input(9, 8, seed: 2))
      return block(
        pass.tape.constant(LayerTests.input(5, 8)), layout: layout, memory: .init(memory, layout: memoryLayout),
        in: pass)
    }
  }

  @Test func packedSequencesGiveWhatEachGivesAlone() throws {
    let (block, parameters) = try Self.block(Self.kinds[1], decoder: false)
    let x = LayerTests.input(9, 8)
    func run(_ x: Matrix, _ offsets: [Int]) -> Matrix {
      let pass = ModelPass(inferring: parameters)
      return block(
        pass.tape.constant(x), layout: AttentionLayout(selfAttentionOver: offsets, isCausal: false), in: pass
      ).value
    }
    let packed = run(x, [0, 2, 9])
    expectClose(packed.rows(0..<2).elements, run(x.rows(0..<2), [0, 2]).elements, tolerance: 1e-5)
    expectClose(packed.rows(2..<9).elements, run(x.rows(2..<9), [0, 7]).elements, tolerance: 1e-5)
  }

  @Test func causalBlocksDoNotSeeLaterRows() throws {
    let (block, parameters) = try Self.block(Self.kinds[0], decoder: false)
    var x = LayerTests.input(6, 8)
    func run() -> Matrix {
      let pass = ModelPass(inferring: parameters)
      return block(
        pass.tape.constant(x), layout: AttentionLayout(selfAttentionOver: [0, 6], isCausal: true), in: pass
      ).value
    }
    let before = run()
    for column in 0..<8 { x[4, column] += 3 }
    let after = run()
    #expect(before.rows(0..<4) == after.rows(0..<4))
    #expect(before.rows(4..<5) != after.rows(4..<5))
  }

  @Test func expertBlocksReportTheirLoad() throws {
    let (block, parameters) = try Self.block(
      .experts(.init(count: 4, selected: 2, hidden: 6)), decoder: false)
    var random = RandomSource(seed: 2)
    let pass = ModelPass(training: parameters, using: &random)
    _ = block(
      pass.tape.constant(LayerTests.input(10, 8)), layout: AttentionLayout(selfAttentionOver: [0, 10], isCausal: true),
      in: pass)
    #expect(pass.expertLoads.count == 1)
    #expect(pass.expertLoads.first?.counts.reduce(0, +) == 20)
  }

  @Test func namesArePathsOfTheParts() throws {
    let (_, parameters) = try Self.block(Self.kinds[1], decoder: true, normalization: .rootMeanSquare)
    #expect(
      parameters.entries.map(\.name) == [
        "selfNorm.weight", "selfAttention.qkv.weight", "selfAttention.qkv.bias", "selfAttention.output.weight",
        "selfAttention.output.bias", "crossNorm.weight", "crossAttention.query.weight", "crossAttention.query.bias",
        "crossAttention.keyValue.weight", "crossAttention.keyValue.bias", "crossAttention.output.weight",
        "crossAttention.output.bias", "feedForwardNorm.weight", "feedForward.gate.weight", "feedForward.up.weight",
        "feedForward.down.weight",
      ])
  }
}
