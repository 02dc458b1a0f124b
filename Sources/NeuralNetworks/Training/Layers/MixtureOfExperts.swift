public import TensorMath

/// A sparse mixture of experts: Σᵢ gᵢ · expertᵢ(x), where s = softmax(router(x)) and gᵢ = sᵢ for the `selected` experts
/// with the largest sᵢ + biasᵢ and 0 for the others (OneRec, arXiv 2502.18965, equation 5).
///
/// The bias takes part in the choice only, not in the gate, and has no gradient: ``ParameterSet/balance(_:rate:)`` moves it
/// towards experts with too few rows, so that no auxiliary loss is needed (Wang et al., 2024, algorithm 1).
///
/// Parameters: `router.weight` (`count × width`), `balance` (`1 × count`, not trained), `experts.<i>.*`.
public struct MixtureOfExperts: Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    public var count: Int
    /// Experts that each row goes through.
    public var selected: Int
    /// Width inside an expert.
    public var hidden: Int
    public var isGated: Bool

    /// - Parameter isGated: SwiGLU experts; otherwise two layers with a GELU between them.
    public init(count: Int, selected: Int, hidden: Int, isGated: Bool = true) {
      self.count = count
      self.selected = selected
      self.hidden = hidden
      self.isGated = isGated
    }
  }

  /// The result and how many rows each expert had.
  public struct Output {
    public let value: Variable
    public let load: ExpertLoad
  }

  private enum Expert: Sendable {
    case gated(SwiGLU)
    case plain(FeedForward)

    func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
      switch self {
      case .gated(let layer): layer(x, in: pass)
      case .plain(let layer): layer(x, in: pass)
      }
    }
  }

  public let configuration: Configuration
  public let router: Linear
  public let balance: Parameter
  private let experts: [Expert]

  public init(_ scope: ParameterScope, width: Int, _ configuration: Configuration) throws(NeuralNetworksError) {
    precondition(
      configuration.selected > 0 && configuration.selected <= configuration.count,
      "\(configuration.selected) of \(configuration.count) experts")
    self.configuration = configuration
    router = try Linear(
      scope["router"], inputs: width, outputs: configuration.count, hasBias: false,
      initializer: .normal(deviation: 0.02))
    balance = try scope.parameter(
      "balance", rows: 1, columns: configuration.count, initializer: .zeros, decays: false, isTrainable: false)
    var experts: [Expert] = []
    for index in 0..<configuration.count {
      let part = scope["experts", index]
      experts.append(
        configuration.isGated
          ? .gated(try SwiGLU(part, width: width, hidden: configuration.hidden))
          : .plain(try FeedForward(part, width: width, hidden: configuration.hidden)))
    }
    self.experts = experts
  }

  /// Groups the rows by expert: one product per expert and layer.
  /// - Parameter x: `rows × width`.
  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Output {
    let scores = router(x, in: pass).softmaxRows()
    let groups = rowsByExpert(scores.value, bias: pass[balance].value)
    let gates = scores.reshaped(rows: x.rows * configuration.count, columns: 1)
    var parts: [Variable] = []
    var places = ContiguousArray<Int32>()
    for (expert, rows) in groups.enumerated() where !rows.isEmpty {
      let gate = gates.selectingRows(
        ContiguousArray(rows.lazy.map { $0 * Int32(configuration.count) + Int32(expert) }))
      parts.append(experts[expert](x.selectingRows(rows), in: pass).scalingRows(by: gate))
      places += rows
    }
    let load = ExpertLoad(balance: balance, counts: groups.map(\.count))
    guard !parts.isEmpty else { return Output(value: x, load: load) }
    return Output(value: Variable.concatenatingRows(parts).scatteringRows(to: places, of: x.rows), load: load)
  }

  /// The rows of each expert, in order. Of equal scores the lower expert wins.
  private func rowsByExpert(_ scores: Matrix, bias: Matrix) -> [ContiguousArray<Int32>] {
    var groups = [ContiguousArray<Int32>](repeating: [], count: configuration.count)
    var ranked = ContiguousArray<Float>(repeating: 0, count: configuration.count)
    for row in 0..<scores.rows {
      for expert in ranked.indices {
        ranked[expert] = scores.elements[row * configuration.count + expert] + bias.elements[expert]
      }
      for _ in 0..<configuration.selected {
        var best = 0
        for expert in ranked.indices where ranked[expert] > ranked[best] { best = expert }
        groups[best].append(Int32(row))
        ranked[best] = -.infinity
      }
    }
    return groups
  }
}

/// How many rows of a batch each expert of one layer had.
public struct ExpertLoad: Sendable, Equatable {
  /// The balancing bias of the layer.
  public let balance: Parameter
  public private(set) var counts: [Int]

  /// The largest count over the mean: 1 when balanced.
  public var imbalance: Double {
    let total = counts.reduce(0, +)
    return total > 0 ? Double(counts.max() ?? 0) * Double(counts.count) / Double(total) : 1
  }

  /// Adds up the loads of micro-batches, layer by layer.
  public static func sum(_ loads: [ExpertLoad]) -> [ExpertLoad] {
    var sums: [ExpertLoad] = []
    for load in loads {
      if let place = sums.firstIndex(where: { $0.balance == load.balance }) {
        for (expert, count) in load.counts.enumerated() { sums[place].counts[expert] += count }
      } else {
        sums.append(load)
      }
    }
    return sums
  }
}

extension ParameterSet {
  /// Loss-free balancing after a step: an expert's bias grows by `rate` where it had fewer rows than the mean and falls
  /// by it where it had more.
  /// - Parameter rate: the paper's u, 0.001 there.
  public mutating func balance(_ loads: [ExpertLoad], rate: Float) {
    for load in ExpertLoad.sum(loads) {
      let total = load.counts.reduce(0, +), experts = load.counts.count
      update(load.balance.index) { bias in
        for (expert, count) in load.counts.enumerated() {
          // The sign of mean − count, without a division.
          bias.elements[expert] += rate * Float((total - count * experts).signum())
        }
      }
    }
  }
}
