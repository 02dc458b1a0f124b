/// Walks a JPEG's segments up to the first scan: frame size, components and the EXIF orientation.
struct JPEGHeaderReader {
  static let magic: [UInt8] = [0xFF, 0xD8, 0xFF]

  let bytes: [UInt8]
  private var position = 2
  private var orientation = 1
  private var frame: (width: Int, height: Int, components: Int, bitDepth: Int, isProgressive: Bool)?

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func read() throws(ImageError) -> ImageHeader {
    while true {
      let marker = try nextMarker()
      switch marker {
      case 0x01, 0xD0...0xD7: continue
      case 0xD8, 0xD9: throw ImageError(.damaged, "The JPEG has no picture between its start and end markers.")
      default: break
      }
      let segment = try nextSegment()
      switch marker {
      case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: try readFrame(segment, marker: marker)
      case 0xDA: return try header()
      case 0xE1: if let found = exifOrientation(bytes[segment]) { orientation = found }
      default: break
      }
    }
  }

  /// The next marker's second byte. Stray bytes before a marker are passed over, as libjpeg does.
  private mutating func nextMarker() throws(ImageError) -> UInt8 {
    while position < bytes.count, bytes[position] != 0xFF { position += 1 }
    while position < bytes.count, bytes[position] == 0xFF { position += 1 }
    guard position < bytes.count else { throw jpegEnds() }
    let marker = bytes[position]
    position += 1
    return marker == 0 ? try nextMarkerAfterStuffing() : marker
  }

  /// `FF 00` is data, not a marker; a loop, because an attacker may repeat it a million times.
  private mutating func nextMarkerAfterStuffing() throws(ImageError) -> UInt8 {
    while position + 1 < bytes.count {
      if bytes[position] == 0xFF, bytes[position + 1] != 0, bytes[position + 1] != 0xFF {
        position += 2
        return bytes[position - 1]
      }
      position += 1
    }
    throw jpegEnds()
  }

  private mutating func nextSegment() throws(ImageError) -> Range<Int> {
    guard position + 2 <= bytes.count else { throw jpegEnds() }
    let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
    guard length >= 2 else { throw ImageError(.damaged, "A JPEG segment gives its own length as \(length).") }
    guard position + length <= bytes.count else { throw jpegEnds() }
    defer { position += length }
    return position + 2..<position + length
  }

  private mutating func readFrame(_ segment: Range<Int>, marker: UInt8) throws(ImageError) {
    guard segment.count >= 6 else { throw ImageError(.damaged, "The JPEG's frame header is too short.") }
    guard frame == nil else { throw ImageError(.damaged, "The JPEG has two frame headers.") }
    let start = segment.lowerBound
    let height = Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
    let width = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
    guard width > 0, height > 0 else {
      throw ImageError(.unsupported, "The JPEG gives its size as \(width) × \(height). Save it with its real size.")
    }
    let isProgressive = marker == 0xC2 || marker == 0xC6 || marker == 0xCA || marker == 0xCE
    frame = (width, height, Int(bytes[start + 5]), Int(bytes[start]), isProgressive)
  }

  private func header() throws(ImageError) -> ImageHeader {
    guard let frame else { throw ImageError(.damaged, "The JPEG starts a scan before its frame header.") }
    return ImageHeader(
      format: .jpeg, storedWidth: frame.width, storedHeight: frame.height, components: frame.components,
      bitDepth: frame.bitDepth, orientation: orientation, isProgressive: frame.isProgressive)
  }

  private func jpegEnds() -> ImageError {
    ImageError(.truncated, "The JPEG ends within its header, after \(bytes.count) bytes. Fetch it again.")
  }
}

/// Tag 0x0112 of the first directory of an `Exif` segment (TIFF 6.0, section 2); nil where it is absent or no
/// orientation.
private func exifOrientation(_ segment: ArraySlice<UInt8>) -> Int? {
  guard segment.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) else { return nil }
  let tiff = Array(segment.dropFirst(6))
  guard tiff.count >= 8 else { return nil }
  let isLittleEndian: Bool
  switch (tiff[0], tiff[1]) {
  case (0x49, 0x49): isLittleEndian = true
  case (0x4D, 0x4D): isLittleEndian = false
  default: return nil
  }
  func integer(at offset: Int, count: Int) -> Int? {
    guard offset >= 0, offset + count <= tiff.count else { return nil }
    let digits = tiff[offset..<offset + count]
    return (isLittleEndian ? Array(digits.reversed()) : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
  }
  guard let directory = integer(at: 4, count: 4), let entries = integer(at: directory, count: 2) else { return nil }
  for entry in 0..<entries {
    let offset = directory + 2 + entry * 12
    guard let tag = integer(at: offset, count: 2) else { return nil }
    guard tag == 0x0112 else { continue }
    guard integer(at: offset + 2, count: 2) == 3, let value = integer(at: offset + 8, count: 2) else { return nil }
    return (1...8).contains(value) ? value : nil
  }
  return nil
}
