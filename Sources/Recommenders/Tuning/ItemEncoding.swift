internal import Quantizers
internal import TensorMath

/// The nearest codes of the items of a table, by the serving rule.
struct ItemEncoding {
  /// Of all items; zeros for those without codes.
  private(set) var codes: CodeMatrix
  /// The items that have codes, ascending.
  let rows: ContiguousArray<Int32>
  /// Of those, ‖residual‖ after the last level.
  let distances: ContiguousArray<Float>
  /// Mean squared residual after each level, over those.
  let levelErrors: [Double]

  /// - Parameters:
  ///   - vectors: a row per item.
  ///   - tokens: for which items have codes.
  init(_ codebooks: ResidualCodebooks, _ vectors: Matrix, _ tokens: ItemTokens) throws(QuantizerError) {
    rows = tokens.codedItems
    let encoding = try ResidualQuantizer(codebooks: codebooks).encode(vectors.selecting(rows))
    codes = CodeMatrix(count: tokens.itemCount, levels: tokens.levels)
    for (row, item) in rows.enumerated() {
      for level in 0..<tokens.levels { codes[Int(item), level] = encoding.codes[row, level] }
    }
    (distances, levelErrors) = (encoding.distances, encoding.levelErrors)
  }

  /// Of the items that have codes.
  var ownCodes: CodeMatrix { codes.selecting(rows) }
}

extension ItemTokens {
  /// The items that have codes, ascending.
  var codedItems: ContiguousArray<Int32> {
    ContiguousArray((0..<Int32(itemCount)).lazy.filter { isPresent[Int($0)] })
  }
}

extension CodeMatrix {
  /// Some items' codes, in the order given.
  func selecting(_ items: ContiguousArray<Int32>) -> CodeMatrix {
    var elements = ContiguousArray<UInt16>()
    elements.reserveCapacity(items.count * levels)
    for item in items { elements.append(contentsOf: row(Int(item))) }
    return CodeMatrix(count: items.count, levels: levels, elements: elements)
  }
}
