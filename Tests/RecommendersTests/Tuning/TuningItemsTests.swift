import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct TuningItemsTests {
  @Test func itemsOfABatchAreThereOnce() {
    let batch = SequenceBatch([[4, 9, 4], [], [2]])
    let items = TuningItems(batch, next: [9, 4, -1, 7, 2, -1, 4])
    #expect(items.items == [4, 9, 2, 7])
    #expect(items.places(of: batch.items) == [-1, 0, 1, 0, -1, -1, 2])
    #expect(items.places(of: [7, -1, 2]) == [3, -1, 2])
    // One that is not in the batch has no place.
    #expect(items.places(of: [5]) == [-1])
  }

  /// Item 1 was moved by the collision policy: nearest is (0, 1), served (0, 2).
  @Test func anItemIsServedAsItWasUntilItsNearestCodesChange() throws {
    let tokens = try ItemTokens(
      sizes: [2, 3], codes: [0, 1, 0, 2, 1, 0], isPresent: [true, true, true])
    let nearest = CodeMatrix(count: 3, levels: 2, elements: [0, 1, 0, 1, 1, 0])
    let served = ServedCodes(tokens, nearest: nearest)
    #expect(served.codes(of: [1, 2]).elements == [0, 2, 1, 0])
    func codes(_ now: ContiguousArray<UInt16>) -> ContiguousArray<UInt16> {
      served.codes(of: [1, 0], nearest: CodeMatrix(count: 2, levels: 2, elements: now)).elements
    }
    #expect(codes([0, 1, 0, 1]) == [0, 2, 0, 1])
    // Any level of it.
    #expect(codes([1, 1, 0, 0]) == [1, 1, 0, 0])
    #expect(codes([0, 0, 0, 1]) == [0, 0, 0, 1])
  }
}

@Suite struct PrefixLookupTests {
  @Test func prefixesAreFoundByTheirCodes() throws {
    let tokens = try randomTokens(items: 60, sizes: [5, 4, 6], without: [7, 12])
    let trie = PrefixTrie(tokens)
    for item in 0..<UInt32(60) where tokens.isPresent[Int(item)] {
      let codes = tokens.codes(ofItem: item)
      for length in 0...3 {
        #expect(trie.prefix(ofCodes: codes.prefix(length)) == Int(trie.prefix(ofItem: item, length: length)))
      }
    }
  }

  @Test func codesThatNoItemHasAreNotFound() throws {
    let tokens = try randomTokens(items: 12, sizes: [5, 4, 6])
    let trie = PrefixTrie(tokens)
    let live = Set((0..<UInt32(12)).map { Array(tokens.codes(ofItem: $0)) })
    for first in 0..<UInt16(5) {
      for second in 0..<UInt16(4) {
        for third in 0..<UInt16(6) {
          #expect((trie.prefix(ofCodes: [first, second, third]) != nil) == live.contains([first, second, third]))
        }
      }
    }
  }
}

@Suite struct SharedTapeTests {
  private func layer(_ seed: UInt64) throws -> (layer: Linear, parameters: ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: seed))
    let layer = try Linear(scope["layer"], inputs: 3, outputs: 3)
    return (layer, try scope.finish())
  }

  /// Two models, one behind the other, on one tape: each pass gets its own part of the gradients.
  @Test func passesOfOneTapeShareItsGradients() throws {
    let (first, second) = (try layer(1), try layer(2))
    var random = RandomSource(seed: 3)
    let x = normalMatrix(4, 3, using: &random)
    func loss(_ parameters: [ParameterSet]) -> (passes: [ModelPass], loss: Variable) {
      let tape = Tape()
      let passes = parameters.map { ModelPass($0, on: tape, random: RandomSource(seed: 0), isTraining: false) }
      let inner = first.layer(tape.constant(x), activation: .gelu, in: passes[0])
      return (passes, second.layer(inner, in: passes[1]).sum())
    }
    let (passes, value) = loss([first.parameters, second.parameters])
    #expect(passes.allSatisfy { !$0.isTraining })
    let all = value.tape.backward(from: value)
    for (place, pass) in passes.enumerated() {
      let gradients = pass.parameterGradients(in: all)
      let own = [first.parameters, second.parameters][place]
      let weight = try #require(own.parameter(named: "layer.weight"))
      let gradient = try #require(gradients[weight])
      var (above, below) = ([first.parameters, second.parameters], [first.parameters, second.parameters])
      above[place][weight].elements[4] += 0.01
      below[place][weight].elements[4] -= 0.01
      let found = (loss(above).loss.scalar - loss(below).loss.scalar) / 0.02
      #expect(abs(found - gradient.elements[4]) < 0.01 * max(1, abs(found)))
    }
  }

  @Test func frozenParametersOfASharedTapeGetNone() throws {
    var frozen = try layer(1)
    frozen.parameters.setTrainable(false, below: "")
    let tape = Tape(), own = try layer(2)
    let passes = [frozen.parameters, own.parameters].map {
      ModelPass($0, on: tape, random: RandomSource(seed: 0))
    }
    #expect(passes.allSatisfy { $0.isTraining })
    let inner = frozen.layer(tape.constant(Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])), in: passes[0])
    let all = tape.backward(from: own.layer(inner, in: passes[1]).sum())
    #expect(passes[0].parameterGradients(in: all).norm() == 0)
    #expect(passes[1].parameterGradients(in: all).norm() > 0)
  }
}
