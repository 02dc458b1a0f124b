extension RGBImage {
  /// The upright picture of one stored with an EXIF orientation (Exif 2.32, table "Orientation"), 1 to 8.
  func upright(from orientation: Int) -> RGBImage {
    guard orientation != 1 else { return self }
    let isTransposed = orientation >= 5
    let (newWidth, newHeight) = isTransposed ? (height, width) : (width, height)
    // Where the result's top left pixel lies in the source, and the steps to its right and lower neighbors.
    let (right, down) = (3, 3 * width)
    let (lastColumn, lastRow) = ((width - 1) * right, (height - 1) * down)
    let start: Int
    let columnStep: Int
    let rowStep: Int
    switch orientation {
    case 2: (start, columnStep, rowStep) = (lastColumn, -right, down)
    case 3: (start, columnStep, rowStep) = (lastColumn + lastRow, -right, -down)
    case 4: (start, columnStep, rowStep) = (lastRow, right, -down)
    case 5: (start, columnStep, rowStep) = (0, down, right)
    case 6: (start, columnStep, rowStep) = (lastRow, -down, right)
    case 7: (start, columnStep, rowStep) = (lastColumn + lastRow, -down, -right)
    default: (start, columnStep, rowStep) = (lastColumn, down, -right)
    }
    var result = [UInt8](repeating: 0, count: pixels.count)
    var target = 0
    for row in 0..<newHeight {
      var source = start + row * rowStep
      for _ in 0..<newWidth {
        result[target] = pixels[source]
        result[target + 1] = pixels[source + 1]
        result[target + 2] = pixels[source + 2]
        target += 3
        source += columnStep
      }
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: result)
  }
}
