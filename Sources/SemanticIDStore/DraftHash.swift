/// The sums that a draft's two directions must read back as, taken from the draft itself and not from what was written.
struct DraftHash: Sendable {
  /// Over the entries of `items/`.
  var items = EntryHash()
  /// Over the entries of `codes/`.
  var codes = EntryHash()

  init() {}

  init(_ columns: ItemColumns) {
    let size = Layout.itemValueSize(levels: columns.levels)
    let value = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    defer { unsafe value.deallocate() }
    guard let room = value.baseAddress else { return }
    var scratch = EntryScratch()
    var key = KeyScratch(levels: columns.levels)
    unsafe columns.withRowBytes { rows in
      for row in 0..<columns.count {
        let (id, codes) = unsafe (rows.id(row), rows.codes(row))
        unsafe ItemValue.write(columns.fields(at: row), codes: codes, to: room)
        unsafe items.add(scratch.layOut(id, UnsafeRawBufferPointer(value)))
        unsafe self.codes.add(scratch.layOut(key.write(codes, columns.suffixes[row]), id))
      }
    }
  }
}
