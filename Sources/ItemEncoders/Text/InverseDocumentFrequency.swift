internal import Foundation

/// How telling a feature is, from the number of items that have it.
///
/// Features share hashed buckets, so that the table's size does not depend on the catalogue's vocabulary; a bucket
/// that no item of the fitted catalogue touched has the highest weight.
package struct InverseDocumentFrequency: Sendable, Equatable {
  /// Buckets; a power of two.
  package static let bucketCount = 1 << 18

  /// By bucket.
  package let weights: ContiguousArray<Float>

  /// `√ln(1 + (n − f + ½) / (f + ½))` for n items of which f have the feature: the weight of Robertson and Spärck
  /// Jones (1976), kept positive as Lucene does. Under the root, because both items of an inner product bring the
  /// factor; without it rare names, which say little of a topic, decide who is near whom.
  package init(frequencies: ContiguousArray<UInt32>, items: Int) {
    weights = ContiguousArray(
      frequencies.lazy.map { frequency in
        let f = min(Double(frequency), Double(items))
        let base = log(1 + (Double(items) - f + 0.5) / (f + 0.5))
        return Float(base.squareRoot())
      })
  }

  init(weights: ContiguousArray<Float>) { self.weights = weights }

  static func bucket(of feature: UInt64) -> Int { Int(truncatingIfNeeded: feature >> 46) }
}
