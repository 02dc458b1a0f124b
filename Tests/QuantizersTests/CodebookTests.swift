import Quantizers
import TensorMath
import TestSupport
import Testing

@Suite struct CodeMatrixTests {
  @Test func rowsColumnsAndElementsAgree() {
    var codes = CodeMatrix(count: 2, levels: 3, elements: [1, 2, 3, 4, 5, 6])
    #expect(Array(codes.row(1)) == [4, 5, 6])
    #expect(codes.column(2) == [3, 6])
    codes[0, 1] = 65_535
    #expect(codes.elements == [1, 65_535, 3, 4, 5, 6])
    #expect(codes.rows(1..<2) == CodeMatrix(count: 1, levels: 3, elements: [4, 5, 6]))
  }

  @Test func appendingBlocksGivesTheWhole() {
    var codes = CodeMatrix(count: 0, levels: 2)
    codes.append(CodeMatrix(count: 1, levels: 2, elements: [1, 2]))
    codes.append(CodeMatrix(count: 0, levels: 2))
    codes.append(CodeMatrix(count: 2, levels: 2, elements: [3, 4, 5, 6]))
    #expect(codes == CodeMatrix(count: 3, levels: 2, elements: [1, 2, 3, 4, 5, 6]))
  }

  @Test func appendedEncodingsHaveTheMeanErrorsOfAllRows() {
    var encoding = Encoding(levels: 1)
    encoding.append(Encoding(codes: CodeMatrix(count: 1, levels: 1), distances: [2], levelErrors: [4]))
    encoding.append(Encoding(codes: CodeMatrix(count: 3, levels: 1), distances: [0, 0, 0], levelErrors: [0]))
    encoding.append(Encoding(levels: 1))
    #expect(encoding.levelErrors == [1])
    #expect(encoding.meanSquaredError == 1)
    #expect(encoding.distances == [2, 0, 0, 0])
  }
}

@Suite struct ResidualCodebooksTests {
  private func code(_ levels: [Codebook]) -> QuantizerError.Code? {
    do throws(QuantizerError) {
      _ = try ResidualCodebooks(levels: levels)
      return nil
    } catch { return error.code }
  }

  private func codebook(_ size: Int, _ dimensions: Int, prices: [Float]? = nil) -> Codebook {
    Codebook(centroids: Matrix(rows: size, columns: dimensions), prices: prices)
  }

  @Test func levelsMayDifferInSize() throws {
    let codebooks = try ResidualCodebooks(levels: [codebook(3, 4), codebook(65_536, 4), codebook(1, 4, prices: [1])])
    #expect(codebooks.sizes == [3, 65_536, 1])
    #expect(codebooks.dimensions == 4)
  }

  @Test func refusesWhatAFileMayHoldWrongly() {
    #expect(code([]) == .invalidCodebook)
    #expect(code([codebook(3, 4), codebook(3, 5)]) == .invalidCodebook)
    #expect(code([codebook(0, 4)]) == .invalidCodebook)
    #expect(code([codebook(3, 0)]) == .invalidCodebook)
    #expect(code([codebook(65_537, 1)]) == .invalidCodebook)
    #expect(code([codebook(3, 4, prices: [1, 2])]) == .invalidCodebook)
    #expect(code([codebook(2, 4, prices: [1, .nan])]) == .invalidCodebook)
    #expect(code([Codebook(centroids: Matrix(rows: 1, columns: 1, elements: [.infinity]))]) == .invalidCodebook)
  }

  @Test func theLargestCodebookEncodesAndDecodes() throws {
    var centroids = Matrix(rows: 65_536, columns: 2)
    for row in 0..<65_536 { (centroids[row, 0], centroids[row, 1]) = (Float(row / 256), Float(row % 256)) }
    let quantizer = ResidualQuantizer(codebooks: try ResidualCodebooks(levels: [Codebook(centroids: centroids)]))
    let x = Matrix(rows: 3, columns: 2, elements: [0, 0, 255.2, 254.9, 128, 77])
    let encoding = try quantizer.encode(x)
    #expect(encoding.codes.elements == [0, 65_535, 128 * 256 + 77])
    #expect(try quantizer.decode(encoding.codes).elements == [0, 0, 255, 255, 128, 77])
  }
}
