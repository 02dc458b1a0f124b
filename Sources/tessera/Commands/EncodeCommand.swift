public import ArgumentParser
internal import Foundation
public import ItemCatalog
internal import ItemEncoders
internal import PipelineEngine

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Embeds what is new or changed, or answers as an encoder worker.",
    discussion: """
      With a pipeline: run --until encode. With --worker: reads one JSON object per line from standard input and writes \
      vectors to standard output, so that another program can drive it (Schemas/worker.md).
      """)

  @Argument(help: "The pipeline file (YAML).", completion: .file(extensions: ["yaml", "yml"])) var pipeline: String?
  @Flag(help: "Speak the worker protocol on standard input and output.") var worker = false
  @Option(help: "What the worker encodes: text or image.") var modality: Modality?
  @Option(help: "The worker's model: builtin, a model's folder, or a fitted text encoder's file.") var model: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if worker {
      guard pipeline == nil else { throw ValidationError("give a pipeline or --worker, not both") }
      guard modality != nil, model != nil else { throw ValidationError("--worker needs --modality and --model") }
    } else {
      guard pipeline != nil else { throw ValidationError("name a pipeline file, or give --worker") }
      guard modality == nil, model == nil else { throw ValidationError("--modality and --model go with --worker") }
    }
  }

  func run() throws {
    if let pipeline {
      let loaded = Pipeline(try PipelineConfiguration(contentsOf: pipeline))
      return try PipelineRun(pipeline: loaded, output: output).execute(Pipeline.RunOptions(until: .encode))
    }
    guard let modality, let model else { return }
    output.apply()
    let (encoder, name) = try WorkerModel.load(model, modality: modality)
    try EncoderWorker(encoder: encoder, model: name).run(input: STDIN_FILENO, output: STDOUT_FILENO) { reason in
      if !output.quiet { Output.error(reason) }
    }
  }
}

extension Modality: ExpressibleByArgument {}
