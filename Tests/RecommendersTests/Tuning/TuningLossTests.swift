import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The recommender's loss through codes: its value against the recommender's own, its gradients against differences.
@Suite struct TuningLossTests {
  private static let histories = GeneratorNetworkTests.histories.map { $0.map { $0 % 30 } }
  private static let next = ContiguousArray(GeneratorNetworkTests.next.map { $0 < 0 ? $0 : $0 % 30 })

  /// The loss of a batch by codes of an assignment.
  private func loss(
    _ fixture: NetworkFixture, _ items: CodedItems, _ tokens: ItemTokens, x: Variable, centroids: [Variable],
    temperature: Float = 0.3, estimator: ResidualAssignment.Estimator = .straightThrough,
    histories: [[UInt32]] = histories, next: ContiguousArray<Int32> = next, keepsCodes: Bool = false
  ) throws -> Variable {
    let batch = SequenceBatch(histories)
    let own = TuningItems(batch, next: next)
    let assignment = ResidualAssignment(
      x.selectingRows(own.items), prices: items.codebooks, centroids: centroids,
      temperatures: centroids.map { _ in temperature }, estimator: estimator)
    let served = ServedCodes(tokens, nearest: items.nearest)
    let pass = ModelPass(fixture.parameters, on: x.tape, random: RandomSource(seed: 0), isTraining: false)
    let codes = keepsCodes ? served.codes(of: own.items) : served.codes(of: own.items, nearest: assignment.codes)
    return try #require(
      fixture.network.loss(batch, next: next, own, assignment, codes: codes, fixture.vocabulary, in: pass))
  }

  private func constantLoss(
    _ fixture: NetworkFixture, _ items: CodedItems, _ tokens: ItemTokens, codebooks: ResidualCodebooks? = nil
  ) throws -> Float {
    let tape = Tape(isRecording: false)
    return try loss(
      fixture, items, tokens, x: tape.constant(items.vectors),
      centroids: (codebooks ?? items.codebooks).levels.map { tape.constant($0.centroids) }
    ).scalar
  }

  private func ownLoss(_ fixture: NetworkFixture) throws -> Float {
    let pass = ModelPass(inferring: fixture.parameters)
    return try #require(
      fixture.network.loss(SequenceBatch(Self.histories), next: Self.next, fixture.vocabulary, in: pass)
    ).scalar
  }

  @Test(arguments: [nil, [], [1, 3]] as [[Int]?])
  func onServedCodesItIsTheRecommendersOwnToTheLastBit(_ tables: [Int]?) throws {
    let items = try CodedItems()
    let fixture = try NetworkFixture(items.tokens, tables: tables)
    #expect(try constantLoss(fixture, items, items.tokens) == ownLoss(fixture))
  }

  @Test func itemsThatTheCollisionPolicyMovedCountAsServed() throws {
    let items = try CodedItems()
    let tokens = try items.tokens(moving: [1, 5, 9, 17])
    let fixture = try NetworkFixture(tokens)
    #expect(try constantLoss(fixture, items, tokens) == ownLoss(fixture))
  }

  /// Once nearest codes change, the loss is that of the new codes: compared with a recommender whose vocabulary has them.
  @Test func onChangedCodesItIsTheLossOfThose() throws {
    let items = try CodedItems()
    let fixture = try NetworkFixture(items.tokens, tables: [])
    // Two centroids change places, so that all their items change codes, and the prefixes stay as live as they were.
    var levels = items.codebooks.levels
    let order: ContiguousArray<Int32> = [1, 0, 2, 3]
    levels[0] = Codebook(centroids: levels[0].centroids.selecting(order))
    let codebooks = try ResidualCodebooks(levels: levels)
    let nearest = try ResidualQuantizer(codebooks: codebooks).encode(items.vectors).codes
    let tokens = try ItemTokens(
      sizes: items.codebooks.sizes, codes: nearest.elements, isPresent: Array(repeating: true, count: 30))
    let vocabulary = try GeneratorVocabulary(tokens, fixture.configuration)
    let other = NetworkFixture(fixture.configuration, vocabulary, fixture.network, fixture.parameters)
    let batch = SequenceBatch(Self.histories)
    let own = TuningItems(batch, next: Self.next)
    // The new vocabulary with its own codes, and the paths that the old one gives them, agree where prefixes are live.
    let found = try constantLoss(other, items, tokens, codebooks: codebooks)
    #expect(found == (try ownLoss(other)))
    #expect(found != (try ownLoss(fixture)))
    #expect(own.items.count == Set(own.items).count)
  }

  @Test(arguments: [false, true])
  func gradientsOfBothSidesAgreeWithDifferences(_ isHistoryOnly: Bool) throws {
    let items = try CodedItems(dimensions: 4)
    let fixture = try NetworkFixture(items.tokens)
    // Items that are only read, or only to be predicted.
    let histories: [[UInt32]] = isHistoryOnly ? [[1, 5, 9], [7]] : [[], []]
    let next: ContiguousArray<Int32> = isHistoryOnly ? [-1, -1, -1, 2, -1, 20] : [4, 11]
    let checked: ContiguousArray<Int32> = isHistoryOnly ? [1, 5, 9, 7] : [4, 11]
    let rows = items.vectors.selecting(checked)
    expectGradients(of: [rows] + items.codebooks.levels.map(\.centroids), step: 4e-3, bound: 0.03) { leaves in
      let tape = leaves[0].tape
      // The checked rows among all others.
      let rest = (0..<Int32(30)).map { checked.contains($0) ? -1 : $0 }
      let x =
        tape.constant(items.vectors.selecting(ContiguousArray(rest))) + leaves[0].scatteringRows(to: checked, of: 30)
      let value = try? loss(
        fixture, items, items.tokens, x: x, centroids: Array(leaves.dropFirst()), temperature: 0.6, estimator: .soft,
        histories: histories, next: next, keepsCodes: true)
      return value ?? tape.constant(Matrix(rows: 1, columns: 1))
    }
  }

  @Test func straightThroughGradientsReachVectorsAndAllCodebooksAndNoOtherParameter() throws {
    let items = try CodedItems()
    let fixture = try NetworkFixture(items.tokens)
    var frozen = fixture.parameters
    frozen.setTrainable(false, below: "")
    let constant = NetworkFixture(fixture.configuration, fixture.vocabulary, fixture.network, frozen)
    let tape = Tape()
    let x = tape.parameter(items.vectors), centroids = items.codebooks.levels.map { tape.parameter($0.centroids) }
    let loss = try loss(constant, items, items.tokens, x: x, centroids: centroids)
    let gradients = tape.backward(from: loss)
    for leaf in [x] + centroids {
      let gradient = try #require(gradients[leaf])
      #expect(gradient.elements.contains { abs($0) > 1e-5 })
      #expect(gradient.elements.allSatisfy { $0.isFinite })
    }
    // Items that are not in the batch have none.
    let absent = 29
    #expect(!Self.next.contains(29) && !Self.histories.joined().contains(29))
    #expect(try #require(gradients[x]).row(absent).allSatisfy { $0 == 0 })
  }

  @Test func aCodeThatIsNotLiveIsChosenAmongTheLiveOnesAndNothingIsChosenBehindIt() throws {
    // Two prefixes: 0 with children 0 and 1, and 1 with the child 2 alone.
    let tokens = try ItemTokens(
      sizes: [3, 3, 2], codes: [0, 0, 0, 0, 1, 1, 1, 2, 0], isPresent: [true, true, true])
    let vocabulary = try GeneratorVocabulary(tokens, NetworkFixture(tokens).configuration)
    let batch = SequenceBatch([[]]), next: ContiguousArray<Int32> = [1]
    func targets(_ codes: ContiguousArray<UInt16>) -> TuningTargets {
      TuningTargets(
        batch, next: next, TuningItems(batch, next: next), CodeMatrix(count: 1, levels: 3, elements: codes), vocabulary)
    }
    func allowed(_ targets: TuningTargets, _ level: Int) -> [Int] {
      let mask = targets.levels[level].mask
      guard mask.rows == 1 else { return [] }
      return (0..<mask.columns).filter { mask[0, $0] == 0 }
    }
    // As served: the first code among both, the second among two, the third alone.
    let served = targets([0, 1, 1])
    #expect((0..<3).map { allowed(served, $0) } == [[0, 1], [0, 1], []])
    // A code at the first level that nobody has.
    let first = targets([2, 1, 1])
    #expect((0..<3).map { allowed(first, $0) } == [[0, 1, 2], [], []])
    // One at the second, beside an only child.
    let second = targets([1, 0, 1])
    #expect((0..<3).map { allowed(second, $0) } == [[0, 1], [0, 2], []])
    #expect(second.levels[1].codes == [0])
    #expect(second.decisions.count == 2)
    #expect(second.itemCount == 1)
  }

  @Test func codesThatAreNotLiveGiveNumbers() throws {
    let items = try CodedItems()
    // A vocabulary in which every item but one has the codes of item 0.
    var codes = ContiguousArray<UInt16>()
    for item in 0..<30 { codes += item == 3 ? [3, 2, 2] : ContiguousArray(items.nearest.row(0)) }
    let tokens = try ItemTokens(sizes: [4, 3, 3], codes: codes, isPresent: Array(repeating: true, count: 30))
    let fixture = try NetworkFixture(tokens)
    let tape = Tape()
    let x = tape.parameter(items.vectors), centroids = items.codebooks.levels.map { tape.parameter($0.centroids) }
    let batch = SequenceBatch(Self.histories), own = TuningItems(batch, next: Self.next)
    let assignment = ResidualAssignment(
      x.selectingRows(own.items), prices: items.codebooks, centroids: centroids, temperatures: [0.1, 0.1, 0.1])
    let pass = ModelPass(fixture.parameters, on: tape, random: RandomSource(seed: 0), isTraining: false)
    let loss = try #require(
      fixture.network.loss(
        batch, next: Self.next, own, assignment, codes: assignment.codes, fixture.vocabulary, in: pass))
    #expect(loss.scalar.isFinite && loss.scalar < 50)
    let gradients = tape.backward(from: loss)
    #expect(try #require(gradients[x]).elements.allSatisfy { $0.isFinite && abs($0) < 1e4 })
  }

  @Test func nothingToPredictIsNoLoss() throws {
    let items = try CodedItems(), fixture = try NetworkFixture(CodedItems().tokens)
    let batch = SequenceBatch([[1, 2]]), next: ContiguousArray<Int32> = [-1, -1, -1]
    let own = TuningItems(batch, next: next)
    let pass = ModelPass(inferring: fixture.parameters)
    let assignment = ResidualAssignment(
      pass.tape.constant(items.vectors.selecting(own.items)), prices: items.codebooks,
      centroids: items.codebooks.levels.map { pass.tape.constant($0.centroids) }, temperatures: [1, 1, 1])
    #expect(
      fixture.network.loss(batch, next: next, own, assignment, codes: assignment.codes, fixture.vocabulary, in: pass)
        == nil)
  }
}
