internal import CImageCodecs

/// Decodes into packed RGB; the header has been checked against `limits`.
func decodeJPEG(
  _ bytes: [UInt8], header: ImageHeader, scale: Int, limits: ImageLimits
) throws(ImageError) -> RGBImage {
  let (width, height) = (scaledSide(header.storedWidth, scale), scaledSide(header.storedHeight, scale))
  let capacity = width * height * 3
  var message = CodecMessage()
  var status: Int32 = 0
  let pixels = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
    unsafe bytes.withUnsafeBufferPointer { source in
      status = unsafe message.receive { text in
        unsafe tessera_jpeg_decode(
          source.baseAddress, source.count, UInt32(header.storedWidth), UInt32(header.storedHeight), Int32(scale),
          Int32(clamping: limits.scans), max(1, limits.decodedBytes), target.baseAddress, capacity, text)
      }
    }
    count = status == 0 ? capacity : 0
  }
  try message.check(status, format: "JPEG", limits: limits)
  return RGBImage(width: width, height: height, pixels: pixels)
}

/// Decodes into packed RGB, alpha over white; the header has been checked against `limits`.
func decodePNG(_ bytes: [UInt8], header: ImageHeader, limits: ImageLimits) throws(ImageError) -> RGBImage {
  let (width, height) = (header.storedWidth, header.storedHeight)
  let capacity = width * height * 4
  var message = CodecMessage()
  var status: Int32 = 0
  let pixels = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
    unsafe bytes.withUnsafeBufferPointer { source in
      status = unsafe message.receive { text in
        unsafe tessera_png_decode(
          source.baseAddress, source.count, UInt32(width), UInt32(height), max(1, limits.decodedBytes),
          target.baseAddress, capacity, text)
      }
    }
    count = status == 0 ? width * height * 3 : 0
  }
  try message.check(status, format: "PNG", limits: limits)
  return RGBImage(width: width, height: height, pixels: pixels)
}

/// Calls an encoder that leaves its output in C memory, and moves that into an array.
func encodeImage(
  _ encode: (
    _ bytes: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, _ count: UnsafeMutablePointer<Int>,
    _ message: UnsafeMutablePointer<CChar>
  ) -> Int32
) -> [UInt8] {
  var output: UnsafeMutablePointer<UInt8>?
  var count = 0
  var message = CodecMessage()
  let status = unsafe message.receive { unsafe encode(&output, &count, $0) }
  precondition(status == 0, "encoding a valid image fails only when memory runs out: \(message.text)")
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: output, count: count))
  unsafe tessera_image_free(output)
  return bytes
}

/// The text that a codec leaves with a status other than 0.
private struct CodecMessage {
  var text = ""

  mutating func receive(_ call: (UnsafeMutablePointer<CChar>) -> Int32) -> Int32 {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(TESSERA_IMAGE_MESSAGE_SIZE)) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress else { return Int32(TESSERA_IMAGE_TOO_LARGE) }
      let status = unsafe call(start)
      if status != 0 { text = unsafe String(cString: start) }
      return status
    }
  }

  func check(_ status: Int32, format: String, limits: ImageLimits) throws(ImageError) {
    switch Int(status) {
    case Int(TESSERA_IMAGE_OK): return
    case Int(TESSERA_IMAGE_TRUNCATED):
      throw ImageError(.truncated, "The \(format) is cut off (\(text)). Fetch it again.")
    case Int(TESSERA_IMAGE_UNSUPPORTED):
      throw ImageError(.unsupported, "This kind of \(format) is not decoded (\(text)). Save it as 8-bit RGB.")
    case Int(TESSERA_IMAGE_TOO_LARGE):
      throw ImageError(
        .tooLarge,
        "The \(format) needs more than the limits give (\(text)): \(limits.decodedBytes) bytes and "
          + "\(limits.scans) scans. Save it smaller.")
    default: throw ImageError(.damaged, "The \(format) is damaged (\(text)). Fetch it again.")
    }
  }
}
