internal import ItemCatalog
public import TensorMath

/// Where an encoder comes from.
public enum EncoderSource: Sendable, Equatable {
  case builtin
  /// The folder of a pretrained model.
  case pretrained(folder: String, precision: WeightPrecision)
  /// A program that speaks the worker protocol.
  case worker(Worker)

  public struct Worker: Sendable, Equatable {
    public var command: [String]
    /// Where the program runs: the pipeline file's folder, so that its arguments may be relative to it.
    public var folder: String
    public var version: String
    /// Seconds from one answer to the next.
    public var timeout: Int
  }

  init(_ section: CheckedSection, _ paths: PathResolver) {
    if let command = section.texts("command").isEmpty ? nil : section.texts("command") {
      self = .worker(
        Worker(
          command: command, folder: paths.input("."), version: section.text("version") ?? "",
          timeout: section.integer("timeout") ?? 120))
      return
    }
    let model = section.text("model") ?? "builtin"
    self =
      model == "builtin"
      ? .builtin
      : .pretrained(
        folder: paths.input(model),
        precision: section.text("precision").flatMap(WeightPrecision.init(rawValue:)) ?? .single)
  }

  /// What is known before an encoder is loaded. A pretrained model's folder is left out: its files' fingerprint says
  /// more, and a model may move.
  func stageInputs(_ key: String) -> [StageInput] {
    switch self {
    case .builtin: [StageInput(name: key + ".model", value: "builtin")]
    case .pretrained(_, let precision):
      [
        StageInput(name: key + ".model", value: "pretrained"),
        StageInput(name: key + ".precision", value: precision.rawValue),
      ]
    case .worker(let worker):
      [
        StageInput(name: key + ".command", value: worker.command.joined(separator: " ")),
        StageInput(name: key + ".version", value: worker.version),
      ]
    }
  }
}
