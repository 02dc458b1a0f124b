public import TensorMath

/// The centroids of one level, and the price of each where the codebook was balanced.
///
/// A residual `r` gets the code `argmin_k ‖r − c_k‖² + p_k`, in f32 summed in a fixed order, ties to the lowest index;
/// without prices every `p_k` is zero.
public struct Codebook: Sendable, Equatable {
  /// A code is a `UInt16`.
  public static let maximumSize = 65_536

  /// `size × dimensions`.
  public let centroids: Matrix

  /// One price per centroid, in units of squared distance; nil for a codebook without prices.
  public let prices: [Float]?

  public init(centroids: Matrix, prices: [Float]? = nil) {
    self.centroids = centroids
    self.prices = prices
  }

  /// Centroids.
  public var size: Int { centroids.rows }

  /// Elements per centroid.
  public var dimensions: Int { centroids.columns }
}
