import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// Learning rates by their rules, over all steps.
@Suite struct ScheduleRuleTests {
  @Test(arguments: [(0, 1), (0, 10), (1, 10), (5, 6), (10, 10), (20, 10), (100, 1000)])
  func ratesRiseToThePeakAndFallToTheFloor(warmup: Int, steps: Int) {
    let schedule = LearningRateSchedule.warmupCosine(peak: 0.5, warmupSteps: warmup, steps: steps, floor: 0.125)
    let rates = (0..<steps + warmup + 5).map(schedule.rate)
    for step in rates.indices {
      if step < warmup {
        #expect(abs(rates[step] - 0.5 * Float(step + 1) / Float(warmup)) < 1e-7)
      } else if step < steps {
        #expect(rates[step] <= 0.5 && rates[step] >= 0.125)
        if step > warmup { #expect(rates[step] < rates[step - 1]) }
      } else {
        #expect(rates[step] == 0.125, "beyond the end the rate stays")
      }
    }
    if warmup < steps { #expect(rates[warmup] == 0.5) }
    // Halfway down the cosine is halfway down.
    if (steps - warmup) % 2 == 0, warmup < steps {
      #expect(abs(rates[warmup + (steps - warmup) / 2] - 0.3125) < 1e-6)
    }
  }

  @Test func aConstantRateStaysAfterItsWarmUp() {
    let schedule = LearningRateSchedule.constant(0.2, warmupSteps: 4)
    #expect((0..<4).map(schedule.rate) == [0.05, 0.1, 0.15, 0.2].map { Float($0) })
    #expect(schedule.rate(at: 4) == 0.2 && schedule.rate(at: .max) == 0.2)
  }

  @Test func schedulesSurviveJSON() throws {
    for schedule in [
      LearningRateSchedule.constant(0.3), .warmupCosine(peak: 1, warmupSteps: 2, steps: 9, floor: 0.5),
    ] {
      #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: JSONEncoder().encode(schedule)) == schedule)
    }
  }
}

/// When a training stops, against the rule written out.
@Suite struct MonitorRuleTests {
  @Test(arguments: 0..<20 as Range<UInt64>) func stopsWhereTheRuleSays(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let patience = Int.random(in: 1...4, using: &random)
    let losses = (0..<60).map { _ in
      Float(Int.random(in: -2...40, using: &random)) / 8 * (Int.random(in: 0...3, using: &random) == 0 ? 4 : 1)
    }
    // The first step at which so many losses in a row lie above twice the least positive one before each.
    var expected: Int?
    var above = 0
    for step in losses.indices {
      let least = losses[..<step].filter { $0 > 0 }.min()
      above = least.map { losses[step] > 2 * $0 } ?? false ? above + 1 : 0
      if above == patience {
        expected = step
        break
      }
    }
    var monitor = TrainingMonitor(.init(factor: 2, patience: patience))
    var stopped: Int?
    for (step, loss) in losses.enumerated() {
      do {
        try monitor.observe(step: step, loss: loss)
        #expect(monitor.isHealthy == (monitor.stepsAbove == 0))
      } catch {
        #expect(error.code == .divergedTraining && error.message.contains("at step \(step) "))
        stopped = step
        break
      }
    }
    #expect(stopped == expected)
  }
}

/// Gradients of several batches as one vector.
@Suite struct GradientArithmeticTests {
  /// Gradients of a model of two layers, of which the second may be frozen.
  private func gradients(_ factor: Float, frozen: Bool = false) throws -> (ParameterGradients, ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    let first = try Linear(scope["first"], inputs: 3, outputs: 4),
      second = try Linear(scope["second"], inputs: 4, outputs: 2)
    var parameters = try scope.finish()
    if frozen { parameters.setTrainable(false, below: "second") }
    var random = RandomSource(seed: 2)
    let pass = ModelPass(training: parameters, using: &random)
    let x = pass.tape.constant(normalMatrix(5, 3, using: &random))
    let output = second(first(x, in: pass), in: pass)
    return (pass.backward(from: factor * (output * output).sum()), parameters)
  }

  @Test func sumsWeightsAndNormsAreThoseOfVectors() throws {
    let (one, parameters) = try gradients(1)
    var sum = one
    sum.add(try gradients(3).0, times: 0.5)
    #expect(abs(sum.norm() - 2.5 * one.norm()) < 1e-4 * one.norm())
    sum.scale(by: 0.4)
    #expect(abs(sum.norm() - one.norm()) < 1e-4 * one.norm())
    var squares = 0.0
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let matrix = try #require(one[parameter])
      squares += matrix.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    #expect(abs(one.norm() - squares.squareRoot()) < 1e-6 * one.norm())
  }

  @Test func aFrozenPartHasNoGradientAndTakesAnothers() throws {
    let (frozen, parameters) = try gradients(1, frozen: true)
    let (whole, _) = try gradients(1)
    let names = ["first.weight", "first.bias", "second.weight", "second.bias"]
    let found = try names.map { frozen[try #require(parameters.parameter(named: $0))] != nil }
    #expect(found == [true, true, false, false])
    var sum = frozen
    sum.add(whole)
    for name in names {
      let parameter = try #require(parameters.parameter(named: name))
      let expected = try #require(whole[parameter])
      let factor: Float = name.hasPrefix("first") ? 2 : 1
      expectClose(try #require(sum[parameter]).elements, expected.elements.map { factor * $0 }, tolerance: 1e-4)
    }
  }

  @Test(arguments: [
    (0.0, Float(1), Float(1)), (1, 1, 0.999_999), (2, 1, 0.5), (1e300, 1, 0), (0.5, 1, 1), (8, 2, 0.25),
  ])
  func clippingShortensWhatIsLonger(norm: Double, limit: Float, factor: Float) {
    #expect(abs(ParameterGradients.clippingFactor(norm: norm, limit: limit) - factor) < 2e-6)
  }

  @Test func aPathCoversItsPartsAndNoLikeNames() throws {
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    for name in ["text", "texts", "text2", "image"] { _ = try Linear(scope[name], inputs: 2, outputs: 2) }
    _ = try Linear(scope["text", 0]["inner"], inputs: 2, outputs: 2)
    var parameters = try scope.finish()
    let below = parameters.setTrainable(false, below: "text")
    let frozen = parameters.entries.filter { !$0.isTrainable }.map(\.name)
    #expect(below == 4 && frozen == ["text.weight", "text.bias", "text.0.inner.weight", "text.0.inner.bias"])
    let none = parameters.setTrainable(false, below: "tex"), one = parameters.setTrainable(true, below: "image.weight")
    let all = parameters.setTrainable(true, below: "")
    #expect(none == 0 && one == 1 && all == 10 && parameters.entries.allSatisfy(\.isTrainable))
    #expect(parameters.elementCount == 5 * 6 && parameters.parameter(named: "text.none") == nil)
  }
}

/// A decoder that goes row by row against one that sees everything at once.
@Suite struct StepwiseDecodingTests {
  @Test(arguments: [0, 1]) func newRowsOnlyGiveWhatAllRowsGive(kind: Int) throws {
    let (block, parameters) = try TransformerBlockTests.block(TransformerBlockTests.kinds[kind], decoder: true)
    // Two sequences of four rows over memories of two and three rows.
    let x = LayerTests.input(8, 8), remembered = LayerTests.input(5, 8, seed: 2)
    let whole = ModelPass(inferring: parameters)
    let expected = block(
      whole.tape.constant(x), layout: AttentionLayout(selfAttentionOver: [0, 4, 8], isCausal: true),
      memory: .init(
        whole.tape.constant(remembered),
        layout: AttentionLayout(segments: [.init(queries: 0..<4, keys: 0..<2), .init(queries: 4..<8, keys: 2..<5)])),
      in: whole
    ).value

    let pass = ModelPass(inferring: parameters)
    let memory = block.memoryKeysAndValues(pass.tape.constant(remembered), in: pass)
    var cache: Variable?
    for place in 0..<4 {
      let rows = pass.tape.constant(x.selectingRows([place, 4 + place]))
      // Each sequence's rows so far, then its new one, which stands behind all of the cache.
      let earlier = Int32(place), newFirst = 2 * earlier, newSecond = newFirst + 1
      let cacheRows = ContiguousArray(
        (0..<earlier).map { $0 } + [newFirst] + (0..<earlier).map { earlier + $0 } + [newSecond])
      let length = place + 1
      let step = TransformerBlock.DecodingStep(
        cacheRows: cacheRows,
        layout: AttentionLayout(segments: [
          .init(queries: 0..<1, keys: 0..<length), .init(queries: 1..<2, keys: length..<2 * length),
        ]),
        memoryLayout: AttentionLayout(segments: [
          .init(queries: 0..<1, keys: 0..<2), .init(queries: 1..<2, keys: 2..<5),
        ]))
      let found = block(rows, cache: &cache, memory: memory, step: step, in: pass).value
      expectClose(found.row(0), expected.row(place), tolerance: 1e-5)
      expectClose(found.row(1), expected.row(4 + place), tolerance: 1e-5)
      #expect(cache?.rows == 2 * length)
    }
  }
}

/// What a checkpoint cannot keep, and what it keeps apart.
@Suite struct CheckpointSettingTests {
  @Test func settingsThatAreNotFiniteCannotBeSaved() throws {
    var (_, state) = try TrainingStepTests.state()
    state.schedule.peak = .infinity
    let error = #expect(throws: NeuralNetworksError.self) { try TrainingCheckpoint(state).bytes() }
    #expect(error?.code == .invalidTensor)
  }

  /// The caller's entries may have any names, those of the checkpoint's own too.
  @Test func theCallersEntriesDoNotMixWithItsOwn() throws {
    let (_, state) = try TrainingStepTests.state()
    let mine = ["step": "x", "format": "7", "settings": "", "user.step": "y", "": "empty", "\u{0}\n\"": "\\"]
    let file = try SafetensorsFile(bytes: TrainingCheckpoint(state, metadata: mine).bytes())
    let read = try TrainingCheckpoint(file, for: state.parameters)
    #expect(read.metadata == mine && read.state == state)
    try withTemporaryDirectory { folder in
      try TrainingCheckpoint(state, metadata: mine).write(to: folder + "/c")
      #expect(try TrainingCheckpoint.metadata(of: folder + "/c") == mine)
    }
  }
}
