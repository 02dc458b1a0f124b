internal import Glibc

/// What LMDB itself does not check about `data.mdb`: it maps the file and reads pages where its meta page says they
/// are, so a file that was cut short ends the process with SIGBUS instead of an error.
enum DataFile {
  /// Where numbers lie in a meta page on a 64-bit little-endian machine (`MDB_page` and `MDB_meta` in mdb.c).
  private enum Offset {
    static let flags = 10
    static let magic = 16
    static let version = 20
    static let pageSize = 40
    static let lastPage = 136
    static let transaction = 144
    static let end = 152
  }

  struct Meta: Equatable {
    var pageSize: Int
    var lastPage: UInt64
    var transaction: UInt64
  }

  /// Throws where the file is not a data file, or is shorter than its newest meta page says.
  static func checkBeforeOpening(_ path: String) throws(StoreError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", errno, path) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure("fstat", errno, path) }
    let size = Int(status.st_size)
    if size == 0 { return }  // A store that a crash cut off while it was made; LMDB begins it anew.
    let meta = try newestMeta(descriptor, path)
    let (needed, overflow) = (Int(clamping: meta.lastPage) + 1).multipliedReportingOverflow(by: meta.pageSize)
    guard !overflow, size >= needed else {
      throw StoreError(
        .damaged, "\(path): the file has \(size) bytes where its meta page needs \(overflow ? Int.max : needed); "
          + "it was cut short: restore it from a copy or publish into a new folder")
    }
  }

  /// The meta page that LMDB would go by.
  static func newestMeta(_ descriptor: Int32, _ path: String) throws(StoreError) -> Meta {
    guard let first = meta(in: read(descriptor, at: 0)) else {
      throw StoreError(.damaged, "\(path): the first page is not an LMDB meta page; this is no store")
    }
    guard let second = meta(in: read(descriptor, at: first.pageSize)), second.pageSize == first.pageSize else {
      throw StoreError(.damaged, "\(path): the second page is not an LMDB meta page; restore the store from a copy")
    }
    return second.transaction > first.transaction ? second : first
  }

  private static func read(_ descriptor: Int32, at offset: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Offset.end)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    return count == Offset.end ? bytes : []
  }

  /// The meta page in `bytes`, or nil where they are none that LMDB 0.9 wrote.
  static func meta(in bytes: [UInt8]) -> Meta? {
    guard bytes.count >= Offset.end, number(bytes, Offset.flags, UInt16.self) & 0x08 != 0,
      number(bytes, Offset.magic, UInt32.self) == 0xBEEF_C0DE, number(bytes, Offset.version, UInt32.self) == 1
    else { return nil }
    let pageSize = Int(number(bytes, Offset.pageSize, UInt32.self))
    guard (512...65_536).contains(pageSize), pageSize & (pageSize - 1) == 0 else { return nil }
    let lastPage = number(bytes, Offset.lastPage, UInt64.self)
    guard lastPage >= 1, lastPage < 1 << 47 else { return nil }
    return Meta(
      pageSize: pageSize, lastPage: lastPage, transaction: number(bytes, Offset.transaction, UInt64.self))
  }

  private static func number<Integer: FixedWidthInteger>(
    _ bytes: [UInt8], _ offset: Int, _ type: Integer.Type
  ) -> Integer {
    let size = Integer.bitWidth / 8
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
  }
}
