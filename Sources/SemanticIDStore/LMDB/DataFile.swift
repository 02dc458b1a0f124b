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
    static let freeTree = 40
    static let mainTree = 88
    static let lastPage = 136
    static let transaction = 144
    static let end = 152
  }

  struct Meta: Equatable {
    var pageSize: Int
    var lastPage: UInt64
    var transaction: UInt64
    /// Pages that may be reused, by the transaction that freed them.
    var freeTree: Tree
    /// The databases' names.
    var mainTree: Tree
  }

  /// Where a tree is (`MDB_db`).
  struct Tree: Equatable {
    var flags: UInt16
    var depth: UInt16
    var entries: UInt64
    /// All ones where the tree is empty.
    var root: UInt64

    /// The record at `offset` of a page, which has its 48 bytes.
    init(in bytes: [UInt8], at offset: Int) {
      flags = number(bytes, offset + 4, UInt16.self)
      depth = number(bytes, offset + 6, UInt16.self)
      entries = number(bytes, offset + 32, UInt64.self)
      root = number(bytes, offset + 40, UInt64.self)
    }
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
    let (needed, overflow) = (Int(meta.lastPage) + 1).multipliedReportingOverflow(by: meta.pageSize)
    guard overflow || size < needed else { return }
    // LMDB does not write pages that it took and freed in one transaction, so a whole file can end early, too.
    do throws(StoreError) {
      try PageCheck.run(path)
    } catch {
      throw StoreError(
        .damaged,
        "\(path) was cut short: it has \(size) bytes where its meta page counts \(needed); "
          + error.message)
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
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
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
      pageSize: pageSize, lastPage: lastPage, transaction: number(bytes, Offset.transaction, UInt64.self),
      freeTree: Tree(in: bytes, at: Offset.freeTree), mainTree: Tree(in: bytes, at: Offset.mainTree))
  }

  /// The little-endian number at `offset`.
  static func number<Integer: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int, _ type: Integer.Type) -> Integer {
    var result: Integer = 0
    for index in 0..<Integer.bitWidth / 8 {
      result |= Integer(truncatingIfNeeded: bytes[offset + index]) << (8 * index)
    }
    return result
  }
}
