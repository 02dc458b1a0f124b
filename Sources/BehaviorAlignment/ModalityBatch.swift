public import TensorMath

/// One modality's vectors of some items.
public struct ModalityBatch: Sendable {
  /// What the modality is called; a model refuses batches under other names than it was fitted with.
  public let name: String

  /// Batches of one group are vectors of different models for the same modality: an item is in at most one of them.
  public let group: String?

  /// `items × dimensions`; rows that are not present are ignored.
  public let vectors: Matrix

  /// Whether each item has this modality.
  public let isPresent: [Bool]

  public init(name: String, group: String? = nil, vectors: Matrix, isPresent: [Bool]) {
    precondition(vectors.rows == isPresent.count, "\(vectors.rows) vectors for \(isPresent.count) items")
    self.name = name
    self.group = group
    self.vectors = vectors
    self.isPresent = isPresent
  }

  /// Batches of the same modality, one below the other.
  /// - Precondition: there is at least one, and all have its name and dimensions.
  package init(joining parts: [ModalityBatch]) {
    let first = parts[0]
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(parts.reduce(0) { $0 + $1.vectors.elements.count })
    for part in parts {
      precondition(
        part.name == first.name && part.vectors.columns == first.vectors.columns, "parts of two modalities")
      elements += part.vectors.elements
    }
    let rows = parts.reduce(0) { $0 + $1.vectors.rows }
    self.init(
      name: first.name, group: first.group,
      vectors: Matrix(rows: rows, columns: first.vectors.columns, elements: elements),
      isPresent: parts.flatMap(\.isPresent))
  }

  /// A copy of some rows, in the order given.
  package func selecting(_ rows: some Collection<Int>) -> ModalityBatch {
    ModalityBatch(name: name, group: group, vectors: vectors.selectingRows(rows), isPresent: rows.map { isPresent[$0] })
  }
}

/// The batches of the same items in a model's order; nil stands for a modality that is missing everywhere.
struct OrderedBatches: Sendable {
  let batches: [ModalityBatch?]

  /// Bit i is set where the item has modality i.
  func pattern(ofRow row: Int) -> Int {
    var pattern = 0
    for (index, batch) in batches.enumerated() where batch?.isPresent[row] == true { pattern |= 1 << index }
    return pattern
  }

  /// The vectors of the pattern's modalities side by side, for rows that have them all.
  /// - Parameter padding: rows of zeros are added up to this number.
  func joined(_ rows: [Int], pattern: Int, padding: Int) -> Matrix {
    let present = batches.enumerated().compactMap { pattern >> $0 & 1 == 1 ? $1 : nil }
    let width = present.reduce(0) { $0 + $1.vectors.columns }
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(max(rows.count, padding) * width)
    for row in rows {
      for batch in present { elements.append(contentsOf: batch.vectors.row(row)) }
    }
    let count = max(rows.count, padding)
    elements.append(contentsOf: repeatElement(0, count: count * width - elements.count))
    return Matrix(rows: count, columns: width, elements: elements)
  }
}

extension [RepresentationModel.Input] {
  /// Puts batches in this order.
  func ordering(_ modalities: [ModalityBatch]) -> OrderedBatches {
    for batch in modalities {
      guard let input = first(where: { $0.name == batch.name }) else {
        preconditionFailure("the representation was not fitted with a modality \"\(batch.name)\"")
      }
      precondition(
        batch.vectors.columns == input.dimensions,
        "\(batch.vectors.columns)-dimensional \(batch.name) vectors, fitted with \(input.dimensions)")
      precondition(batch.vectors.rows == modalities[0].vectors.rows, "modalities of different items")
      precondition(batch.group == input.group, "\(batch.name) vectors in another group than they were fitted in")
    }
    return OrderedBatches(batches: map { input in modalities.first { $0.name == input.name } })
  }
}
