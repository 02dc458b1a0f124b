/// Decodes JPEG (gray, RGB, YCbCr, CMYK, YCCK; sequential and progressive; EXIF orientation) and PNG (all color types
/// and bit depths, interlaced; alpha over white, gamma ignored). The format is told by the bytes, never by the name.
///
/// A truncated image is an error, as is entropy-coded data that cannot be read: what a viewer would show for it is
/// not the picture. Only a missing end marker of an otherwise complete sequential JPEG is forgiven.
public enum ImageDecoder {
  /// Decodes a file of at most `limits.fileBytes`.
  ///
  /// - Parameter targetSide: The shorter side that the caller needs. A JPEG may then be decoded at 1/8, 1/4 or 1/2 of
  ///   its size, at a fraction of the cost, as long as its shorter side keeps at least `targetSide` pixels.
  public static func decode(
    path: String, limits: ImageLimits = ImageLimits(), targetSide: Int? = nil
  ) throws(ImageError) -> RGBImage {
    try decode(bytes: readImageFile(path, limits: limits), limits: limits, targetSide: targetSide)
  }

  /// Decodes the bytes of a file.
  ///
  /// - Parameter targetSide: As in `decode(path:limits:targetSide:)`.
  public static func decode(
    bytes: [UInt8], limits: ImageLimits = ImageLimits(), targetSide: Int? = nil
  ) throws(ImageError) -> RGBImage {
    try limits.check(fileBytes: bytes.count)
    let header = try header(bytes: bytes)
    switch header.format {
    case .png:
      try limits.check(header, scale: 8)
      return try decodePNG(bytes, header: header, limits: limits)
    case .jpeg:
      let scale = jpegScale(header, targetSide: targetSide)
      try limits.check(header, scale: scale)
      return try decodeJPEG(bytes, header: header, scale: scale, limits: limits).upright(from: header.orientation)
    }
  }

  /// Reads an image file's header; no pixel is decoded.
  public static func header(path: String, limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageHeader {
    try header(bytes: readImageFile(path, limits: limits))
  }

  /// Reads the header from a file's bytes; no pixel is decoded.
  public static func header(bytes: [UInt8]) throws(ImageError) -> ImageHeader {
    if bytes.starts(with: JPEGHeaderReader.magic) {
      var reader = JPEGHeaderReader(bytes: bytes)
      return try reader.read()
    }
    if bytes.starts(with: pngMagic) { return try readPNGHeader(bytes) }
    throw ImageError(.unknownFormat, "\(describeFormat(bytes)) Convert it to JPEG or PNG.")
  }

  /// The smallest fast scale (eighths) that leaves the shorter side `targetSide` pixels.
  private static func jpegScale(_ header: ImageHeader, targetSide: Int?) -> Int {
    guard let targetSide else { return 8 }
    let side = min(header.width, header.height)
    return [1, 2, 4].first { scaledSide(side, $0) >= targetSide } ?? 8
  }
}

private func describeFormat(_ bytes: [UInt8]) -> String {
  guard !bytes.isEmpty else { return "The image file is empty." }
  let known: [(name: String, offset: Int, magic: String)] = [
    ("GIF", 0, "GIF8"), ("WebP", 8, "WEBP"), ("BMP", 0, "BM"), ("TIFF", 0, "II*"), ("TIFF", 0, "MM\u{0}*"),
    ("AVIF", 4, "ftypavif"), ("HEIC", 4, "ftyphei"), ("SVG", 0, "<svg"), ("HTML", 0, "<!DOCTYPE"),
  ]
  for (name, offset, magic) in known where bytes.dropFirst(offset).starts(with: magic.utf8) {
    return "The file is \(name), not JPEG or PNG."
  }
  return "The file starts like neither JPEG nor PNG."
}
