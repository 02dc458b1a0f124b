/// What went wrong in the store, what was expected and what to do about it.
public struct StoreError: Error, CustomStringConvertible, Sendable {
  /// The kind of failure, for programs; `message` is for people.
  public enum Code: String, Sendable, CaseIterable {
    /// There is no store at this path, or it has no generation yet.
    case notFound
    /// The generation asked for is not in the store.
    case generationMissing
    /// Another process (or another call in this one) is writing; try again.
    case locked
    /// A transaction of this process keeps the map from growing; close it and try again.
    case busy
    /// Bytes of the store are not what the layout says.
    case damaged
    /// The store was written in a layout that this program does not know.
    case unsupportedFormat
    /// The draft contradicts itself or breaks a limit; nothing was written.
    case invalidDraft
    /// What was written reads back differently; the old generation is still served.
    case verificationFailed
    /// The disk is full; the old generation is still served.
    case diskFull
    /// Every reader slot is taken.
    case readersFull
    /// The map may not grow any further.
    case mapFull
    /// The store may not be opened or written by this user, or was opened for reading only.
    case permission
    /// The key is longer than the database takes, or empty.
    case badKey
    /// Any other failure of the operating system or of LMDB.
    case system
  }

  public var code: Code
  public var message: String
  /// The process that holds the writer lock, where `code` is `locked` and the process is known.
  public var lockHolder: Int32?

  public init(_ code: Code, _ message: String, lockHolder: Int32? = nil) {
    self.code = code
    self.message = message
    self.lockHolder = lockHolder
  }

  public var description: String { message }
}
