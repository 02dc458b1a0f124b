/// Bounds that an image must keep, checked against its header before memory is taken for its pixels.
public struct ImageLimits: Sendable, Hashable {
  /// Bytes of the file.
  public var fileBytes = 64 << 20
  /// Columns, and rows, as stored.
  public var side = 16_384
  /// Columns × rows as stored: bounds the time that decoding may take.
  public var pixels = 100_000_000
  /// Bytes that decoding may hold at once: the result, and a progressive JPEG's coefficients.
  public var decodedBytes = 256 << 20
  /// Scans of a progressive JPEG, each a pass over the whole picture; cameras and encoders write about ten.
  public var scans = 100

  public init() {}

  func check(fileBytes count: Int) throws(ImageError) {
    guard count <= fileBytes else {
      throw ImageError(.tooLarge, "The file has \(count) bytes; the limit is \(fileBytes). Save the image smaller.")
    }
  }

  /// Checks the stored size, and the memory that decoding at `scale`/8 takes.
  func check(_ header: ImageHeader, scale: Int) throws(ImageError) {
    let (width, height) = (header.storedWidth, header.storedHeight)
    guard width <= side, height <= side, width * height <= pixels else {
      throw ImageError(
        .tooLarge,
        "The image has \(width) × \(height) pixels; the limits are \(side) a side and \(pixels) in all. "
          + "Save it smaller.")
    }
    let bytes = header.decodingBytes(scale: scale)
    guard bytes <= decodedBytes else {
      throw ImageError(
        .tooLarge,
        "Decoding \(width) × \(height) pixels takes \(bytes) bytes; the limit is \(decodedBytes). Save it smaller.")
    }
  }
}

extension ImageHeader {
  /// An upper bound for the pixels' and coefficients' bytes. Sides are at most 2³¹, so nothing here overflows once
  /// `ImageLimits.side` is kept.
  fileprivate func decodingBytes(scale: Int) -> Int {
    switch format {
    case .png: return storedWidth * storedHeight * 4
    case .jpeg:
      let coefficients = isProgressive ? storedWidth * storedHeight * components * 2 : 0
      let pixels = scaledSide(storedWidth, scale) * scaledSide(storedHeight, scale) * 3
      // A rotated picture exists twice while it is turned.
      return coefficients + pixels * (orientation == 1 ? 1 : 2)
    }
  }
}

/// libjpeg's size of a side decoded at `scale`/8.
func scaledSide(_ side: Int, _ scale: Int) -> Int { (side * scale + 7) / 8 }
