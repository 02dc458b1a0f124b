internal import Foundation
package import ItemCatalog
package import TensorMath

/// Projects an item's weighted features onto a fixed number of dimensions, with nothing stored per feature.
///
/// Each feature has `nonzeros` signed entries at places given by its hash, one in each of as many equal blocks of the
/// row: a sparse Johnson–Lindenstrauss transform (Kane and Nelson, "Sparser Johnson-Lindenstrauss Transforms", 2014),
/// which keeps inner products to within about 1/√dimensions.
package struct TextSketcher {
  private static let nonzeros = 4
  /// `1 + ln(count)`, the sub-linear term frequency.
  private static let termWeights: [Float] = (0..<256).map { $0 == 0 ? 0 : 1 + Float(log(Double($0))) }

  private let parameters: BuiltinTextEncoder.Parameters
  private let frequencies: InverseDocumentFrequency
  private let familyWeights: [Float]
  private var extractor: TextFeatureExtractor
  private var weights: ContiguousArray<Float> = []

  package init(parameters: BuiltinTextEncoder.Parameters, frequencies: InverseDocumentFrequency) {
    self.parameters = parameters
    self.frequencies = frequencies
    familyWeights = [parameters.wordWeight, parameters.wordPairWeight, parameters.characterWeight]
    extractor = TextFeatureExtractor(parameters: parameters)
  }

  /// Adds the sketch of an item to row `row` of `sketches`; returns false where its text has no word.
  package mutating func sketch(_ item: Item, into sketches: inout Matrix, row: Int) -> Bool {
    guard extractor.extract(item) else { return false }
    let scales = weighFeatures()
    let blockSize = UInt64(sketches.columns / Self.nonzeros)
    let base = row * sketches.columns
    for (feature, weight) in zip(extractor.counter.features, weights) {
      let value = weight * scales[Int(feature & 3)]
      var places = FeatureHash.mixed(feature &+ parameters.seed)
      let signs = feature >> 2
      for nonzero in 0..<Self.nonzeros {
        let place = UInt64(nonzero) * blockSize + (((places & 0xFFFF) * blockSize) >> 16)
        places >>= 16
        sketches.elements[base + Int(place)] += (signs >> UInt64(nonzero)) & 1 == 0 ? value : -value
      }
    }
    return true
  }

  /// Fills `weights` and returns each family's factor: its weight over its features' norm.
  private mutating func weighFeatures() -> [Float] {
    var squares: [Float] = [0, 0, 0, 0]
    weights.removeAll(keepingCapacity: true)
    let counter = extractor.counter
    for (feature, count) in zip(counter.features, counter.counts) {
      let weight =
        Self.termWeights[Int(min(count, 255))] * frequencies.weights[InverseDocumentFrequency.bucket(of: feature)]
      weights.append(weight)
      squares[Int(feature & 3)] += weight * weight
    }
    let perNonzero = 1 / Float(Self.nonzeros).squareRoot()
    return squares.enumerated().map { family, square in
      square > 0 && family < familyWeights.count ? perNonzero * familyWeights[family] / square.squareRoot() : 0
    }
  }
}
