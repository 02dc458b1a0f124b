/// Memory for the panels of a product's right factor, from the start of a cache line on: a register's load that lies across
/// two lines costs two accesses, which makes a product a fifth slower. An array begins anywhere.
///
/// A value: what one writes, its copies do not see.
package struct PanelMemory<Element: BitwiseCopyable & Sendable>: Sendable {
  /// Immutable while more than one value refers to it.
  @safe private final class Storage: @unchecked Sendable {
    let start: UnsafeMutablePointer<Element>
    let capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      let bytes = UnsafeMutableRawPointer.allocate(
        byteCount: max(1, capacity) * MemoryLayout<Element>.stride, alignment: 64)
      unsafe start = bytes.bindMemory(to: Element.self, capacity: capacity)
    }

    deinit { unsafe UnsafeMutableRawPointer(start).deallocate() }
  }

  private var storage: Storage?

  package init() {}

  /// Memory for `count` elements, each of which `body` writes.
  package init(count: Int, writtenBy body: (UnsafeMutablePointer<Element>) -> Void) {
    unsafe write(count: count, body)
  }

  /// What was there is lost; `body` writes each of `count` elements.
  package mutating func write(count: Int, _ body: (UnsafeMutablePointer<Element>) -> Void) {
    if isKnownUniquelyReferenced(&storage), let storage, storage.capacity >= count {
      return unsafe body(storage.start)
    }
    let storage = Storage(capacity: count)
    unsafe body(storage.start)
    self.storage = storage
  }

  /// What was written last.
  package func read(_ body: (UnsafePointer<Element>) -> Void) {
    guard let storage else { preconditionFailure("panels that nothing was written to") }
    withExtendedLifetime(storage) { unsafe body(storage.start) }
  }
}
