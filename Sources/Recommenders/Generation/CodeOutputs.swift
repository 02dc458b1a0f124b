internal import NeuralNetworks
internal import TensorMath

/// A level's output layer made ready to recommend: logits of the live children of prefixes.
struct CodeOutputs: Sendable {
  /// Where prefixes have few of the codes behind them: their rows alone are multiplied.
  private let chosen: ChosenProducts
  /// Where they have many: all rows are, which costs less for each.
  private let all: LinearLayer?
  /// Of the prefixes that the level's codes lead to, where they take part in the choice.
  private let prefixes: Matrix?

  /// The share of a level's codes from which on the product with all of them is the cheaper one.
  private static let denseShare = 0.25

  init(_ tables: CodeTables, level: Int, _ trie: PrefixTrie, _ parameters: ParameterSet, _ precision: WeightPrecision) {
    let (weights, offsets) = (parameters[tables.outputs[level]], parameters[tables.biases[level]].elements)
    chosen = ChosenProducts(weights, offsets: offsets)
    prefixes = tables.prefixOutputs(level: level).map { parameters[$0] }
    all =
      trie.meanChildren(length: level) >= Self.denseShare * Double(weights.rows)
      ? LinearLayer(weights: PackedMatrix(transposing: weights, precision: precision), bias: offsets) : nil
  }

  /// - Parameters:
  ///   - outputs: of the decoder, one row for each prefix.
  ///   - children: by prefix: the codes that lead on from it, and the numbers of the prefixes that they lead to.
  ///   - scratch: for logits of all codes.
  ///   - target: for the logits of the children, one prefix's behind the other's.
  func apply(
    _ outputs: UnsafePointer<Float>, width: Int, children: [(codes: ArraySlice<UInt16>, numbers: Range<Int>)],
    _ scratch: ScratchBuffer, into target: UnsafeMutablePointer<Float>
  ) {
    unsafe applyCodes(outputs, width: width, children: children, scratch, into: target)
    guard let prefixes else { return }
    var target = unsafe target
    for (row, child) in children.enumerated() {
      unsafe prefixes.addProducts(of: outputs + row * width, rows: child.numbers, to: target)
      unsafe target += child.numbers.count
    }
  }

  private func applyCodes(
    _ outputs: UnsafePointer<Float>, width: Int, children: [(codes: ArraySlice<UInt16>, numbers: Range<Int>)],
    _ scratch: ScratchBuffer, into target: UnsafeMutablePointer<Float>
  ) {
    var target = unsafe target
    guard let all else {
      for (row, (codes, _)) in children.enumerated() {
        unsafe chosen.apply(outputs + row * width, choices: codes, into: target)
        unsafe target += codes.count
      }
      return
    }
    let logits = unsafe scratch.reserve(children.count * all.outputs)
    unsafe all.apply(outputs, rows: children.count, into: logits)
    for (row, (codes, _)) in children.enumerated() {
      let line = unsafe logits + row * all.outputs
      for (place, code) in codes.enumerated() { unsafe target[place] = line[Int(code)] }
      unsafe target += codes.count
    }
  }
}

extension PrefixTrie {
  /// Children of a prefix that has more than one, on average; 0 where none has.
  /// - Parameter length: of the prefixes, below `levels`.
  package func meanChildren(length: Int) -> Double {
    var (branching, sum) = (0, 0)
    for prefix in 0..<prefixCount(length: length) where branches(at: prefix, length: length) {
      branching += 1
      sum += children(of: prefix, length: length).count
    }
    return branching > 0 ? Double(sum) / Double(branching) : 0
  }
}
