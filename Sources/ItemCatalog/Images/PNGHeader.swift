let pngMagic: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

/// Reads the IHDR chunk, which every PNG starts with (ISO/IEC 15948, 11.2.2). libpng checks the rest of it.
func readPNGHeader(_ bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  guard bytes.count >= 33 else {
    throw ImageError(.truncated, "The PNG ends within its header, after \(bytes.count) bytes. Fetch it again.")
  }
  func integer(at offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
  guard integer(at: 8) == 13, bytes[12..<16].elementsEqual("IHDR".utf8) else {
    throw ImageError(.damaged, "The PNG does not start with its header chunk.")
  }
  let (width, height) = (integer(at: 16), integer(at: 20))
  guard width > 0, height > 0, width < 1 << 31, height < 1 << 31 else {
    throw ImageError(.damaged, "The PNG gives its size as \(width) × \(height).")
  }
  let components: Int
  switch bytes[25] {
  case 0, 3: components = 1
  case 2: components = 3
  case 4: components = 2
  case 6: components = 4
  default: throw ImageError(.damaged, "The PNG names color type \(bytes[25]); 0, 2, 3, 4 and 6 exist.")
  }
  return ImageHeader(
    format: .png, storedWidth: width, storedHeight: height, components: components, bitDepth: Int(bytes[24]),
    isProgressive: bytes[28] != 0)
}
