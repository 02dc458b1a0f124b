import TensorMath
import TestSupport
import Testing

/// Products with some rows of a table, added to some elements.
@Suite("Chosen sums")
struct ChosenSumsTests {
  private static let choices = RowChoices(
    ranges: [1..<4, 0..<0, 4..<6, 1..<4, 0..<6], columns: [3, 0, 2, 4, 1, 0])

  /// Columns repeat in the last row, so that two products meet in one element.
  private static func matrices() -> (x: Matrix, table: Matrix, base: Matrix) {
    var random = RandomSource(seed: 5)
    return (
      normalMatrix(5, 19, using: &random), normalMatrix(6, 19, using: &random), normalMatrix(5, 5, using: &random)
    )
  }

  @Test func valuesAreThoseOfOneProductAtATime() {
    let (x, table, base) = Self.matrices(), tape = Tape()
    let value = tape.constant(base).addingProducts(
      of: tape.constant(x), with: tape.constant(table), at: Self.choices
    ).value
    for row in 0..<5 {
      for column in 0..<5 {
        var expected = Double(base[row, column])
        for choice in Self.choices.ranges[row] where Int(Self.choices.columns[choice]) == column {
          for element in 0..<19 { expected += Double(x[row, element]) * Double(table[choice, element]) }
        }
        #expect(abs(Double(value[row, column]) - expected) < 1e-4, "row \(row), column \(column)")
      }
    }
  }

  @Test func gradientsAgreeWithDifferences() {
    let (x, table, base) = Self.matrices()
    expectGradients(of: [base, x, table]) { $0[0].addingProducts(of: $0[1], with: $0[2], at: Self.choices) }
  }

  @Test func aFactorThatIsAlsoTheBaseGetsBothGradients() {
    var random = RandomSource(seed: 6)
    let x = normalMatrix(3, 4, using: &random), table = normalMatrix(2, 4, using: &random)
    let choices = RowChoices(ranges: [0..<2, 0..<0, 1..<2], columns: [3, 1])
    expectGradients(of: [x, table]) { $0[0].addingProducts(of: $0[0], with: $0[1], at: choices) }
  }

  @Test func withoutChoicesNothingIsAdded() {
    let (x, table, base) = Self.matrices(), tape = Tape()
    let none = RowChoices(ranges: Array(repeating: 0..<0, count: 5), columns: Self.choices.columns)
    let value = tape.constant(base).addingProducts(of: tape.constant(x), with: tape.constant(table), at: none)
    #expect(value.value == base)
  }

  @Test func aRowDoesNotDependOnTheOthers() {
    let (x, table, base) = Self.matrices(), tape = Tape()
    func value(_ rows: Range<Int>) -> Matrix {
      tape.constant(base.rows(rows)).addingProducts(
        of: tape.constant(x.rows(rows)), with: tape.constant(table),
        at: RowChoices(ranges: Array(Self.choices.ranges[rows]), columns: Self.choices.columns)
      ).value
    }
    #expect(value(2..<5) == value(0..<5).rows(2..<5))
  }

  @Test func itsProductsAreCounted() {
    let (x, table, base) = Self.matrices(), tape = Tape()
    let before = tape.productOperations
    _ = tape.constant(base).addingProducts(of: tape.parameter(x), with: tape.constant(table), at: Self.choices)
    // 3 + 0 + 2 + 3 + 6 products of 19, and the gradient of one factor.
    #expect(tape.productOperations - before == 2 * 14 * 19 * 2)
  }

  @Test func consecutiveRowsAddTheirProducts() {
    let (x, table, _) = Self.matrices()
    var sums: [Float] = [1, 2, 3]
    x.elements.withUnsafeBufferPointer { x in
      sums.withUnsafeMutableBufferPointer { sums in
        if let x = x.baseAddress, let sums = sums.baseAddress { table.addProducts(of: x, rows: 2..<5, to: sums) }
      }
    }
    for (place, row) in (2..<5).enumerated() {
      let product = (0..<19).reduce(Float(place + 1)) { $0 + x[0, $1] * table[row, $1] }
      #expect(abs(sums[place] - product) < 1e-4)
    }
  }
}
