internal import NeuralNetworks
public import Quantizers
public import TensorMath

/// All items encoded anew, by the serving rule, with codebooks that were tuned; and what that changed.
public struct CodeRevision: Sendable {
  /// What a collision policy works on. Rows are the items that have codes, in the order of the item table.
  public struct Unresolved: Sendable {
    /// Rows of the item table.
    public let items: ContiguousArray<Int32>
    /// Nearest codes; served ones where a row is fixed.
    public let codes: CodeMatrix
    /// ‖residual‖ after the last level of those codes.
    public let distances: ContiguousArray<Float>
    /// Rows whose nearest codes are what they were: their IDs stay, so that nothing moves that tuning did not move.
    public let fixed: FixedRows
    public let vectors: Matrix
    public let codebooks: ResidualCodebooks
  }

  /// Codes after the collision policy.
  public let tokens: ItemTokens
  /// Suffixes after it, by row of the item table; zeros for items without codes.
  public let suffixes: ContiguousArray<UInt16>
  /// The same, with suffixes and the policy's report; rows as in ``Unresolved``.
  public let resolved: ResolvedCodes
  /// Of what is served: codes, and suffixes where the former were given.
  public let churn: Churn
  /// Of the codes that training went by with those that serving assigns, item by item; less than 1 only where rounding
  /// decides.
  public let trainingAgreement: ReencodeAgreement
  /// Use and collisions of what was served and of what will be.
  public let before: CodeMetrics
  public let after: CodeMetrics

  /// - Parameters:
  ///   - tokens: what is served now.
  ///   - former: codebooks that they came from.
  ///   - tuned: codebooks to encode with.
  ///   - formerVectors: a row per item, that the served codes came from.
  ///   - vectors: a row per item, now; the former ones where representations did not move.
  ///   - trainingVectors: those as training computed them, where rounding may differ; nil for the same.
  ///   - suffixes: of what is served, by row of the item table; nil for none.
  ///   - generation: for the new tokens.
  ///   - resolve: the collision policy; ``keeping(_:)`` and ``applying(_:)`` are two.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for parts that do not belong together, and what encoding and
  ///   resolving throw.
  /// - Complexity: O(items · Σ sizes · dimensions), three times.
  public init(
    from tokens: ItemTokens, codebooks former: ResidualCodebooks, to tuned: ResidualCodebooks, formerVectors: Matrix,
    vectors: Matrix, trainingVectors: Matrix? = nil, suffixes: ContiguousArray<UInt16>? = nil, generation: UInt64 = 0,
    resolve: (Unresolved) throws -> ResolvedCodes
  ) throws {
    try Self.check(tokens, [former, tuned], [formerVectors, vectors] + [trainingVectors].compactMap { $0 }, suffixes)
    let old = try ItemEncoding(former, formerVectors, tokens)
    let new = try ItemEncoding(tuned, vectors, tokens)
    let items = new.rows, own = vectors.selecting(items)
    let served = CodeMatrix(count: tokens.itemCount, levels: tokens.levels, elements: tokens.codes).selecting(items)
    let servedSuffixes = ContiguousArray(items.lazy.map { suffixes?[Int($0)] ?? 0 })
    let unresolved = try Self.unresolved(tuned, own, old, new, served, servedSuffixes)
    resolved = try resolve(unresolved)
    guard resolved.codes.count == items.count, resolved.codes.levels == tokens.levels else {
      throw RecommenderError(
        .invalidParameter,
        "the collision policy gave \(resolved.codes.count) × \(resolved.codes.levels) codes for \(items.count) items of "
          + "\(tokens.levels); it must keep rows and levels")
    }
    var newSuffixes = ContiguousArray<UInt16>(repeating: 0, count: tokens.itemCount)
    for (row, item) in items.enumerated() { newSuffixes[Int(item)] = resolved.suffixes[row] }
    self.suffixes = newSuffixes
    self.tokens = try Self.tokens(tokens, items, resolved.codes, generation)
    let none = ContiguousArray<UInt16>(repeating: 0, count: items.count)
    let hashes = ContiguousArray<UInt64>(repeating: 0, count: items.count)
    churn = Churn(
      from: Churn.Columns(codes: served, suffixes: servedSuffixes, contentHashes: hashes),
      to: Churn.Columns(
        codes: resolved.codes, suffixes: suffixes == nil ? none : resolved.suffixes, contentHashes: hashes),
      previousRow: ContiguousArray(items.indices))
    trainingAgreement = ReencodeAgreement(
      try Self.trainingCodes(tuned, trainingVectors?.selecting(items) ?? own), new.ownCodes)
    before = CodeMetrics(served, sizes: tokens.sizes)
    after = CodeMetrics(resolved.codes, sizes: tokens.sizes)
  }

  /// Items may share IDs.
  public static func keeping(_ codes: Unresolved) throws -> ResolvedCodes {
    try applying(CollisionResolver(CollisionResolver.Parameters(policy: .keep)))(codes)
  }

  /// A collision policy as serving has it.
  public static func applying(_ resolver: CollisionResolver) -> (Unresolved) throws -> ResolvedCodes {
    { codes in
      let vectors = codes.vectors
      return try resolver.resolve(
        codes: codes.codes, distances: codes.distances, fixed: codes.fixed,
        lastLevel: LastLevelDistances(codebooks: codes.codebooks, codes: codes.codes) { rows in
          vectors.selecting(ContiguousArray(rows.lazy.map { Int32($0) }))
        })
    }
  }

  // MARK: Parts

  private static func unresolved(
    _ codebooks: ResidualCodebooks, _ vectors: Matrix, _ old: ItemEncoding, _ new: ItemEncoding, _ served: CodeMatrix,
    _ suffixes: ContiguousArray<UInt16>
  ) throws -> Unresolved {
    var (codes, distances) = (new.ownCodes, new.distances)
    let former = old.ownCodes
    let isFixed = ContiguousArray((0..<codes.count).map { codes.row($0) == former.row($0) })
    for row in 0..<codes.count where isFixed[row] && codes.row(row) != served.row(row) {
      for level in 0..<codes.levels { codes[row, level] = served[row, level] }
      let decoded = try ResidualQuantizer(codebooks: codebooks).decode(codes.rows(row..<row + 1))
      let square = zip(vectors.row(row), decoded.row(0)).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      distances[row] = square.squareRoot()
    }
    return Unresolved(
      items: new.rows, codes: codes, distances: distances, fixed: FixedRows(isFixed: isFixed, suffixes: suffixes),
      vectors: vectors, codebooks: codebooks)
  }

  private static func tokens(
    _ former: ItemTokens, _ items: ContiguousArray<Int32>, _ codes: CodeMatrix, _ generation: UInt64
  ) throws(RecommenderError) -> ItemTokens {
    var elements = former.codes
    for (row, item) in items.enumerated() {
      for level in 0..<codes.levels { elements[Int(item) * codes.levels + level] = codes[row, level] }
    }
    return try ItemTokens(
      sizes: former.sizes, codes: elements, isPresent: former.isPresent, generation: generation)
  }

  /// As tuning assigns them, through its parameters and its tape.
  private static func trainingCodes(_ codebooks: ResidualCodebooks, _ vectors: Matrix) throws -> CodeMatrix {
    let tuned = try TunedCodebooks(codebooks)
    var codes = CodeMatrix(count: 0, levels: codebooks.levels.count)
    for start in stride(from: 0, to: vectors.rows, by: 1024) {
      let pass = ModelPass(inferring: tuned.parameters)
      let assignment = ResidualAssignment(
        pass.tape.constant(vectors.rows(start..<min(start + 1024, vectors.rows))), prices: codebooks,
        centroids: tuned.centroids(in: pass), temperatures: codebooks.levels.map { _ in 1 })
      codes.append(assignment.codes)
    }
    return codes
  }

  private static func check(
    _ tokens: ItemTokens, _ codebooks: [ResidualCodebooks], _ vectors: [Matrix], _ suffixes: ContiguousArray<UInt16>?
  ) throws(RecommenderError) {
    for codebooks in codebooks where codebooks.sizes != tokens.sizes {
      throw RecommenderError(
        .invalidParameter, "codebooks of \(codebooks.sizes) centroids for items of \(tokens.sizes) codes")
    }
    for vectors in vectors where vectors.rows != tokens.itemCount {
      throw RecommenderError(
        .invalidParameter, "\(vectors.rows) representations for \(tokens.itemCount) items; give one row an item")
    }
    if let suffixes, suffixes.count != tokens.itemCount {
      throw RecommenderError(
        .invalidParameter, "\(suffixes.count) suffixes for \(tokens.itemCount) items; give one an item")
    }
  }
}
