import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct EncoderDecoderNetworkTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3, 3, 8]]
  static let targets: [[UInt32]] = [[6, 1], [40], [], [17, 9, 2]]

  /// Ways to build it.
  enum Variant: CaseIterable {
    case experts, dense, untied, codesAlone, gatelessExperts

    func apply(_ configuration: inout GeneratorConfiguration) {
      configuration.targetItems = 3
      switch self {
      case .experts: break
      case .dense: configuration.experts = nil
      case .untied: configuration.tiesTables = false
      case .codesAlone: configuration.prefixTables = []
      case .gatelessExperts: configuration.experts = .init(count: 3, selected: 3, hidden: 5)
      }
    }
  }

  private func loss(_ fixture: EncoderDecoderFixture, _ histories: [[UInt32]], _ targets: [[UInt32]]) -> Float? {
    let pass = ModelPass(inferring: fixture.parameters)
    return fixture.network.loss(histories, targets: targets, fixture.vocabulary, in: pass)?.scalar
  }

  @Test(arguments: Variant.allCases)
  func theLossIsThatOfPlainLoops(_ variant: Variant) throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 50, sizes: [5, 4, 6], without: [11]), variant.apply)
    let reference = fixture.reference
    let sum = zip(Self.histories, Self.targets).reduce(0.0) {
      $0 - reference.logProbabilities(of: $1.1, behind: $1.0).joined().reduce(0, +)
    }
    let found = try #require(loss(fixture, Self.histories, Self.targets))
    #expect(abs(Double(found) - sum / 6) < 2e-5 * sum)
  }

  @Test func nothingIsLearnedWhereNothingIsToBeWritten() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    #expect(loss(fixture, [[3, 4]], [[]]) == nil)
    #expect(loss(fixture, [], []) == nil)
  }

  /// Rows of the decoder for two items that follow one another.
  private func outputs(_ fixture: EncoderDecoderFixture, _ history: [UInt32], _ items: [UInt32]) -> Matrix {
    let pass = ModelPass(inferring: fixture.parameters), vocabulary = fixture.vocabulary
    let read = HistoryTokens([history], vocabulary)
    var tokens = TargetTokens(levels: 3)
    tokens.append(session: [items[0]], prefix: vocabulary.tokens.codes(ofItem: items[1]), vocabulary)
    return fixture.network.outputs(
      tokens, layout: AttentionLayout(selfAttentionOver: [0, tokens.count], isCausal: true),
      memory: .init(
        fixture.network.states(read, vocabulary, in: pass),
        layout: AttentionLayout(segments: [.init(queries: 0..<tokens.count, keys: 0..<read.levels.count)])),
      in: pass
    ).value
  }

  @Test func aLaterCodeChangesNoEarlierRow() throws {
    let tokens = try ItemTokens(
      sizes: [2, 2, 2], codes: [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0], isPresent: Array(repeating: true, count: 4))
    let fixture = try EncoderDecoderFixture(tokens) { $0.targetItems = 2 }
    // Items that part from item 0 at the third code, at the second, and at the first.
    for (other, level) in [(1, 2), (2, 1), (3, 0)] as [(UInt32, Int)] {
      for place in 0..<2 {
        var items: [UInt32] = [0, 0]
        items[place] = other
        let (whole, changed) = (outputs(fixture, [2], [0, 0]), outputs(fixture, [2], items))
        let parting = place * 4 + 1 + level
        for row in 0..<whole.rows {
          let difference = zip(whole.row(row), changed.row(row)).map { abs($0 - $1) }.max()!
          #expect(row < parting ? difference < 1e-5 : row > parting || difference > 1e-3)
        }
      }
    }
  }

  @Test func theEncoderSeesAllOfAHistoryAndTheOrderOfItsItems() throws {
    let fixture = try EncoderDecoderFixture(uniqueTokens(items: 50, sizes: [5, 4, 6]))
    let pass = ModelPass(inferring: fixture.parameters)
    func states(_ history: [UInt32]) -> Matrix {
      fixture.network.states(HistoryTokens([history], fixture.vocabulary), fixture.vocabulary, in: pass).value
    }
    let former = states([1, 2, 3])
    for (place, row) in [(2, 0), (2, 3), (0, 9)] {
      var other: [UInt32] = [1, 2, 3]
      other[place] = 44
      #expect(Array(states(other).row(row)) != Array(former.row(row)))
    }
    #expect(loss(fixture, [[1, 2, 3]], [[9]]) != loss(fixture, [[2, 1, 3]], [[9]]))
  }

  @Test(arguments: [nil, EncoderDecoderFixture.experts])
  func gradientsAgreeWithDifferences(_ experts: MixtureOfExperts.Configuration?) throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 30, sizes: [4, 3, 3])) {
      $0.experts = experts
      $0.targetItems = 2
      $0.tiesTables = experts == nil
      $0.dropout = experts == nil ? 0.2 : 0
    }
    let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [20, 12, 3, 3, 8]]
    let targets: [[UInt32]] = [[6, 1], [4], [21, 8], [17, 9]]
    func pass(_ parameters: ParameterSet) throws -> (pass: ModelPass, loss: Variable) {
      var seed = RandomSource(seed: 5)
      let pass = ModelPass(training: parameters, using: &seed)
      return (pass, try #require(fixture.network.loss(histories, targets: targets, fixture.vocabulary, in: pass)))
    }
    let (first, loss) = try pass(fixture.parameters)
    let gradients = first.backward(from: loss)
    var random = RandomSource(seed: 6)
    for entry in fixture.parameters.entries where entry.isTrainable {
      let parameter = try #require(fixture.parameters.parameter(named: entry.name))
      // An expert that no row chose has none, and its differences are zero.
      let gradient = gradients[parameter] ?? Matrix(rows: entry.value.rows, columns: entry.value.columns)
      let direction = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
      // Short, so that no row changes its experts.
      let length = Float(direction.elements.count).squareRoot(), step: Float = 0.005
      let expected = zip(direction.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 } / length
      var (above, below) = (fixture.parameters, fixture.parameters)
      for index in direction.elements.indices {
        above[parameter].elements[index] += step * direction.elements[index] / length
        below[parameter].elements[index] -= step * direction.elements[index] / length
      }
      let found = try (pass(above).loss.scalar - pass(below).loss.scalar) / (2 * step)
      #expect(abs(found - expected) < 0.02 * max(abs(expected), 0.05), "\(entry.name): \(found), not \(expected)")
    }
  }

  @Test func theDenseHeadLearnsTheFirstItem() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 40, sizes: [5, 4, 3])) {
      $0.hasDenseHead = true
      $0.targetItems = 2
    }
    // Drawn often enough, all items are candidates.
    let objective = DenseObjective(
      weight: 0.5, negatives: 4000, fixture.vocabulary, popularity: ContiguousArray(repeating: 0, count: 40))
    let histories: [[UInt32]] = [[3, 9], [], [1]], targets: [[UInt32]] = [[8, 2], [30], []]
    let pass = ModelPass(inferring: fixture.parameters), network = fixture.network
    let both = try #require(network.loss(histories, targets: targets, fixture.vocabulary, dense: objective, in: pass))
    let read = HistoryTokens(histories, fixture.vocabulary)
    let states = network.states(read, fixture.vocabulary, in: pass).selectingRows([read.lastRows[0], read.lastRows[1]])
    let scores = try #require(network.denseQueries(states, in: pass)).linear(
      network.itemVectors(ContiguousArray(0..<40), fixture.vocabulary, in: pass))
    let expected = scores.softmaxCrossEntropy(targets: [8, 30]).scalar
    let plain = try #require(loss(fixture, histories, targets))
    #expect(abs(both.scalar - plain - 0.5 * expected) < 1e-3)
  }

  @Test func configurationsOutOfRangeAreRefused() throws {
    let changes: [(inout GeneratorConfiguration) -> Void] = [
      { $0.decoderLayers = 0 }, { $0.targetItems = 0 }, { $0.experts?.selected = 5 }, { $0.experts?.selected = 0 },
      { $0.experts?.hidden = 0 }, { $0.experts?.count = 0 }, { $0.backbone = .onePosition },
      {
        $0.backbone = .onePosition
        $0.experts = nil
        $0.targetItems = 2
      },
    ]
    let tokens = try randomTokens(items: 10, sizes: [4, 4, 4])
    for change in changes {
      let error = #expect(throws: RecommenderError.self) { try EncoderDecoderFixture(tokens, change) }
      #expect(error?.code == .invalidParameter)
    }
    let training: [(inout GeneratorTraining.Parameters) -> Void] = [
      { $0.cutsPerSequence = 0 }, { $0.expertBalanceRate = -1 }, { $0.expertBalanceRate = .nan },
    ]
    for change in training {
      var parameters = GeneratorTraining.Parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try GeneratorTraining(parameters: parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }
}
