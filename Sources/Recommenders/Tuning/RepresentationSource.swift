public import NeuralNetworks
public import TensorMath

/// Where the vectors that codes are made of come from while codes are tuned: fixed ones, or a model that is trained along.
public protocol RepresentationSource: Sendable {
  /// Rows of the item table.
  var itemCount: Int { get }
  /// Floats per vector.
  var dimensions: Int { get }
  /// What training may change; nil where vectors are fixed. Entries that are not trainable stay.
  var parameters: ParameterSet? { get }

  /// The vectors of some items, differentiable with respect to the parameters of the pass. A row must not depend on the
  /// others, nor on chance: codes of training are to be those of serving.
  /// - Parameters:
  ///   - items: rows of the item table.
  ///   - pass: of ``parameters``, or of those that training made of them; empty where there are none.
  /// - Returns: `items × dimensions`.
  func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable

  /// The vectors of all items as whoever serves computes them, which may differ in rounding from those of training; by
  /// default it does not.
  /// - Parameter parameters: what training made of those of the source; nil for its own.
  /// - Returns: `itemCount × dimensions`.
  func servedVectors(_ parameters: ParameterSet?) -> Matrix
}

extension RepresentationSource {
  public func servedVectors(_ parameters: ParameterSet?) -> Matrix { allVectors(parameters) }

  /// The vectors of all items as training computes them.
  /// - Parameter parameters: what training made of those of the source; nil for its own.
  /// - Returns: `itemCount × dimensions`.
  public func allVectors(_ parameters: ParameterSet? = nil) -> Matrix {
    let own = parameters ?? self.parameters ?? ParameterSet()
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(itemCount * dimensions)
    for start in stride(from: 0, to: itemCount, by: 1024) {
      let items = ContiguousArray(Int32(start)..<Int32(min(start + 1024, itemCount)))
      elements += vectors(items, in: ModelPass(inferring: own)).value.elements
    }
    return Matrix(rows: itemCount, columns: dimensions, elements: elements)
  }
}

/// Vectors that stay as they are: only codebooks are tuned.
public struct FixedRepresentations: RepresentationSource {
  /// A row per item.
  public let matrix: Matrix

  /// - Parameter matrix: `items × dimensions`, in the order of the item table; rows of items without codes do not matter.
  public init(_ matrix: Matrix) { self.matrix = matrix }

  public var itemCount: Int { matrix.rows }
  public var dimensions: Int { matrix.columns }
  public var parameters: ParameterSet? { nil }

  public func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    pass.tape.constant(matrix.selecting(items))
  }
}
