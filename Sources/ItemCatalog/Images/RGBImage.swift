/// A picture of 8-bit red, green and blue samples, upright, without transparency.
public struct RGBImage: Sendable, Equatable {
  /// Columns; at least 1.
  public let width: Int
  /// Rows; at least 1.
  public let height: Int
  /// 3 × width × height samples, row by row from the top, red first.
  public let pixels: [UInt8]

  /// Wraps samples; `pixels` holds exactly 3 × width × height of them.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image has at least one pixel")
    precondition(pixels.count == width * height * 3, "an RGB image holds three samples for every pixel")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
