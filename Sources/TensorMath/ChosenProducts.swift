internal import CVectorKernels

/// A table of vectors of which a few at a time are compared with a vector: where most of a product with the whole table
/// would be thrown away.
package struct ChosenProducts: Sendable {
  /// `choices × width`.
  private let table: Matrix
  /// What is added to each choice's product.
  private let offsets: ContiguousArray<Float>

  package init(_ table: Matrix, offsets: ContiguousArray<Float>) {
    precondition(offsets.count == table.rows, "\(offsets.count) offsets for \(table.rows) choices")
    self.table = table
    self.offsets = offsets
  }

  /// The inner product of `x` with each chosen row, plus its offset. A result does not depend on the other choices.
  /// - Parameters:
  ///   - x: as many numbers as the table has columns.
  ///   - choices: below the table's rows.
  ///   - target: one number a choice.
  package func apply(
    _ x: UnsafePointer<Float>, choices: ArraySlice<UInt16>, into target: UnsafeMutablePointer<Float>
  ) {
    precondition(choices.allSatisfy { Int($0) < table.rows }, "a choice beyond the \(table.rows) there are")
    unsafe table.elements.withUnsafeBufferPointer { rows in
      unsafe offsets.withUnsafeBufferPointer { offsets in
        unsafe choices.withUnsafeBufferPointer { choices in
          unsafe tessera_chosen_products(
            x, table.columns, rows.baseAddress, offsets.baseAddress, choices.baseAddress, choices.count, target)
        }
      }
    }
  }
}

extension Matrix {
  /// Adds the inner products of `x` with consecutive rows.
  /// - Parameters:
  ///   - x: as many numbers as there are columns.
  ///   - target: one number a row.
  package func addProducts(
    of x: UnsafePointer<Float>, rows range: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows beyond the \(rows) there are")
    unsafe elements.withUnsafeBufferPointer { elements in
      guard let first = elements.baseAddress else { return }
      for (place, row) in range.enumerated() {
        unsafe target[place] += tessera_dot(x, first + row * columns, columns)
      }
    }
  }
}

extension ContiguousArray<Float> {
  /// log Σ exp over some of the numbers: what log-probabilities are less than logits by.
  package func logSumExp(_ range: Range<Int>) -> Float {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "numbers beyond the \(count) there are")
    return unsafe withUnsafeBufferPointer { numbers in
      guard let first = numbers.baseAddress else { return -.infinity }
      return unsafe tessera_log_sum_exp(first + range.lowerBound, range.count)
    }
  }
}

/// Memory that loops use again and again: larger where more is asked for, never smaller. One thread's.
@safe package final class ScratchBuffer {
  private var start: UnsafeMutablePointer<Float>
  private var capacity = 0

  package init() { unsafe start = .allocate(capacity: 0) }

  deinit { unsafe start.deallocate() }

  /// Room for `count` numbers, which hold anything, until room for more is asked for.
  package func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
    if count > capacity {
      unsafe start.deallocate()
      unsafe start = .allocate(capacity: count)
      capacity = count
    }
    return unsafe start
  }
}
