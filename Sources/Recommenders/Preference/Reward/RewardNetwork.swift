package import NeuralNetworks
package import TensorMath

/// The layers of a ``RewardModel`` (OneRec, 2502.18965, section 3.3, with the technical report's fused head, 2506.13695,
/// section 2.4).
///
///     vᵢ  = item vector, plus the vectors of its codes
///     aᵢ  = attention of vᵢ over the user's history
///     eᵢ  = W · [vᵢ; aᵢ; vᵢ ⊙ aᵢ]                  target-aware, the paper's v ⊙ u
///     h   = e + self-attention of the session's items
///     tₓ  = silu(Tₓ · Σ h)                          one tower an objective
///     r̂ₓ  = sigmoid(wₓ · tₓ)
///     p   = sigmoid(MLP([user; Σ v; t₁; …; tₙ]))    where the head is fused
///
/// Parameters: `items.*`, `codes.<level>.*`, `begin`, `places.*`, `pastNorm.*`, `targetNorm.*`, `attention.*`,
/// `combination.*`, `sessionNorm.*`, `sessionAttention.*`, `towers.<objective>.hidden.*`, `towers.<objective>.output.*`,
/// `fused.hidden.*`, `fused.output.*`.
package struct RewardNetwork: Sendable {
  package struct Output {
    /// By objective: logits, `sessions × 1`.
    package let objectives: [Variable]
    /// Of the fused head, `sessions × 1`; nil without one.
    package let fused: Variable?
  }

  private struct Tower: Sendable {
    let hidden: Linear
    let output: Linear

    init(_ scope: ParameterScope, inputs: Int, hidden width: Int) throws(NeuralNetworksError) {
      hidden = try Linear(scope["hidden"], inputs: inputs, outputs: width)
      output = try Linear(scope["output"], inputs: width, outputs: 1)
    }
  }

  private let items: Embedding
  private let codes: [Embedding]
  private let begin: Parameter
  private let places: Embedding
  private let pastNorm: LayerNorm
  private let targetNorm: LayerNorm
  private let attention: MultiHeadCrossAttention
  private let combination: Linear
  private let sessionNorm: LayerNorm
  private let sessionAttention: MultiHeadSelfAttention
  private let towers: [Tower]
  private let fused: Tower?
  private let dropout: Dropout

  /// Elements of the size that products of them are not lost in rounding.
  private static let initializer = Initializer.normal(deviation: 0.1)

  /// - Parameter tokens: codes that items are read by; nil for none.
  package init(
    _ scope: ParameterScope, _ configuration: RewardConfiguration, itemCount: Int, objectiveCount: Int,
    _ tokens: ItemTokens?
  ) throws(NeuralNetworksError) {
    let (width, heads) = (configuration.width, configuration.heads)
    items = try Embedding(scope["items"], count: itemCount, width: width, initializer: Self.initializer)
    var codes: [Embedding] = []
    for (level, size) in (tokens?.sizes ?? []).enumerated() {
      codes.append(try Embedding(scope["codes", level], count: size, width: width, initializer: Self.initializer))
    }
    self.codes = codes
    begin = try scope.parameter("begin", rows: 1, columns: width, initializer: Self.initializer, decays: false)
    places = try Embedding(scope["places"], count: configuration.maximumHistory, width: width, decays: false)
    pastNorm = try LayerNorm(scope["pastNorm"], width: width)
    targetNorm = try LayerNorm(scope["targetNorm"], width: width)
    attention = try MultiHeadCrossAttention(scope["attention"], width: width, heads: heads)
    combination = try Linear(scope["combination"], inputs: 3 * width, outputs: width)
    sessionNorm = try LayerNorm(scope["sessionNorm"], width: width)
    sessionAttention = try MultiHeadSelfAttention(scope["sessionAttention"], width: width, heads: heads)
    var towers: [Tower] = []
    for objective in 0..<objectiveCount {
      towers.append(try Tower(scope["towers", objective], inputs: width, hidden: configuration.hidden))
    }
    self.towers = towers
    fused =
      configuration.hasFusedHead
      ? try Tower(
        scope["fused"], inputs: 2 * width + objectiveCount * configuration.hidden, hidden: configuration.hidden) : nil
    dropout = Dropout(rate: configuration.dropout)
  }

  /// - Parameter tokens: as for the initializer.
  package func callAsFunction(_ batch: RewardBatch, _ tokens: ItemTokens?, in pass: ModelPass) -> Output {
    let vectors = vectors(batch.items, tokens, in: pass)
    let past = past(batch, tokens, in: pass)
    let seen = attention(
      targetNorm(vectors, in: pass), memory: past, layout: batch.memoryLayout, in: pass)
    let aware = combination(Variable.concatenatingColumns([vectors, seen, vectors * seen]), in: pass)
    let session = aware + sessionAttention(sessionNorm(aware, in: pass), layout: batch.sessionLayout, in: pass)
    let sum = session.scatteringRows(to: batch.owners, of: batch.count)
    let hidden = towers.map { dropout($0.hidden(sum, activation: .silu, in: pass), in: pass) }
    let logits = zip(towers, hidden).map { $0.output($1, in: pass) }
    guard let fused else { return Output(objectives: logits, fused: nil) }
    let user = past.segmentMeans(batch.pastOffsets).selectingRows(batch.histories)
    let item = vectors.scatteringRows(to: batch.owners, of: batch.count)
    let together = fused.hidden(
      Variable.concatenatingColumns([user, item] + hidden), activation: .silu, in: pass)
    return Output(objectives: logits, fused: fused.output(dropout(together, in: pass), in: pass))
  }

  /// What histories are read as: a row for each one's beginning and one for each item.
  private func past(_ batch: RewardBatch, _ tokens: ItemTokens?, in pass: ModelPass) -> Variable {
    let beginnings = ContiguousArray<Int32>(batch.pastItems.lazy.map { $0 < 0 ? 0 : -1 })
    let read = vectors(batch.pastItems, tokens, in: pass) + pass[begin].selectingRows(beginnings)
    return pastNorm(read + places(batch.places, in: pass), in: pass)
  }

  /// - Parameter rows: of the item table; -1 for zeros.
  private func vectors(_ rows: ContiguousArray<Int32>, _ tokens: ItemTokens?, in pass: ModelPass) -> Variable {
    var sum = items(rows, in: pass)
    guard let tokens else { return sum }
    for (level, table) in codes.enumerated() {
      let codes = ContiguousArray(
        rows.lazy.map { row -> Int32 in
          guard row >= 0, tokens.isPresent[Int(row)] else { return -1 }
          return Int32(tokens.codes[Int(row) * tokens.levels + level])
        })
      sum = sum + table(codes, in: pass)
    }
    return sum
  }
}

extension RewardNetwork.Output {
  /// Σₓ weightₓ · BCEₓ over the towers, each a mean over the sessions that have its label; and for the fused head
  /// Σₓ weightₓ · BCE(labelₓ, p) / Σₓ weightₓ, which is the cross-entropy of p with the weighted mean of the labels.
  /// - Parameter labels: by objective, NaN for none.
  /// - Returns: `1 × 1`, in nats; nil where no session has a label of an objective that counts.
  package func loss(_ labels: [ContiguousArray<Float>], _ objectives: [RewardObjective]) -> Variable? {
    var total: Variable?
    func add(_ part: Variable) { total = total.map { $0 + part } ?? part }
    let weights = objectives.map(\.weight).reduce(0, +)
    for (place, objective) in objectives.enumerated() where objective.weight > 0 {
      let counts = ContiguousArray<Float>(labels[place].lazy.map { $0.isNaN ? 0 : 1 })
      guard counts.contains(1) else { continue }
      let known = ContiguousArray(labels[place].lazy.map { $0.isNaN ? 0 : $0 })
      add(objective.weight * self.objectives[place].binaryCrossEntropy(labels: known, weights: counts))
      if let fused {
        add(objective.weight / weights * fused.binaryCrossEntropy(labels: known, weights: counts))
      }
    }
    return total
  }
}
