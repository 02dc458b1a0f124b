/// The file formats that can be decoded.
public enum ImageFormat: String, Sendable, CaseIterable {
  case jpeg, png
}

/// What an image file says about itself before any pixel is decoded.
public struct ImageHeader: Sendable, Equatable {
  public let format: ImageFormat
  /// Columns of the upright picture, after `orientation` is applied.
  public let width: Int
  /// Rows of the upright picture, after `orientation` is applied.
  public let height: Int
  /// Samples per stored pixel: JPEG 1, 3 or 4; PNG 1 to 4 (a palette counts as 1).
  public let components: Int
  /// Bits per stored sample.
  public let bitDepth: Int
  /// EXIF orientation, 1 (upright) to 8; 1 where the file gives none.
  public let orientation: Int
  /// A progressive JPEG or an interlaced PNG.
  public let isProgressive: Bool

  /// Columns as stored, before `orientation` is applied.
  public var storedWidth: Int { orientation >= 5 ? height : width }
  /// Rows as stored, before `orientation` is applied.
  public var storedHeight: Int { orientation >= 5 ? width : height }

  init(
    format: ImageFormat, storedWidth: Int, storedHeight: Int, components: Int, bitDepth: Int, orientation: Int = 1,
    isProgressive: Bool
  ) {
    self.format = format
    self.width = orientation >= 5 ? storedHeight : storedWidth
    self.height = orientation >= 5 ? storedWidth : storedHeight
    self.components = components
    self.bitDepth = bitDepth
    self.orientation = orientation
    self.isProgressive = isProgressive
  }
}
