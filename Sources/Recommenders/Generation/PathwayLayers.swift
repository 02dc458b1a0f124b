internal import NeuralNetworks
package import TensorMath

/// The rows of pathways among those of ``HistoryTokens``, and what the lifelong ones are made of.
package struct PathwayRows {
  /// The pathways, as their marks are numbered.
  package enum Pathway: Int32, CaseIterable {
    case shortTerm
    case traits
    case positive
    case lifelong
  }

  /// Of each row.
  package private(set) var pathways: ContiguousArray<Int32> = []
  /// By trait: of each row its step; -1 for a row of another pathway.
  package private(set) var traits: [ContiguousArray<Int32>] = UserTraits.sizes.map { _ in [] }
  /// Of each row the place of its item among those of positive feedback, counted back from the latest; -1 for others.
  package private(set) var positivePlaces: ContiguousArray<Int32> = []
  /// Of each row the row among all queries of all users; -1 for others.
  package private(set) var queryRows: ContiguousArray<Int32> = []
  /// By row of queries: which of the learned ones it is.
  package private(set) var queries: ContiguousArray<Int32> = []
  /// What queries attend to, user by user.
  package private(set) var olderItems: ContiguousArray<Int32> = []
  /// Of each of them, its place counted back from the latest of them, in powers of two.
  package private(set) var olderSteps: ContiguousArray<Int32> = []
  /// Which queries see which of them.
  package private(set) var segments: [AttentionLayout.Segment] = []

  /// Steps that a place before the latest items can have, up to 65,536.
  static let stepCount = 17

  private mutating func append(_ pathway: Pathway, positivePlace: Int32 = -1, queryRow: Int32 = -1) {
    pathways.append(pathway.rawValue)
    positivePlaces.append(positivePlace)
    queryRows.append(queryRow)
  }

  mutating func append(_ user: UserTraits) {
    append(.traits)
    for index in traits.indices { traits[index].append(user.steps[index]) }
  }

  mutating func append(positivePlace: Int) {
    append(.positive, positivePlace: Int32(positivePlace))
    appendNoTraits()
  }

  mutating func append(older items: [UInt32], queries count: Int) {
    let (firstQuery, firstItem) = (queries.count, olderItems.count)
    for query in 0..<count {
      append(.lifelong, queryRow: Int32(queries.count))
      appendNoTraits()
      queries.append(Int32(query))
    }
    for (index, item) in items.enumerated() {
      olderItems.append(Int32(item))
      let place = items.count - index
      olderSteps.append(Int32(min(Self.stepCount - 1, Int.bitWidth - 1 - place.leadingZeroBitCount)))
    }
    segments.append(.init(queries: firstQuery..<queries.count, keys: firstItem..<olderItems.count))
  }

  /// Counts the rows up to a number as those of the latest items.
  mutating func fillShortTerm(to count: Int) {
    while pathways.count < count {
      append(.shortTerm)
      appendNoTraits()
    }
  }

  private mutating func appendNoTraits() {
    for index in traits.indices { traits[index].append(-1) }
  }
}

/// What an encoder adds for the pathways of a user (2506.13695, section 2.2): z = [traits; lifelong; positive; short-term],
/// each row with a vector that tells its pathway.
///
/// - A user's traits are the sum of a vector for the step of each.
/// - An item of positive feedback is read as items are elsewhere, the sum of its codes' and prefixes' vectors, plus a vector
///   for its place.
/// - Of the lifelong history, learned queries attend to the items, each its vector plus one for how long ago it was: one
///   layer, with a feed-forward part behind it. The report has two, behind a clustering of up to 100,000 items. A user
///   without older items has no such rows.
///
/// Parameters: `kinds.*`, `traits.<i>.*`, `positivePlaces.*`, `lifelong.queries`, `lifelong.steps.*`, `lifelong.inputNorm.*`
/// and those of ``CodeDecoder`` behind `lifelong`.
struct PathwayLayers: Sendable {
  private struct Lifelong: Sendable {
    let queries: Parameter
    let steps: Embedding
    let inputNorm: LayerNorm
    let compressor: CodeDecoder
  }

  private let kinds: Embedding
  private let traits: [Embedding]
  private let positivePlaces: Embedding?
  private let lifelong: Lifelong?

  init(
    _ scope: ParameterScope, _ pathways: UserPathways, _ configuration: GeneratorConfiguration
  ) throws(NeuralNetworksError) {
    let width = configuration.width
    kinds = try Embedding(
      scope["kinds"], count: PathwayRows.Pathway.allCases.count, width: width, decays: false)
    var traits: [Embedding] = []
    for (index, size) in UserTraits.sizes.enumerated() where pathways.hasTraits {
      traits.append(try Embedding(scope["traits", index], count: size, width: width, decays: false))
    }
    self.traits = traits
    positivePlaces =
      pathways.positiveItems > 0
      ? try Embedding(scope["positivePlaces"], count: pathways.positiveItems, width: width, decays: false) : nil
    guard pathways.lifelongItems > 0 else {
      lifelong = nil
      return
    }
    let part = scope["lifelong"]
    lifelong = Lifelong(
      queries: try part.parameter(
        "queries", rows: pathways.lifelongQueries, columns: width, initializer: .normal(deviation: 0.02), decays: false),
      steps: try Embedding(part["steps"], count: PathwayRows.stepCount, width: width, decays: false),
      inputNorm: try LayerNorm(part["inputNorm"], width: width),
      compressor: try CodeDecoder(part, configuration))
  }

  /// What rows have beside their codes' and prefixes' vectors, before the normalization.
  /// - Returns: a row for each of the tokens'; nil for nothing.
  func vectors(
    _ tokens: HistoryTokens, _ tables: CodeTables, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable? {
    guard let rows = tokens.pathways else { return nil }
    var parts = zip(traits, rows.traits).map { $0($1, in: pass) }
    if let lifelong, !rows.segments.isEmpty {
      let items = tables.itemVectors(rows.olderItems, vocabulary, in: pass) + lifelong.steps(rows.olderSteps, in: pass)
      let compressed = lifelong.compressor(
        pass[lifelong.queries].selectingRows(rows.queries),
        keysAndValues: lifelong.compressor.keysAndValues(lifelong.inputNorm(items, in: pass), in: pass),
        layout: AttentionLayout(segments: rows.segments), in: pass)
      parts.append(compressed.selectingRows(rows.queryRows))
    }
    guard let first = parts.first else { return nil }
    return parts.dropFirst().reduce(first) { $0 + $1 }
  }

  /// Behind the normalization: which pathway a row is of, and where in it.
  func marks(_ tokens: HistoryTokens, in pass: ModelPass) -> Variable? {
    guard let rows = tokens.pathways else { return nil }
    let marks = kinds(rows.pathways, in: pass)
    return positivePlaces.map { marks + $0(rows.positivePlaces, in: pass) } ?? marks
  }
}
