/// A draft that has been checked, with the order in which its items are written.
struct PublishPlan {
  let draft: GenerationDraft
  /// Rows in the byte order of ids.
  let byIdentifier: [UInt32]

  var items: ItemColumns { draft.items }

  init(_ draft: GenerationDraft, _ options: SemanticIDStore.PublishOptions) throws {
    try PublishPlan.check(draft)
    if let keep = options.keepGenerations, keep < 1 {
      throw StoreError(.invalidDraft, "keepGenerations is \(keep); at least the new generation has to be kept")
    }
    let items = draft.items
    try options.report(.sort, 0, items.count)
    let order = RowOrder.byIdentifier(items.ids)
    if let (first, second) = RowOrder.duplicate(in: items.ids, order: order) {
      throw StoreError(
        .invalidDraft,
        "rows \(first) and \(second) are both \(items.ids[Int(first)].debugDescription); "
          + "each item may occur once")
    }
    self.draft = draft
    byIdentifier = order
    try options.report(.sort, items.count, items.count)
  }

  private static func check(_ draft: GenerationDraft) throws(StoreError) {
    let items = draft.items
    guard (1...StoreLimits.levels).contains(items.levels) else {
      throw StoreError(.invalidDraft, "items have \(items.levels) levels; 1 to \(StoreLimits.levels) can be stored")
    }
    guard items.count < Int(UInt32.max) else {
      throw StoreError(.invalidDraft, "\(items.count) items; a generation holds fewer than \(UInt32.max)")
    }
    try checkIdentifiers(items.ids, "item")
    if let row = items.distances.firstIndex(where: { !$0.isFinite }) {
      throw StoreError(.invalidDraft, "row \(row) (\(items.ids[row].debugDescription)): its distance is not finite")
    }
    if let metric = draft.metrics.sorted(by: { $0.key < $1.key }).first(where: { !$0.value.isFinite }) {
      throw StoreError(.invalidDraft, "metric \(metric.key) is not finite")
    }
    try checkCodebooks(draft.codebooks, items)
    if let neighbors = draft.neighbors { try check(neighbors, items.count) }
  }

  private static func checkIdentifiers(_ ids: IdentifierColumn, _ what: String) throws(StoreError) {
    for row in 0..<ids.count {
      let size = ids.byteRange(at: row).count
      guard (1...StoreLimits.identifierBytes).contains(size) else {
        throw StoreError(
          .invalidDraft, "row \(row): the \(what)'s id has \(size) bytes; 1 to \(StoreLimits.identifierBytes) fit")
      }
    }
  }

  private static func checkCodebooks(_ codebooks: [StoredCodebook], _ items: ItemColumns) throws(StoreError) {
    guard let first = codebooks.first else { return }
    guard codebooks.count == items.levels else {
      throw StoreError(.invalidDraft, "\(codebooks.count) codebooks for \(items.levels) levels")
    }
    for (level, codebook) in codebooks.enumerated() {
      guard (1...StoreLimits.codebookSize).contains(codebook.size) else {
        throw StoreError(
          .invalidDraft, "level \(level) has \(codebook.size) centroids; 1 to \(StoreLimits.codebookSize) fit")
      }
      guard codebook.dimensions == first.dimensions, codebook.dimensions > 0,
        codebook.centroids.count == codebook.size * codebook.dimensions,
        codebook.prices.map({ $0.count == codebook.size }) ?? true
      else {
        throw StoreError(
          .invalidDraft,
          "level \(level)'s codebook is \(codebook.size) × \(codebook.dimensions) with "
            + "\(codebook.centroids.count) numbers; all levels share level 0's width of \(first.dimensions)")
      }
    }
    try checkCodes(items, codebooks.map(\.size))
  }

  private static func checkCodes(_ items: ItemColumns, _ sizes: [Int]) throws(StoreError) {
    for row in 0..<items.count {
      for level in 0..<sizes.count where Int(items.codes[row * sizes.count + level]) >= sizes[level] {
        throw StoreError(
          .invalidDraft,
          "row \(row) (\(items.ids[row].debugDescription)): code "
            + "\(items.codes[row * sizes.count + level]) at level \(level), whose codebook has \(sizes[level])")
      }
    }
  }

  private static func check(_ neighbors: NeighborColumns, _ items: Int) throws(StoreError) {
    guard (1...Int(UInt16.max)).contains(neighbors.neighborsPerItem),
      neighbors.rows.count == items * neighbors.neighborsPerItem
    else {
      throw StoreError(
        .invalidDraft, "\(neighbors.rows.count) VQ codes for \(items) items × \(neighbors.neighborsPerItem)")
    }
    try checkIdentifiers(neighbors.itemSet, "item-set row")
    if let row = neighbors.rows.firstIndex(where: { $0 >= neighbors.itemSet.count }) {
      throw StoreError(
        .invalidDraft,
        "VQ code \(neighbors.rows[row]) of row \(row / neighbors.neighborsPerItem) is outside the item "
          + "set's \(neighbors.itemSet.count)")
    }
  }
}
