internal import CImageCodecs

/// Writes images as files.
public enum ImageEncoder {
  /// A sequential JPEG with 4:2:0 chroma. `quality` is libjpeg's, 1 to 100; each side is at most 65,500 pixels.
  public static func jpeg(_ image: RGBImage, quality: Int = 85) -> [UInt8] {
    precondition(image.width <= 65_500 && image.height <= 65_500, "a JPEG side holds at most 65,500 pixels")
    return unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe encodeImage { bytes, count, message in
        unsafe tessera_jpeg_encode(
          pixels.baseAddress, UInt32(image.width), UInt32(image.height), Int32(clamping: quality), bytes, count,
          message)
      }
    }
  }

  /// An 8-bit RGB PNG. `compressionLevel` is zlib's, 1 (fast) to 9 (small); each side is at most 1,000,000 pixels.
  public static func png(_ image: RGBImage, compressionLevel: Int = 6) -> [UInt8] {
    precondition(image.width <= 1_000_000 && image.height <= 1_000_000, "a PNG side holds at most 1,000,000 pixels")
    return unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe encodeImage { bytes, count, message in
        unsafe tessera_png_encode(
          pixels.baseAddress, UInt32(image.width), UInt32(image.height), Int32(min(9, max(1, compressionLevel))),
          bytes, count, message)
      }
    }
  }
}
