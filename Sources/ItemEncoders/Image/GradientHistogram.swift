internal import Foundation

/// Which way edges run in which part of the picture, and how dense they are.
///
/// Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (2005), over a coarse grid and
/// with one normalization.
struct GradientHistogram {
  private static let cells = 4, orientations = 6, densityCells = 3
  static let dimensions = cells * cells * orientations
  static let densityDimensions = densityCells * densityCells

  /// `cells × cells × orientations` square roots of gradient magnitude sums.
  private(set) var orientationFeatures = [Float](repeating: 0, count: dimensions)

  /// The mean gradient magnitude, in lightness per pixel over 10, in each of `densityCells × densityCells` parts.
  private(set) var densityFeatures = [Float](repeating: 0, count: densityDimensions)

  init(of image: LabImage) {
    let side = LabImage.side
    let lightness = image.lightness
    for row in 1..<side - 1 {
      let cellRow = row * Self.cells / side * Self.cells
      let densityRow = row * Self.densityCells / side * Self.densityCells
      for column in 1..<side - 1 {
        let position = row * side + column
        let dx = lightness[position + 1] - lightness[position - 1]
        let dy = lightness[position + side] - lightness[position - side]
        let magnitude = (dx * dx + dy * dy).squareRoot()
        densityFeatures[densityRow + column * Self.densityCells / side] += magnitude
        guard magnitude > 0.5 else { continue }
        add(magnitude, dx, dy, cell: cellRow + column * Self.cells / side)
      }
    }
    let pixelsPerPart = Float(side * side) / Float(Self.densityDimensions)
    densityFeatures = densityFeatures.map { ($0 / pixelsPerPart / 10).squareRoot() }
    orientationFeatures = orientationFeatures.map { $0.squareRoot() }
  }

  /// Shares a gradient between the two nearest of the unsigned orientations.
  private mutating func add(_ magnitude: Float, _ dx: Float, _ dy: Float, cell: Int) {
    var position = atan2(dy, dx) / .pi * Float(Self.orientations)
    if position < 0 { position += Float(Self.orientations) }
    let lower = Int(position)
    let rest = position - Float(lower)
    let base = cell * Self.orientations
    orientationFeatures[base + lower % Self.orientations] += magnitude * (1 - rest)
    orientationFeatures[base + (lower + 1) % Self.orientations] += magnitude * rest
  }
}
