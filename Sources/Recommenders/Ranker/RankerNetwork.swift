package import NeuralNetworks
package import TensorMath

/// The layers of a ``Ranker``: an item's inputs side by side, the attention of a target to a history, and what makes a
/// logit of both (DIN: Zhou et al., 2018).
package struct RankerNetwork: Sendable {
  /// What a batch gives.
  package struct Output {
    /// `examples × 1`.
    package let logits: Variable
    /// The gate's contrastive loss, `1 × 1`; nil without one.
    package let contrast: Variable?
  }

  private let configuration: RankerConfiguration
  private let embedding: RankerEmbedding
  private let attention: TargetAttention
  private let tower: RankerTower
  private let gate: ExpertGate?

  package init(
    _ scope: ParameterScope, _ configuration: RankerConfiguration, _ items: RankerItems
  ) throws(NeuralNetworksError) {
    self.configuration = configuration
    embedding = try RankerEmbedding(scope["items"], configuration, items)
    let width = embedding.width
    attention = try TargetAttention(scope["attention"], width: width, hidden: configuration.attentionHidden)
    tower = try RankerTower(
      scope["tower"], inputs: 3 * width + configuration.numberCount(items), configuration)
    gate = try configuration.experts.map { experts throws(NeuralNetworksError) in
      try ExpertGate(scope["gate"], width: width, hidden: configuration.attentionHidden, experts)
    }
  }

  package func callAsFunction(_ batch: RankerBatch, _ items: RankerItems, in pass: ModelPass) -> Output {
    let embedded = embedding(batch.items, items, in: pass)
    let pairs = HistoryPairs(batch, embedded)
    let targets = embedded.selectingRows(batch.targets)
    let liked = attention(batch, embedded, pairs, in: pass)
    let features = Variable.concatenatingColumns(
      [targets, liked, targets * liked, pass.tape.constant(batch.numbers)])
    let scores = tower(features, in: pass)
    guard let gate else { return Output(logits: scores, contrast: nil) }
    let gates = gate(batch, embedded, pairs, in: pass)
    let ones = pass.tape.constant(
      Matrix(rows: 1, columns: scores.columns, elements: ContiguousArray(repeating: 1, count: scores.columns)))
    return Output(logits: (scores * gates.full).linear(ones), contrast: gates.contrast)
  }
}

/// An item's inputs, each `width` wide, side by side: its number, its vector or its codes.
private struct RankerEmbedding: Sendable {
  private let ids: Embedding
  private let projection: Linear?
  private let nearest: Embedding?
  private let levels: [Embedding]
  let width: Int

  /// Elements of the size that products of them, which the attention reads, are not lost in rounding.
  private static let initializer = Initializer.normal(deviation: 0.1)

  init(
    _ scope: ParameterScope, _ configuration: RankerConfiguration, _ items: RankerItems
  ) throws(NeuralNetworksError) {
    let (width, variant) = (configuration.width, configuration.variant)
    func table(_ scope: ParameterScope, _ count: Int) throws(NeuralNetworksError) -> Embedding {
      try Embedding(scope, count: count, width: width, initializer: Self.initializer)
    }
    ids = try table(scope["ids"], items.itemCount)
    projection =
      if variant.hasVectors, let vectors = items.vectors {
        try Linear(scope["projection"], inputs: vectors.columns, outputs: width)
      } else { nil }
    nearest =
      if variant.hasNearest, let codes = items.nearest { try table(scope["nearest"], codes.setSize) } else { nil }
    var levels: [Embedding] = []
    if variant.hasTokens, let tokens = items.tokens {
      for (level, size) in tokens.sizes.enumerated() { levels.append(try table(scope["levels", level], size)) }
    }
    self.levels = levels
    self.width = width * (1 + (projection == nil ? 0 : 1) + (nearest == nil ? 0 : 1) + (levels.isEmpty ? 0 : 1))
  }

  /// - Returns: `selection.count × width`. The embeddings of an item's codes are zeros where it has none.
  func callAsFunction(_ selection: ContiguousArray<UInt32>, _ items: RankerItems, in pass: ModelPass) -> Variable {
    var parts = [ids(ContiguousArray(selection.map { Int32($0) }), in: pass)]
    if let projection, let vectors = items.vectors {
      parts.append(projection(pass.tape.constant(vectors.selectingRows(selection.map { Int($0) })), in: pass))
    }
    if let nearest, let codes = items.nearest {
      var rows = ContiguousArray<Int32>()
      for item in selection {
        for place in 0..<codes.perItem {
          rows.append(codes.isPresent[Int(item)] ? Int32(codes.rows[Int(item) * codes.perItem + place]) : -1)
        }
      }
      parts.append(nearest(rows, in: pass).segmentMeans((0...selection.count).map { $0 * codes.perItem }))
    }
    if let tokens = items.tokens, let first = levels.first {
      func rows(_ level: Int) -> ContiguousArray<Int32> {
        ContiguousArray(
          selection.map { tokens.isPresent[Int($0)] ? Int32(tokens.codes[Int($0) * tokens.levels + level]) : -1 })
      }
      var sum = first(rows(0), in: pass)
      for level in levels.indices.dropFirst() { sum = sum + levels[level](rows(level), in: pass) }
      parts.append(sum)
    }
    return Variable.concatenatingColumns(parts)
  }
}

/// Each item of a history beside its example's target: what attention and gate look at.
struct HistoryPairs {
  /// `pairs × width`; nil where no example has a history.
  let items: Variable?
  /// Items times targets, element by element.
  let products: Variable?
  /// Of each pair, its target's place among the batch's items.
  let targets: ContiguousArray<Int32>

  init(_ batch: RankerBatch, _ embedded: Variable) {
    let targets = ContiguousArray(batch.owners.map { batch.targets[Int($0)] })
    let items = batch.histories.isEmpty ? nil : embedded.selectingRows(batch.histories)
    products = items.map { $0 * embedded.selectingRows(targets) }
    self.targets = targets
    self.items = items
  }
}

/// DIN's activation unit: a weight for each item of a history, given the target, without a softmax over them, so that
/// many likes of the target's kind count more than one.
///
///     weight = output · silu(key · item + query · target + product · (item ⊙ target) + bias)
///
/// One linear layer of the three side by side, whose first two parts are computed once per distinct item.
struct ActivationUnit: Sendable {
  private let key: Linear
  private let query: Linear
  private let product: Linear
  private let output: Linear

  init(_ scope: ParameterScope, width: Int, hidden: Int, outputs: Int) throws(NeuralNetworksError) {
    key = try Linear(scope["key"], inputs: width, outputs: hidden)
    query = try Linear(scope["query"], inputs: width, outputs: hidden, hasBias: false)
    product = try Linear(scope["product"], inputs: width, outputs: hidden, hasBias: false)
    output = try Linear(scope["output"], inputs: hidden, outputs: outputs)
  }

  /// - Returns: `pairs × outputs`.
  func callAsFunction(
    _ batch: RankerBatch, _ embedded: Variable, _ pairs: HistoryPairs, products: Variable, in pass: ModelPass
  ) -> Variable {
    let keys = key(embedded, in: pass).selectingRows(batch.histories)
    let queries = query(embedded, in: pass).selectingRows(pairs.targets)
    return output((keys + queries + product(products, in: pass)).activated(.silu), in: pass)
  }
}

/// The weighted sum of a history's items.
private struct TargetAttention: Sendable {
  private let unit: ActivationUnit

  init(_ scope: ParameterScope, width: Int, hidden: Int) throws(NeuralNetworksError) {
    unit = try ActivationUnit(scope, width: width, hidden: hidden, outputs: 1)
  }

  /// - Returns: `examples × width`; zeros for an empty history.
  func callAsFunction(
    _ batch: RankerBatch, _ embedded: Variable, _ pairs: HistoryPairs, in pass: ModelPass
  ) -> Variable {
    guard let items = pairs.items, let products = pairs.products else {
      return pass.tape.constant(Matrix(rows: batch.count, columns: embedded.columns))
    }
    let weights = unit(batch, embedded, pairs, products: products, in: pass)
    return items.scalingRows(by: weights).scatteringRows(to: batch.owners, of: batch.count)
  }
}

/// The layers behind the attention: one set of them, or one per expert.
private struct RankerTower: Sendable {
  private let experts: [[Linear]]
  private let dropout: Dropout

  init(_ scope: ParameterScope, inputs: Int, _ configuration: RankerConfiguration) throws(NeuralNetworksError) {
    dropout = Dropout(rate: configuration.dropout)
    var experts: [[Linear]] = []
    for expert in 0..<(configuration.experts?.count ?? 1) {
      var layers: [Linear] = []
      let widths = [inputs] + configuration.hidden + [1]
      for (index, (from, to)) in zip(widths, widths.dropFirst()).enumerated() {
        layers.append(try Linear(scope["experts", expert]["layers", index], inputs: from, outputs: to))
      }
      experts.append(layers)
    }
    self.experts = experts
  }

  /// - Returns: `examples × experts`.
  func callAsFunction(_ features: Variable, in pass: ModelPass) -> Variable {
    let scores = experts.map { layers in
      var x = features
      for layer in layers.dropLast() { x = dropout(layer(x, activation: .silu, in: pass), in: pass) }
      return layers[layers.count - 1](x, in: pass)
    }
    return scores.count == 1 ? scores[0] : Variable.concatenatingColumns(scores)
  }
}
