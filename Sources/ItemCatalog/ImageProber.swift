/// One image file that a record named: how it was found, and the hash of its bytes.
struct ImageProbe: Equatable, Sendable {
  enum State: UInt8, Sendable { case missing = 0, usable = 1, unusable = 2 }
  /// Absolute, normalized.
  var path: String
  var state: State
  var signature: FileSignature
  var hash: UInt64
  /// Whether the hash was taken over from an earlier table.
  var isReused = false
}

/// The folders of one item file's images, with every symbolic link resolved.
struct ImageRoots: Sendable {
  /// What paths are relative to.
  let folder: String
  /// What paths must not leave.
  let root: String

  init(source: CatalogSource, itemFile: String) throws(CatalogError) {
    folder = try Self.resolve(source.imageFolder ?? FilePath.folder(of: itemFile), "imageFolder")
    root = try source.imageRoot.map { path throws(CatalogError) in try Self.resolve(path, "imageRoot") } ?? folder
  }

  private static func resolve(_ path: String, _ name: String) throws(CatalogError) -> String {
    guard let resolved = FilePath.canonical(path), FileStatus(path: resolved)?.kind == .folder else {
      throw CatalogError(.inputMissing, "\(name) \(path) is not a folder that exists.")
    }
    return resolved
  }
}

/// Finds image files and hashes their bytes, or takes the hash over from the night before where the file did not
/// change: reading 100,000 files again costs more than everything else of a second night.
struct ImageProber {
  enum Outcome: Equatable {
    case usable(UInt64)
    case missing
    case unusable(String)
    case outside(String)
  }

  private let roots: ImageRoots
  private let previous: PreviousImages?
  private let byteLimit: Int
  private var folders: [String: Bool] = [:]
  private var buffer: [UInt8] = []

  private static let readBytes = 256 << 10

  init(roots: ImageRoots, previous: PreviousImages?, byteLimit: Int) {
    self.roots = roots
    self.previous = previous
    self.byteLimit = byteLimit
  }

  /// What a record's path leads to, and what to remember of it; nothing is remembered of a path that is wrong by
  /// its text alone.
  mutating func probe(_ relative: String) -> (Outcome, ImageProbe?) {
    guard !relative.hasPrefix("/") else { return (.outside("the absolute path \(relative)"), nil) }
    guard let path = FilePath.normalized(relative, in: roots.folder), FilePath.isInside(path, roots.root) else {
      return (.outside("\(relative), which climbs out of the image root"), nil)
    }
    var probe = ImageProbe(path: path, state: .missing, signature: .absent, hash: 0)
    guard var status = FileStatus(path: path, followingLinks: false) else { return (.missing, probe) }
    var isInside = isFolderInside(FilePath.folder(of: path))
    if status.kind == .symbolicLink {
      guard let target = FilePath.canonical(path), let targetStatus = FileStatus(path: target) else {
        return (.missing, probe)
      }
      isInside = FilePath.isInside(target, roots.root)
      status = targetStatus
    }
    probe.signature = status.signature
    probe.state = .unusable
    guard isInside else { return (.outside("\(relative), a symbolic link out of the image root"), probe) }
    if let hash = previous?.hash(path: path, signature: status.signature) {
      probe.state = .usable
      probe.hash = hash
      probe.isReused = true
      return (.usable(hash), probe)
    }
    return hash(status, probe)
  }

  private mutating func isFolderInside(_ folder: String) -> Bool {
    if let known = folders[folder] { return known }
    let resolved = FilePath.canonical(folder)
    let isInside = resolved.map { $0 == roots.root || FilePath.isInside($0, roots.root) } ?? false
    folders[folder] = isInside
    return isInside
  }

  private mutating func hash(_ status: FileStatus, _ found: ImageProbe) -> (Outcome, ImageProbe?) {
    var probe = found
    guard status.kind == .regular else { return (.unusable("something that is not a file"), probe) }
    guard status.signature.size <= byteLimit else {
      return (.unusable("\(status.signature.size) bytes, more than the \(byteLimit) allowed"), probe)
    }
    do throws(CatalogError) {
      let file = try InputFile.open(probe.path)
      // What is hashed is what is open, should the name have changed hands meanwhile.
      if let opened = FileStatus(descriptor: file.descriptor) { probe.signature = opened.signature }
      var hasher = ContentHasher()
      var total = 0
      var hasKnownStart = false
      repeat {
        buffer.removeAll(keepingCapacity: true)
        guard try file.read(Self.readBytes, appendingTo: &buffer) > 0 else { break }
        if total == 0 { hasKnownStart = Self.startsLikeAnImage(buffer) }
        total += buffer.count
        hasher.update(buffer)
      } while hasKnownStart && total <= byteLimit
      guard hasKnownStart else {
        return (.unusable("\(total == 0 ? "an empty file" : "a file of another kind")"), probe)
      }
      probe.state = .usable
      probe.hash = hasher.finalize().prefix64
      return (.usable(probe.hash), probe)
    } catch {
      return (.unusable(error.message), probe)
    }
  }

  /// JPEG's start of image, or PNG's signature.
  private static func startsLikeAnImage(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  }
}

/// What an earlier table knew of image files.
struct PreviousImages: Sendable {
  private var paths = IdentifierTable()
  private var signatures: [FileSignature] = []
  private var hashes: [UInt64] = []

  init(_ probes: ImageProbeFile) {
    probes.forEach { probe in
      let bytes = Array(probe.path.utf8)
      guard probe.state == .usable, paths.insert(bytes, 0..<bytes.count).isNew else { return }
      signatures.append(probe.signature)
      hashes.append(probe.hash)
    }
  }

  func hash(path: String, signature: FileSignature) -> UInt64? {
    guard let index = paths.index(of: path), signatures[index] == signature else { return nil }
    return hashes[index]
  }
}
