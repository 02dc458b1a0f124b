internal import RealModule
internal import TensorMath

/// Draws a product's picture and writes it as a file's bytes.
package struct SamplePicture {
  let product: SampleProduct
  let revision: Int

  /// - Parameter revision: how often the picture has changed.
  package init(product: SampleProduct, revision: Int) {
    self.product = product
    self.revision = revision
  }

  /// Every fifth picture is a PNG.
  package var isPNG: Bool { product.drawing % 5 == 0 }

  package func image(side: Int) -> RGBImage {
    var sketch = SampleSketch(look: look(), side: side)
    SampleCategory.all[product.category].draw(&sketch)
    return sketch.canvas.image()
  }

  package func file(side: Int) -> [UInt8] {
    let image = image(side: side)
    if isPNG { return ImageEncoder.png(image, compressionLevel: 2) }
    // A near-duplicate is the same drawing, recompressed.
    let quality = product.original == nil ? 84 + Int(product.drawing >> 8 % 9) : 62
    return ImageEncoder.jpeg(image, quality: quality)
  }

  /// Proportions belong to the product; backdrop, size and placement to the photograph, which a revision takes anew.
  private func look() -> SampleLook {
    var shape = RandomSource(seed: product.drawing)
    var photo = RandomSource(seed: product.drawing, stream: UInt64(revision) + 1)
    let style = SampleStyle.all[product.style]
    let main = jittered(SampleColor.all[product.color].color, &shape)
    let angle = [0, 0, 0.785, 1.571, -0.785][Int.random(in: 0..<5, using: &shape)] as Float
    let variants = SIMD4(shape.nextUniform(), shape.nextUniform(), shape.nextUniform(), shape.nextUniform())
    let second = secondColor(beside: main, &shape)
    let accent = [SampleSketch.wood, SampleSketch.steel, SampleSketch.dark][Int.random(in: 0..<3, using: &shape)]
    let frequency = 7 + 7 * shape.nextUniform()
    // The tint hints at the style; half of the photographs have a neutral backdrop.
    let gray = Color(0.92, 0.92, 0.91, 1)
    let tint = photo.nextUniform() < 0.5 ? 1.0 : 0.15 as Float
    let turn = 0.06 * (photo.nextUniform() - 0.5)
    let backdrop = gray + (style.backdrop - gray) * tint
    return SampleLook(
      main: main, second: second, pattern: product.pattern, frequency: frequency,
      direction: Point(Float.cos(angle), Float.sin(angle)), accent: accent, variants: variants,
      tone: photo.nextUniform(), backdrop: backdrop * (0.95 + 0.07 * photo.nextUniform()),
      zoom: 0.8 + 0.14 * photo.nextUniform(), turn: Point(Float.cos(turn), Float.sin(turn)),
      shift: Point(photo.nextUniform() - 0.5, photo.nextUniform() - 0.5) * 0.06)
  }

  private func jittered(_ color: Color, _ random: inout RandomSource) -> Color {
    let change = Color(random.nextUniform(), random.nextUniform(), random.nextUniform(), 0.5) - 0.5
    return color * (0.94 + 0.12 * random.nextUniform()) + change * 0.05
  }

  /// White, or a darker or another color: whatever stands out.
  private func secondColor(beside main: Color, _ random: inout RandomSource) -> Color {
    let brightness = (main.x + main.y + main.z) / 3
    let choice = random.nextUniform()
    if choice < 0.6 { return brightness > 0.62 ? main * 0.62 : SampleSketch.white }
    if choice < 0.8 { return brightness > 0.35 ? main * 0.55 : main + 0.35 }
    let other = SampleColor.all[Int.random(in: 0..<SampleColor.all.count, using: &random)].color
    let difference = other - main
    return (difference * difference).sum() > 0.15 ? other : SampleSketch.white
  }
}
