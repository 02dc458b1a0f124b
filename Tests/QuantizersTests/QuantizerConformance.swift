import Quantizers
import TensorMath
import TestSupport
import Testing

/// What every quantiser must do, whatever it is made of. `x` should have at least 100 rows.
func expectConformance(
  _ quantizer: some Quantizer, on x: Matrix, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let encoding = try quantizer.encode(x)
  try expectShapes(quantizer, encoding, x, sourceLocation)
  try expectReportedErrors(quantizer, encoding, x, sourceLocation)
  try expectServingRule(quantizer, encoding, x, sourceLocation)
  try expectSameCodesInEveryBatch(quantizer, encoding, x, sourceLocation)
  #expect(try quantizer.encode(x) == encoding, "encoding is deterministic", sourceLocation: sourceLocation)
  let one = try withThreads(1) { try quantizer.encode(x) }
  let two = try withThreads(2) { try quantizer.encode(x) }
  #expect(one == two, "threads do not change a result", sourceLocation: sourceLocation)
  expectRefusals(quantizer, x, sourceLocation)
}

private func expectShapes(
  _ quantizer: some Quantizer, _ encoding: Encoding, _ x: Matrix, _ location: SourceLocation
) throws {
  let levels = quantizer.codebooks.levels
  #expect(encoding.codes.count == x.rows && encoding.codes.levels == levels.count, sourceLocation: location)
  #expect(encoding.distances.count == x.rows && encoding.levelErrors.count == levels.count, sourceLocation: location)
  for (level, codebook) in levels.enumerated() {
    #expect(encoding.codes.column(level).allSatisfy { Int($0) < codebook.size }, sourceLocation: location)
  }
  let decoded = try quantizer.decode(encoding.codes)
  #expect(decoded.rows == x.rows && decoded.columns == x.columns, sourceLocation: location)
}

private func expectReportedErrors(
  _ quantizer: some Quantizer, _ encoding: Encoding, _ x: Matrix, _ location: SourceLocation
) throws {
  let decoded = try quantizer.decode(encoding.codes)
  let errors = (0..<x.rows).map { Double(squaredDistance(x.row($0), decoded.row($0))) }
  let mean = errors.reduce(0, +) / Double(x.rows)
  #expect(abs(encoding.meanSquaredError - mean) <= 1e-4 * (1 + mean), sourceLocation: location)
  // Distances are in the space of the codebooks, where what remains is the coded vector less its centroids.
  let coded = try quantizer.codedVectors(x)
  let distances = (0..<x.rows).map { row in
    var residual = ContiguousArray(coded.row(row))
    for (level, codebook) in quantizer.codebooks.levels.enumerated() {
      let centroid = codebook.centroids.row(Int(encoding.codes[row, level]))
      for (column, value) in zip(residual.indices, centroid) { residual[column] -= value }
    }
    return residual.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
  expectClose(encoding.distances, distances, tolerance: 1e-4, sourceLocation: location)
}

/// Every code is the argmin that `Codebook` documents, found here by exhaustive search.
private func expectServingRule(
  _ quantizer: some Quantizer, _ encoding: Encoding, _ x: Matrix, _ location: SourceLocation
) throws {
  let coded = try quantizer.codedVectors(x)
  #expect(coded.rows == x.rows && coded.columns == quantizer.codebooks.dimensions, sourceLocation: location)
  for row in 0..<min(100, x.rows) {
    var residual = ContiguousArray(coded.row(row))
    for (level, codebook) in quantizer.codebooks.levels.enumerated() {
      var best: (cost: Float, code: Int) = (.infinity, 0)
      for code in 0..<codebook.size {
        let cost = squaredDistance(residual[...], codebook.centroids.row(code)) + (codebook.prices?[code] ?? 0)
        if cost < best.cost { best = (cost, code) }
      }
      #expect(Int(encoding.codes[row, level]) == best.code, "row \(row), level \(level)", sourceLocation: location)
      for column in residual.indices { residual[column] -= codebook.centroids[best.code, column] }
    }
  }
}

private func expectSameCodesInEveryBatch(
  _ quantizer: some Quantizer, _ encoding: Encoding, _ x: Matrix, _ location: SourceLocation
) throws {
  for row in stride(from: 0, to: x.rows, by: max(1, x.rows / 20)) {
    let single = try quantizer.encode(x.rows(row..<row + 1))
    #expect(Array(single.codes.row(0)) == Array(encoding.codes.row(row)), "row \(row) alone", sourceLocation: location)
    #expect(single.distances[0] == encoding.distances[row], sourceLocation: location)
  }
  var blocks = Encoding(levels: encoding.codes.levels)
  for start in stride(from: 0, to: x.rows, by: 37) {
    blocks.append(try quantizer.encode(x.rows(start..<min(x.rows, start + 37))))
  }
  #expect(blocks.codes == encoding.codes, "blocks of 37", sourceLocation: location)
  #expect(blocks.distances == encoding.distances, sourceLocation: location)
  #expect(
    abs(blocks.meanSquaredError - encoding.meanSquaredError) <= 1e-9 * (1 + encoding.meanSquaredError),
    sourceLocation: location)
}

private func expectRefusals(_ quantizer: some Quantizer, _ x: Matrix, _ location: SourceLocation) {
  #expect(throws: Never.self, sourceLocation: location) {
    let empty = try quantizer.encode(Matrix(rows: 0, columns: x.columns))
    #expect(empty.codes.count == 0 && empty.distances.isEmpty && empty.meanSquaredError == 0)
    #expect(try quantizer.decode(empty.codes).rows == 0)
  }
  func code(_ body: () throws -> Void) -> QuantizerError.Code? {
    do { try body() } catch { return (error as? QuantizerError)?.code }
    return nil
  }
  let wide = Matrix(rows: 2, columns: x.columns + 1)
  #expect(code { _ = try quantizer.encode(wide) } == .dimensionMismatch, sourceLocation: location)
  var broken = x.rows(0..<3)
  broken[2, 0] = .nan
  #expect(code { _ = try quantizer.encode(broken) } == .notFinite, sourceLocation: location)
  let levels = quantizer.codebooks.levels.count
  let short = CodeMatrix(count: 1, levels: levels + 1)
  #expect(code { _ = try quantizer.decode(short) } == .dimensionMismatch, sourceLocation: location)
  if quantizer.codebooks.sizes[levels - 1] < Codebook.maximumSize {
    var outside = CodeMatrix(count: 1, levels: levels)
    outside[0, levels - 1] = UInt16(quantizer.codebooks.sizes[levels - 1])
    #expect(code { _ = try quantizer.decode(outside) } == .codeOutOfRange, sourceLocation: location)
  }
}
