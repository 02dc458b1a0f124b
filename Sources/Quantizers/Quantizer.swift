public import TensorMath

/// Turns vectors into codes and back. A quantiser is immutable; a row's codes depend on that row alone, so a caller may
/// encode in blocks of any size.
public protocol Quantizer: Sendable {
  var codebooks: ResidualCodebooks { get }

  /// The vectors that the codebooks code, `n × codebooks.dimensions`: those of `x` themselves, or what an encoder makes of
  /// them.
  /// - Throws: `dimensionMismatch` or `notFinite`, as ``encode(_:)``.
  func codedVectors(_ x: Matrix) throws(QuantizerError) -> Matrix

  /// The codes of the rows of `x` (`n × dimensions`) by the serving rule.
  /// - Throws: `dimensionMismatch`, or `notFinite` naming the first row that holds a NaN or an infinity.
  func encode(_ x: Matrix) throws(QuantizerError) -> Encoding

  /// The vectors that codes stand for, `n × dimensions`.
  /// - Throws: `dimensionMismatch` for a wrong number of levels, `codeOutOfRange` naming row and level.
  func decode(_ codes: CodeMatrix) throws(QuantizerError) -> Matrix
}

extension Quantizer {
  public func codedVectors(_ x: Matrix) throws(QuantizerError) -> Matrix { x }

  /// The sums of the chosen centroids.
  public func decode(_ codes: CodeMatrix) throws(QuantizerError) -> Matrix { try centroidSums(codes) }

  /// Sums the chosen centroids, first level first: `n × codebooks.dimensions`.
  func centroidSums(_ codes: CodeMatrix) throws(QuantizerError) -> Matrix {
    guard codes.levels == codebooks.levels.count else {
      throw QuantizerError(
        .dimensionMismatch, "codes of \(codes.levels) levels for a quantizer of \(codebooks.levels.count)")
    }
    let dimensions = codebooks.dimensions
    var result = Matrix(rows: codes.count, columns: dimensions)
    for (level, codebook) in codebooks.levels.enumerated() {
      for row in 0..<codes.count {
        let code = Int(codes[row, level])
        guard code < codebook.size else {
          throw QuantizerError(
            .codeOutOfRange, "row \(row) has code \(code) at level \(level + 1), which has \(codebook.size) centroids")
        }
        for column in 0..<dimensions {
          result.elements[row * dimensions + column] += codebook.centroids.elements[code * dimensions + column]
        }
      }
    }
    return result
  }
}
