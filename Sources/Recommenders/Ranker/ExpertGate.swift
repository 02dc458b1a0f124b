internal import NeuralNetworks
package import TensorMath

/// AW-MoE's gate (2306.05011): every item of the history proposes weights for the experts, and an
/// activation unit says how much each proposal counts.
///
///     gate = default + Σⱼ activation(itemⱼ, target) · proposal(itemⱼ, target)
///
/// The target stands where search has its query. The default is what an empty history has; the paper does not say.
///
/// The contrastive loss hides part of each history, and asks that the gate of what is left be nearer to the gate of the
/// whole than to those of other users: a user with a short history is to be served as with a long one.
struct ExpertGate: Sendable {
  struct Output {
    /// `examples × experts`.
    let full: Variable
    /// `1 × 1`; nil outside of training, and where fewer than two examples have a history to hide from.
    let contrast: Variable?
  }

  private let configuration: RankerConfiguration.Experts
  private let proposal: ActivationUnit
  private let activation: ActivationUnit
  private let standard: Parameter

  init(
    _ scope: ParameterScope, width: Int, hidden: Int, _ configuration: RankerConfiguration.Experts
  ) throws(NeuralNetworksError) {
    self.configuration = configuration
    proposal = try ActivationUnit(scope["proposal"], width: width, hidden: hidden, outputs: configuration.count)
    activation = try ActivationUnit(scope["activation"], width: width, hidden: hidden, outputs: 1)
    standard = try scope.parameter(
      "default", rows: 1, columns: configuration.count, initializer: .constant(1 / Float(configuration.count)),
      decays: false)
  }

  func callAsFunction(
    _ batch: RankerBatch, _ embedded: Variable, _ pairs: HistoryPairs, in pass: ModelPass
  ) -> Output {
    let base = pass[standard].selectingRows(ContiguousArray(repeating: 0, count: batch.count))
    guard let products = pairs.products else { return Output(full: base, contrast: nil) }
    let proposals = proposal(batch, embedded, pairs, products: products, in: pass)
      .scalingRows(by: activation(batch, embedded, pairs, products: products, in: pass))
    func gate(_ proposals: Variable) -> Variable {
      base + proposals.scatteringRows(to: batch.owners, of: batch.count)
    }
    let full = gate(proposals)
    guard pass.isTraining, configuration.contrastiveWeight > 0 else { return Output(full: full, contrast: nil) }
    let mask = HistoryMask(batch, rate: configuration.maskRate, using: &pass.random)
    guard mask.anchors.count > 1 else { return Output(full: full, contrast: nil) }
    let masked = gate(proposals.scalingRows(by: pass.tape.constant(mask.kept)))
    let options = ContrastiveOptions(
      temperature: configuration.temperature, hidden: mask.sameUser, isSymmetric: false)
    let loss = full.selectingRows(mask.anchors).unitRows()
      .contrastiveLoss(with: masked.selectingRows(mask.anchors).unitRows(), options)
    return Output(full: full, contrast: loss)
  }
}

/// Which items of histories are hidden, and what is compared then.
package struct HistoryMask {
  /// `pairs × 1`: 0 for an item that is hidden, 1 for one that is not. The latest of a history always stays.
  package let kept: Matrix
  /// Examples with two items of a history or more: others have nothing to hide.
  package let anchors: ContiguousArray<Int32>
  /// For each anchor the anchors of the same user: no negatives of it.
  package let sameUser: [[Int32]]

  package init(_ batch: RankerBatch, rate: Float, using random: inout RandomSource) {
    var kept = Matrix(rows: batch.owners.count, columns: 1)
    var lengths = [Int](repeating: 0, count: batch.count)
    for (pair, owner) in batch.owners.enumerated() {
      let isLatest = pair + 1 == batch.owners.count || batch.owners[pair + 1] != owner
      let isKept = random.nextUniform() >= rate
      kept.elements[pair] = isKept || isLatest ? 1 : 0
      lengths[Int(owner)] += 1
    }
    self.kept = kept
    anchors = ContiguousArray(lengths.indices.filter { lengths[$0] > 1 }.map { Int32($0) })
    var places: [Int32: [Int32]] = [:]
    for (place, anchor) in anchors.enumerated() { places[batch.users[Int(anchor)], default: []].append(Int32(place)) }
    sameUser = anchors.enumerated().map { place, anchor in
      (places[batch.users[Int(anchor)]] ?? []).filter { $0 != Int32(place) }
    }
  }
}
