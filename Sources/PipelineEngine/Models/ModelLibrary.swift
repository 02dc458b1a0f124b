internal import Glibc

/// A folder of pretrained models, one folder each.
public struct ModelLibrary: Sendable {
  public let folder: String

  /// The Python that downloads and converts.
  let python: String
  private let knownModels: [KnownModel]

  /// - Parameter python: nil for `TESSERA_PYTHON`, or `python3` of PATH.
  public init(folder: String, python: String? = nil) {
    self.init(folder: folder, python: python, known: KnownModel.all)
  }

  package init(folder: String, python: String?, known: [KnownModel]) {
    self.folder = folder
    self.python = python ?? ChildProgram.defaultPython
    knownModels = known
  }

  /// The known model of that name, in any case.
  func known(_ name: String) -> KnownModel? { knownModels.first { $0.name.lowercased() == name.lowercased() } }

  /// What a listing tells about a model.
  public struct Entry: Sendable, Encodable, Equatable {
    /// How sure its files are. Found by names and sizes; ``ModelLibrary/verify(_:)`` reads the files.
    public enum State: String, Sendable, Encodable {
      /// As recorded when it was fetched, by hashes that this program knows.
      case pinned
      /// As recorded when it was copied.
      case recorded
      /// There is no record to compare it with.
      case unrecorded
      /// Files are missing or of another size, or what is there is no model.
      case damaged
    }

    public var name: String
    public var path: String
    public var architecture: String?
    public var dimensions: Int?
    public var parameters: Int?
    public var bytes: Int
    public var state: State
    public var source: String?
    public var license: String?
    public var problem: String?
  }

  /// What reading a model's files again showed.
  public struct Verification: Sendable, Encodable, Equatable {
    public var name: String
    public var isIntact: Bool
    public var files: Int
    /// One sentence per file that is not as recorded or pinned.
    public var problems: [String]
  }

  /// The models in the folder, by name.
  public func list() throws(PipelineError) -> [Entry] {
    guard FileSystem.exists(folder) else {
      throw PipelineError(.inputMissing, "there is no folder '\(folder)'; fetch a model, or name the folder with --in")
    }
    return modelNames.map(entry)
  }

  /// Subfolders that look like models; hidden ones are downloads at work.
  private var modelNames: [String] {
    FileSystem.contents(of: folder).filter { name in
      let path = folder + "/" + name
      return !name.hasPrefix(".")
        && [ModelRecord.fileName, "config.json"].contains { FileSystem.exists(path + "/" + $0) }
    }
  }

  /// What is known of the model of that name.
  func entry(_ name: String) -> Entry {
    let path = folder + "/" + name
    var entry = Entry(name: name, path: path, bytes: 0, state: .unrecorded)
    do throws(PipelineError) {
      let record = try ModelRecord(of: path)
      (entry.source, entry.license) = (record?.source, record?.license)
      entry.bytes = (record?.files.map(\.path) ?? ModelFiles.names(in: path)).reduce(0) {
        $0 + (FileSystem.size(of: path + "/" + $1) ?? 0)
      }
      if let record {
        for file in record.files where FileSystem.size(of: path + "/" + file.path) != file.bytes {
          throw PipelineError(
            .invalidData, "\(file.path) is missing or has another size than the \(file.bytes) recorded")
        }
        entry.state = known(record.name).map { Self.isPinned(record, $0) } == true ? .pinned : .recorded
      }
      let description = try ModelDescription(folder: path)
      (entry.architecture, entry.dimensions) = (description.architecture, description.dimensions)
      entry.parameters = description.parameters
    } catch {
      (entry.state, entry.problem) = (.damaged, error.message)
    }
    return entry
  }

  /// Whether a record's hashes are those that this program knows.
  private static func isPinned(_ record: ModelRecord, _ known: KnownModel) -> Bool {
    switch known.conversion {
    case .none: record.files.allSatisfy { known.pinnedHash(of: $0.path) == $0.sha256 }
    case .efficientNet: record.sourceSHA256 == known.files[0].sha256
    }
  }

  /// Reads all files of some models again, of all of them where none is named, and compares hashes with the record, and
  /// with the pinned ones where the model is known.
  public func verify(_ names: [String] = []) throws(PipelineError) -> [Verification] {
    if names.isEmpty { _ = try list() }
    var results: [Verification] = []
    for name in names.isEmpty ? modelNames : names { results.append(try verification(of: name)) }
    return results
  }

  private func verification(of name: String) throws(PipelineError) -> Verification {
    let actual = known(name)?.name ?? name
    let path = folder + "/" + actual
    guard ModelRecord.isInside(name), FileSystem.exists(path) else {
      throw PipelineError(.inputMissing, "there is no model '\(name)' in '\(folder)'")
    }
    var result = Verification(name: actual, isIntact: false, files: 0, problems: [])
    do throws(PipelineError) {
      guard let record = try ModelRecord(of: path) else {
        throw PipelineError(
          .invalidData,
          "there is no \(ModelRecord.fileName) to compare it with; "
            + "take it in with: tessera models fetch NAME --from '\(path)'")
      }
      result.files = record.files.count
      for file in record.files { result.problems += problem(of: file, in: path, of: record).map { [$0] } ?? [] }
      let recorded = Set(record.files.map(\.path))
      result.problems += ModelFiles.names(in: path).filter { !recorded.contains($0) }.map { "\($0) is not recorded" }
      if let model = known(record.name), model.conversion != .none,
        record.sourceSHA256 != model.files[0].sha256
      {
        result.problems.append("it was converted from another checkpoint than \(model.files[0].path)")
      }
      _ = try ModelDescription(folder: path)
    } catch {
      result.problems.append(error.message)
    }
    result.isIntact = result.problems.isEmpty
    return result
  }

  private func problem(of file: ModelRecord.File, in folder: String, of record: ModelRecord) -> String? {
    do throws(PipelineError) {
      let found = try fileDigest(folder + "/" + file.path)
      if found.sha256 != file.sha256 { return "\(file.path) has changed: SHA-256 \(found.sha256), not \(file.sha256)" }
      if let pinned = known(record.name)?.pinnedHash(of: file.path), pinned != found.sha256 {
        return "\(file.path) is not that of \(record.name): SHA-256 \(found.sha256), not \(pinned)"
      }
      return nil
    } catch {
      return error.message
    }
  }
}

/// Which files of a folder are a model's.
enum ModelFiles {
  private static let top: Set<String> = [
    "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model",
    "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "preprocessor_config.json",
    "processor_config.json", "README.md", "LICENSE", "LICENSE.txt", "NOTICE",
  ]

  /// In the folders that modules.json names, such as `1_Pooling`.
  private static let nested: Set<String> = ["config.json", "model.safetensors"]

  /// Paths relative to the folder, of the layout of the Hugging Face hub; pickles and other formats of weights are left
  /// alone.
  static func names(in folder: String) -> [String] {
    let contents = FileSystem.contents(of: folder)
    let modules = contents.filter { name in
      let digits = name.prefix { $0.isASCII && $0.isNumber }
      return !digits.isEmpty && name.dropFirst(digits.count).first == "_"
    }
    return contents.filter(top.contains)
      + modules.flatMap { module in
        FileSystem.contents(of: folder + "/" + module).filter(nested.contains).map { module + "/" + $0 }
      }
  }
}
