import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// What every encoder keeps, whatever it is made of.
/// - Parameter items: some with the modality; `absent` names those without it.
func checkConformance(
  _ encoder: any ItemEncoder, items: [Item], absent: Set<Int>, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(encoder.dimensions > 0 && encoder.fingerprint.count == 64, sourceLocation: sourceLocation)
  let batch = try encoder.encode(items)
  #expect(
    batch.vectors.rows == items.count && batch.vectors.columns == encoder.dimensions, sourceLocation: sourceLocation)
  #expect(
    batch.isPresent == items.indices.map { !absent.contains($0) }, "who is present", sourceLocation: sourceLocation)
  #expect(batch.failures.map(\.index) == batch.failures.map(\.index).sorted(), sourceLocation: sourceLocation)
  #expect(batch.failures.allSatisfy { !batch.isPresent[$0.index] }, sourceLocation: sourceLocation)
  for row in items.indices {
    let length = batch.vectors.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(length - (absent.contains(row) ? 0 : 1)) < 1e-5, "row \(row)", sourceLocation: sourceLocation)
  }
  #expect(try encoder.encode(items) == batch, "encoding is deterministic", sourceLocation: sourceLocation)
  for row in [0, items.count / 2, items.count - 1] {
    let alone = try encoder.encode([items[row]])
    #expect(alone.vectors == batch.vectors.rows(row..<row + 1), "row \(row) alone", sourceLocation: sourceLocation)
  }
  let reversed = try encoder.encode(items.reversed())
  #expect(
    reversed.vectors == batch.vectors.selectingRows(items.indices.reversed()), "in another order",
    sourceLocation: sourceLocation)
  let nothing = try encoder.encode([])
  #expect(nothing.vectors.rows == 0 && nothing.isPresent.isEmpty, sourceLocation: sourceLocation)
  try encoder.finish()
  #expect(try encoder.encode(items) == batch, "after its end it starts afresh", sourceLocation: sourceLocation)
  try encoder.finish()
}
