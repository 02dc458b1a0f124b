internal import ArgumentParser
internal import PipelineEngine
internal import Recommenders

struct BenchRanker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ranker",
    abstract: "What vectors and codes add to a ranker over item IDs, by AUC, UAUC and GAUC over seeds.",
    discussion: """
      The pipeline must have been run up to publish. Its log needs a timestamp for every event: it is cut by time, 80 % to \
      train on, 10 % to stop by and 10 % to test on; with pairs.window { fraction: f }, at that share. Ratings below \
      minimumRating, which the pipeline leaves out, are read here as dislikes.
      """)
  @OptionGroup var file: PipelineArgument
  @Option(help: "Seeds, counted from 1.") var seeds = 3
  @Option(help: "ratings, or drawn for logs of likes alone. Default: ratings where the log has some below a like.")
  var labels: String?
  @Option(
    parsing: .upToNextOption,
    help:
      "Of \(RankerVariant.allCases.map(\.rawValue).joined(separator: ", ")). Default: all that the generation allows.")
  var variants: [String] = []
  @Option(help: "Experts of AW-MoE's gate; 0 for none.") var experts = 0
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...100).contains(seeds) else { throw ValidationError("--seeds is \(seeds); give a number from 1 to 100") }
    guard experts == 0 || (2...256).contains(experts) else {
      throw ValidationError("--experts is \(experts); give 0, or a number from 2 to 256")
    }
    if let labels, RankerStudy.Labels(rawValue: labels) == nil {
      throw ValidationError("--labels is \"\(labels)\"; give ratings or drawn")
    }
    for name in variants where RankerVariant(rawValue: name) == nil {
      throw ValidationError(
        "--variants has \"\(name)\"; give some of \(RankerVariant.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  func run() throws {
    let pipeline = try file.load()
    RunThreads.set(output.threads ?? pipeline.configuration.threads)
    Interruption.watchSignals()
    let study = try RankerStudy(pipeline, labels: labels.flatMap(RankerStudy.Labels.init(rawValue:)))
    let named = variants.compactMap(RankerVariant.init(rawValue:))
    let result = try study.run(
      seeds: seeds, variants: named.isEmpty ? nil : named, experts: experts, observer: output.observer())
    if output.json { try Output.json(result) } else { Output.figures(result.plainText()) }
  }
}
