internal import Foundation

/// Writes one night of a sample.
struct SampleWriter {
  let directory: String
  let parameters: SampleParameters
  /// The night whose pictures are in place, 0 for none.
  let previousNight: Int
  private(set) var summary = SampleCatalog.Summary()
  private let shop: SampleShop

  /// Items per piece of parallel work, and pieces per write.
  private static let chunk = 500
  private static let chunksPerWrite = 40

  init(directory: String, parameters: SampleParameters, previousNight: Int) {
    self.directory = directory
    self.parameters = parameters
    self.previousNight = previousNight
    shop = SampleShop(parameters: parameters)
  }

  mutating func writeItems() throws(CatalogError) {
    if parameters.images { try makeFolders() }
    let path = directory + "/items.jsonl"
    let output = try SampleOutput(path: path + ".partial")
    defer { output.close() }
    let count = shop.itemCount(night: parameters.night)
    let wave = Self.chunk * Self.chunksPerWrite
    let shuffles = shop.shuffles()
    for start in stride(from: 0, to: count, by: wave) {
      let end = min(count, start + wave)
      let pieces = sampleMap(count: end - start, size: Self.chunk) { [self] range in
        piece(start + range.lowerBound..<start + range.upperBound, shuffles: shuffles)
      }
      for piece in pieces {
        if let error = piece.error { throw error }
        try output.write(piece.lines)
        summary.items += piece.items
        summary.images += piece.images
        summary.drawnImages += piece.drawnImages
      }
    }
    try writeFaults(to: output)
    try renameSampleFile(path + ".partial", to: path)
  }

  /// The records of some items; their pictures are drawn on the way.
  private struct Piece: Sendable {
    var lines: [UInt8] = []
    var items = 0
    var images = 0
    var drawnImages = 0
    var error: CatalogError?
  }

  private func piece(_ range: Range<Int>, shuffles: [SampleShuffle]) -> Piece {
    var piece = Piece()
    var text = SampleText(shop: shop)
    do throws(CatalogError) {
      for index in range {
        let product = shop.product(at: index)
        let revision = shop.revision(of: product, shuffles: shuffles)
        let picture = SamplePicture(product: product, revision: revision.image)
        let path = imagePath(of: picture)
        if let night = revision.removalNight {
          if product.hasImage, night > previousNight {
            try? FileManager.default.removeItem(atPath: directory + "/" + path)
          }
          continue
        }
        piece.items += 1
        piece.images += product.hasImage ? 1 : 0
        text.append(product, revision: revision, image: product.hasImage ? path : nil)
        guard product.hasImage, revision.imageNight > previousNight else { continue }
        try writeSampleFile(picture.file(side: parameters.imageSide), to: directory + "/" + path)
        piece.drawnImages += 1
      }
    } catch { piece.error = error }
    piece.lines = text.bytes
    return piece
  }

  /// Small samples keep their pictures in one folder, large ones in 256.
  private var spreadsImages: Bool { parameters.items > 2_000 }

  private func imagePath(of picture: SamplePicture) -> String {
    let index = picture.product.index
    let folder = spreadsImages ? "images/" + hexadecimal(UInt8(truncatingIfNeeded: index)) + "/" : "images/"
    return folder + sampleID(index) + (picture.isPNG ? ".png" : ".jpg")
  }

  private func makeFolders() throws(CatalogError) {
    try makeSampleFolder(directory + "/images")
    guard spreadsImages else { return }
    for folder in 0...UInt8.max { try makeSampleFolder(directory + "/images/" + hexadecimal(folder)) }
  }

  private func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  private mutating func writeFaults(to output: SampleOutput) throws(CatalogError) {
    guard parameters.faults > 0 else { return }
    try makeSampleFolder(directory + "/images")
    let picture = SamplePicture(product: shop.product(at: 0), revision: 0).file(side: parameters.imageSide)
    for number in 0..<parameters.faults {
      let fault = SampleFault(number: number, picture: picture).make()
      try output.write(fault.line)
      if let image = fault.image { try writeSampleFile(image.bytes, to: directory + "/images/" + image.name) }
      summary.faults += 1
    }
  }

  /// Every later night's file starts with the bytes of the night before.
  mutating func writeInteractions() throws(CatalogError) {
    let path = directory + "/interactions.csv"
    let output = try SampleOutput(path: path + ".partial")
    defer { output.close() }
    try output.write(Array("user_id,item_id,rating,timestamp,event\n".utf8))
    summary.users = parameters.users
    for night in 1...parameters.night {
      let events = SampleBehavior(shop: shop, night: night, products: offers(night: night)).events()
      summary.interactions += events.count
      for start in stride(from: 0, to: events.count, by: 20_000) {
        try output.write(lines(of: events[start..<min(events.count, start + 20_000)]))
      }
    }
    try renameSampleFile(path + ".partial", to: path)
  }

  /// What people can come across on a night: everything that was in the shop the day before, except what stays cold.
  private func offers(night: Int) -> [SampleOffer] {
    let shuffles = Array(shop.shuffles().prefix(night - 1))
    let shop = shop
    return sampleMap(count: shop.itemCount(night: max(1, night - 1)), size: 4096) { range in
      range.compactMap { index -> SampleOffer? in
        let product = shop.product(at: index)
        guard !product.isCold, shop.revision(of: product, shuffles: shuffles).removalNight == nil else { return nil }
        return SampleOffer(
          index: UInt32(index), style: UInt8(product.style), popularity: Float(product.popularity))
      }
    }.flatMap(\.self)
  }

  private func lines(of events: ArraySlice<SampleEvent>) -> [UInt8] {
    var bytes: [UInt8] = []
    for event in events {
      bytes += "u\(event.user),".utf8
      bytes += sampleID(Int(event.item)).utf8
      bytes += ",\(event.rating),\(event.time),".utf8
      bytes += SampleEvent.kinds[Int(event.kind)].utf8
      bytes.append(0x0A)
    }
    return bytes
  }
}
