/// How much of the picture has which color, whatever its place: a soft histogram over lightness, a and b.
enum ColorHistogram {
  private static let lightnessBins = 4, chromaBins = 5
  static let dimensions = lightnessBins * chromaBins * chromaBins

  /// Square roots of the bins' shares, so that the block has unit length and its inner products are the Bhattacharyya
  /// coefficient.
  static func features(of image: LabImage) -> [Float] {
    var bins = [Float](repeating: 0, count: dimensions)
    for index in image.lightness.indices {
      let l = split(image.lightness[index] / 100, lightnessBins)
      let a = split(compressed(image.a[index]), chromaBins)
      let b = split(compressed(image.b[index]), chromaBins)
      let corner = (l.bin * chromaBins + a.bin) * chromaBins + b.bin
      for (step, share) in [(0, 1 - l.rest), (chromaBins * chromaBins, l.rest)] {
        bins[corner + step] += share * (1 - a.rest) * (1 - b.rest)
        bins[corner + step + 1] += share * (1 - a.rest) * b.rest
        bins[corner + step + chromaBins] += share * a.rest * (1 - b.rest)
        bins[corner + step + chromaBins + 1] += share * a.rest * b.rest
      }
    }
    let total = Float(image.lightness.count)
    return bins.map { ($0 / total).squareRoot() }
  }

  /// Maps an unbounded chroma coordinate to 0...1, finer around gray, where most colors lie.
  private static func compressed(_ chroma: Float) -> Float { 0.5 + 0.5 * chroma / (abs(chroma) + 30) }

  /// The lower of the two bins that share a value in 0...1, and the upper one's share.
  private static func split(_ value: Float, _ bins: Int) -> (bin: Int, rest: Float) {
    let position = min(max(value, 0), 1) * Float(bins - 1)
    let bin = min(Int(position), bins - 2)
    return (bin, position - Float(bin))
  }
}
