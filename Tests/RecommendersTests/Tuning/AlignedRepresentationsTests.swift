import BehaviorAlignment
import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct AlignedRepresentationsTests {
  private static let items = 120
  private let modalities: [ModalityBatch]
  private let behavior: ModalityBatch
  private let aligner: Aligner
  private let joint: JoinedRepresentation

  /// Every 7th item lacks the text, every 5th the image, and a third of them behavior.
  init() throws {
    var random = RandomSource(seed: 3)
    func batch(_ name: String, _ columns: Int, missing: Int) -> ModalityBatch {
      var vectors = normalMatrix(Self.items, columns, using: &random)
      for item in 0..<Self.items { vectors[item, item % TunableWorld.groups] += 1 }
      vectors.normalizeRows()
      return ModalityBatch(name: name, vectors: vectors, isPresent: (0..<Self.items).map { $0 % missing != 2 })
    }
    modalities = [batch("text", 8, missing: 7), batch("image", 6, missing: 5)]
    behavior = batch(BehaviorVectors.modality, 5, missing: 3)
    var configuration = AlignerConfiguration(
      modalities: modalities.map { .init(name: $0.name, dimensions: $0.vectors.columns) })
    (configuration.width, configuration.tokensPerModality, configuration.queries) = (8, 1, 1)
    (configuration.layers, configuration.heads, configuration.dimensions) = (1, 2, 8)
    var parameters = AlignerTraining.Parameters()
    (parameters.batch, parameters.steps, parameters.warmup, parameters.evaluationInterval) = (32, 10, 2, 10)
    let chosen = (0..<Self.items).map {
      PairTable.Pair(
        trigger: UInt32($0), target: UInt32(($0 + TunableWorld.groups) % Self.items), source: .swing, weight: 1,
        support: 2)
    }
    aligner = try AlignerTraining(configuration, parameters: parameters).train(
      modalities, pairs: PairTable(itemCount: Self.items, chosen), validation: HeldOutPairs([(0, 8), (1, 9)])
    ).aligner
    var fitting = try JoinedRepresentation.Fitting(content: aligner, dimensions: 8, weight: 0.7)
    fitting.add(modalities + [behavior])
    joint = try fitting.finish()
  }

  @Test func valuesAreThoseThatServe() throws {
    let alone = AlignedRepresentations(aligner, modalities: modalities)
    #expect(alone.itemCount == Self.items && alone.dimensions == 8)
    expectClose(alone.allVectors().elements, aligner.represent(modalities).elements, tolerance: 1e-5)
    let joined = AlignedRepresentations(aligner, joint: joint, modalities: modalities + [behavior])
    #expect(joined.dimensions == joint.dimensions)
    expectClose(
      joined.allVectors().elements, joint.represent(modalities + [behavior]).elements, tolerance: 2e-5)
    // Without behavior too, and for some of the items in any order.
    let fresh = AlignedRepresentations(aligner, joint: joint, modalities: modalities)
    let some = fresh.vectors([9, 2, 77], in: ModelPass(inferring: aligner.trainableParameters)).value
    let all = joint.represent(modalities)
    for (row, item) in [9, 2, 77].enumerated() { expectClose(some.row(row), all.row(item), tolerance: 2e-5) }
  }

  /// Untrained content beside the aligned vector stays as it is while the aligner is trained.
  @Test func untrainedContentIsJoinedOnTheTapeAsItServes() throws {
    for all in [modalities, modalities + [behavior]] {
      var fitting = try JoinedRepresentation.Fitting(
        content: aligner, untrained: try RepresentationModel.fit(modalities), untrainedWeight: 0.6, dimensions: 9,
        weight: 0.7)
      fitting.add(all)
      let joint = try fitting.finish()
      let source = AlignedRepresentations(aligner, joint: joint, modalities: all)
      #expect(source.dimensions == 9)
      expectClose(source.allVectors().elements, joint.represent(all).elements, tolerance: 2e-5)
      let served = source.representation(aligner.trainableParameters)
      #expect(served.fingerprint == joint.fingerprint)
      let pass = ModelPass(
        try #require(source.parameters), on: Tape(), random: RandomSource(seed: 0), isTraining: false)
      let loss = source.vectors([1, 5, 8], in: pass).selectingRows([0, 2]).sum()
      let gradients = pass.backward(from: loss)
      let output = try #require(source.parameters?.parameter(named: "output.weight"))
      #expect(gradients[output]?.elements.contains { $0 != 0 } == true)
    }
  }

  /// To the bit: later nights compute them so.
  @Test func servedVectorsAreThoseOfTheRepresentation() throws {
    let alone = AlignedRepresentations(aligner, modalities: modalities)
    #expect(alone.servedVectors(nil) == aligner.represent(modalities))
    let joined = AlignedRepresentations(aligner, joint: joint, modalities: modalities + [behavior])
    #expect(joined.servedVectors(nil) == joint.represent(modalities + [behavior]))
    var moved = aligner.trainableParameters
    for entry in moved.entries {
      let parameter = try #require(moved.parameter(named: entry.name))
      moved[parameter].scale(by: 1.1)
    }
    let vectors = joined.servedVectors(moved)
    #expect(vectors == joined.representation(moved).represent(modalities + [behavior]))
    #expect(vectors != joined.servedVectors(nil))
    expectClose(vectors.elements, joined.allVectors(moved).elements, tolerance: 2e-5)
    #expect(joined.aligner(moved).fingerprint != aligner.fingerprint)
  }

  @Test func anItemWithoutAnythingIsZeros() throws {
    let empty = modalities.map { batch in
      ModalityBatch(
        name: batch.name, vectors: batch.vectors, isPresent: (0..<Self.items).map { $0 != 4 && batch.isPresent[$0] })
    }
    let alone = AlignedRepresentations(aligner, modalities: empty).allVectors()
    #expect(alone.row(4).allSatisfy { $0 == 0 })
    let joined = AlignedRepresentations(aligner, joint: joint, modalities: empty).allVectors()
    #expect(joined.row(4).allSatisfy { $0 == 0 })
    #expect(joined.row(5).contains { $0 != 0 })
  }

  @Test func gradientsReachTheAlignerThroughTheJoin() throws {
    let source = AlignedRepresentations(aligner, joint: joint, modalities: modalities + [behavior])
    let parameters = try #require(source.parameters)
    let items = ContiguousArray<Int32>(0..<12)
    var random = RandomSource(seed: 5)
    let direction = normalMatrix(12, source.dimensions, using: &random)
    func pass(_ parameters: ParameterSet) -> (pass: ModelPass, loss: Variable) {
      let pass = ModelPass(parameters, on: Tape(), random: RandomSource(seed: 0), isTraining: false)
      return (pass, (source.vectors(items, in: pass) * pass.tape.constant(direction)).sum())
    }
    let (first, loss) = pass(parameters)
    let gradients = first.backward(from: loss)
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      let moved = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
      let expected = zip(moved.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 }
      let step: Float = 2e-3
      var (above, below) = (parameters, parameters)
      for index in moved.elements.indices {
        above[parameter].elements[index] += step * moved.elements[index]
        below[parameter].elements[index] -= step * moved.elements[index]
      }
      let found = (pass(above).loss.scalar - pass(below).loss.scalar) / (2 * step)
      #expect(abs(found - expected) < 0.03 * max(abs(expected), 0.3), "\(entry.name): \(found), not \(expected)")
    }
  }

  /// By the recommender's own loss, and by contrast.
  @Test(arguments: [0, 1] as [Float])
  func anAlignerIsTunedAlongAndServesAsItWasTuned(_ contrast: Float) throws {
    let source = AlignedRepresentations(
      aligner, joint: joint, modalities: modalities + [behavior], frozenPaths: ["output"])
    let vectors = source.allVectors()
    let items = try CodedItems(vectors, sizes: [4, 4, 4], method: .kMeans)
    let world = try TunableWorld()
    let generator = try world.generator(tokens: items.tokens)
    var parameters = TunableWorld.parameters(steps: 30)
    parameters.representationLearningRate = 3e-3
    parameters.weights.contrast = contrast
    let result = try CodeTuning(parameters: parameters).tune(
      generator, items.codebooks, representations: source, split: world.split)
    let moved = try #require(result.representation)
    for (before, after) in zip(aligner.trainableParameters.entries, moved.entries) {
      #expect((before.value == after.value) == before.name.hasPrefix("output"), "\(before.name)")
    }
    let served = source.representation(moved)
    #expect(served.fingerprint != joint.fingerprint)
    expectClose(
      served.represent(modalities + [behavior]).elements, source.allVectors(moved).elements, tolerance: 2e-5)
    let revision = try CodeRevision(
      from: items.tokens, codebooks: items.codebooks, to: result.codebooks, formerVectors: vectors,
      vectors: source.allVectors(moved), resolve: CodeRevision.keeping)
    #expect(revision.trainingAgreement.identical == 1)
    if contrast == 0 { #expect(result.lossAfter < result.lossBefore) }
    #expect(result.steps.allSatisfy { ($0.contrast > 0) == (contrast > 0) })
  }

  private func tuned(
    _ parameters: CodeTuning.Parameters, codebooks: (ResidualCodebooks) -> ResidualCodebooks = { $0 }
  ) throws -> CodeTuning.Result {
    let source = AlignedRepresentations(aligner, joint: joint, modalities: modalities + [behavior])
    let items = try CodedItems(source.allVectors(), sizes: [4, 4, 4], method: .kMeans)
    let world = try TunableWorld()
    return try CodeTuning(parameters: parameters).tune(
      try world.generator(tokens: items.tokens), codebooks(items.codebooks), representations: source,
      split: world.split)
  }

  private static func contrastAlone(steps: Int) -> CodeTuning.Parameters {
    var parameters = TunableWorld.parameters(steps: steps)
    (parameters.weights.recommender, parameters.weights.anchor) = (0, 0)
    (parameters.weights.commitment, parameters.weights.reconstruction, parameters.weights.evenness) = (0, 0, 0)
    parameters.representationLearningRate = 3e-3
    return parameters
  }

  /// The recommender knows users by the codes that it was trained on: where codebooks stand by now, and what items would
  /// be served with, changes nothing of that.
  @Test func contrastReadsHistoriesAsTheRecommenderKnowsThem() throws {
    let parameters = Self.contrastAlone(steps: 4)
    let (own, other) = (
      try tuned(parameters),
      try tuned(parameters) { codebooks in
        let levels = codebooks.levels.map { level in
          var centroids = level.centroids
          centroids.elements.reverse()
          return Codebook(centroids: centroids, prices: level.prices)
        }
        return (try? ResidualCodebooks(levels: levels)) ?? codebooks
      }
    )
    #expect(own.codebooks != other.codebooks)
    #expect(own.steps.map(\.contrast) == other.steps.map(\.contrast))
    #expect(own.representation == other.representation)
  }

  /// An epoch's last batch has few rows to tell apart, and costs so little that all others look like a divergence beside
  /// it.
  @Test func aSmallBatchIsNoMeasureForLargeOnes() throws {
    var parameters = Self.contrastAlone(steps: 12)
    parameters.divergence = .init(factor: 1.3, patience: 1)
    parameters.positionsPerBatch = try Self.positions() - 12
    let result = try tuned(parameters)
    #expect(result.stopReason == nil && result.steps.count == 12)
    let contrasts = result.steps.map(\.contrast)
    let (least, most) = (try #require(contrasts.min()), try #require(contrasts.max()))
    #expect(most > 1.3 * least, "all batches are alike: \(least) to \(most)")
  }

  /// Of an epoch.
  private static func positions() throws -> Int {
    let world = try TunableWorld(), generator = try world.generator(epochs: 1)
    let sequences = TrainingSequences(
      world.split, generator.vocabulary, maximumHistory: generator.configuration.maximumHistory)
    return try #require(sequences.batches(epoch: 0, seed: 1, positions: 1 << 20).first { _ in true }).positions
  }
}
