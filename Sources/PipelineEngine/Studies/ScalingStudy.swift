internal import BehaviorAlignment
internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// `tessera train --sweep`: the pipeline's recommender at several sizes, on the same codes and events, in the same order,
/// for as many epochs. What is served stays as it is: the study reads the store and writes to a folder of its own.
public struct ScalingStudy {
  /// What one size came to.
  public struct Row: Sendable, Equatable, Codable {
    public var width: Int
    public var layers: Int
    public var hidden: Int
    public var parameters: Int
    public var steps: Int
    /// Floating-point operations of training's matrix products, gradients included.
    public var operations: Double
    /// Of the last epoch: the mean −log p of an ID in nats, with dropout, and a dense head's weighted loss where the
    /// pipeline has one.
    public var trainingLoss: Double
    /// The mean −log p of validation's items in nats, by the epoch with the best NDCG; nil where nothing is held out.
    public var validationLoss: Double?
    /// Of that epoch.
    public var validationNDCG: Double?
    /// That epoch.
    public var bestEpoch: Int
    /// Of training alone, without measuring.
    public var seconds: Double
    /// Of training's products.
    public var gigaflopsPerSecond: Double
    /// That over the best that the machine reaches, ``Result/peak``.
    public var peakShare: Double
    /// Training's loss by epoch.
    public var losses: [Double]
    /// Why training ended early; nil where it did not.
    public var stopReason: String?
  }

  /// All sizes, and what they have in common.
  public struct Result: Sendable, Equatable, Codable {
    public var pipeline: String
    public var generation: UInt64
    public var backbone: String
    public var items: Int
    public var trainingEvents: Int
    public var epochs: Int
    public var seed: UInt64
    public var threads: Int
    /// The best of products in the training's precision, measured before every size or reached in a step, in GFLOP/s.
    public var peak: Double
    public var precision: String
    public var rows: [Row]
  }

  private let pipeline: Pipeline
  private let settings: PipelineConfiguration.Train
  private let data: RecommenderData

  /// Loads the generation that is served, and the log.
  /// - Throws: ``PipelineError`` where the pipeline has no section `train`, or nothing is published.
  public init(_ pipeline: Pipeline) throws {
    self.pipeline = pipeline
    guard let settings = pipeline.configuration.train else {
      throw PipelineError(
        .invalidData, "the pipeline has no section 'train', so there is nothing to sweep; add 'train: {}'")
    }
    self.settings = settings
    let store = try pipeline.workspace.publishedStore()
    data = try RecommenderData(store, configuration: pipeline.configuration)
  }

  /// Where ``write(_:)`` leaves figures and plot.
  public var folder: String { pipeline.workspace.studies }

  /// Trains every size in turn, the smallest first as the list has them.
  /// - Parameter observe: told of steps, epochs and sizes, as a run tells of its own.
  /// - Throws: ``PipelineError/Code/interrupted`` where a stop is asked for; what is finished by then is written.
  public func run(observer: any RunObserver = SilentObserver()) throws -> Result {
    let training = settings.training
    let precision = PackedMatrix.effective(training.precision)
    var result = Result(
      pipeline: pipeline.configuration.name, generation: data.generation, backbone: settings.shape.backbone.rawValue,
      items: data.ids.count, trainingEvents: data.split.summary.trainingEvents, epochs: training.epochs,
      seed: training.seed, threads: RunThreads.current, peak: 0, precision: precision.rawValue, rows: [])
    for (index, shape) in settings.sweep.enumerated() {
      let title = "size \(index + 1) of \(settings.sweep.count), width \(shape.width)"
      var log = TrainingLog(peak: max(result.peak, ProductPeak.measure(precision)))
      result.rows.append(try row(shape, &log, title, observer))
      result.peak = log.peak
      for row in result.rows.indices { result.rows[row].peakShare = result.rows[row].gigaflopsPerSecond / result.peak }
      try write(result)
    }
    return result
  }

  private func row(
    _ shape: GeneratorConfiguration, _ log: inout TrainingLog, _ title: String, _ observer: any RunObserver
  ) throws -> Row {
    let queries = data.queries(maximumHistory: shape.queryHistory).validation
    let interruption = Interruption.current
    let trained = try GeneratorTraining(shape, parameters: settings.training).train(
      data.tokens, split: data.split, validation: queries, isCancelled: { interruption.isRequested },
      observe: { progress in
        guard let event = log.note(progress) else { return }
        observer.observe(
          .progress(
            .train, step: title, completed: event.step, total: log.plannedSteps, unit: "steps",
            detail: event.progressText))
      })
    let best = trained.measurements.first { $0.epoch == trained.epoch }
    return Row(
      width: shape.width, layers: shape.layers, hidden: shape.hidden, parameters: trained.generator.parameterCount,
      steps: trained.steps, operations: trained.productOperations,
      trainingLoss: trained.measurements.last?.loss ?? .nan,
      validationLoss: try trained.generator.loss(on: queries, isCancelled: { interruption.isRequested }),
      validationNDCG: best?.validationNDCG, bestEpoch: trained.epoch, seconds: trained.seconds,
      gigaflopsPerSecond: trained.productOperations / max(trained.seconds, 1e-9) / 1e9, peakShare: 0,
      losses: trained.measurements.map(\.loss), stopReason: trained.stopReason)
  }

  /// Leaves `sweep.json` and `sweep.html` in ``folder``, each whole.
  public func write(_ result: Result) throws {
    try FileSystem.makeDirectory(folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try FileSystem.write([UInt8](try encoder.encode(result)) + [0x0A], to: folder + "/sweep.json")
    try FileSystem.write(ScalingPage(result).html, to: folder + "/sweep.html")
  }
}

extension ScalingStudy.Result {
  /// The sizes as a table.
  public func plainText() -> String {
    var table = TextTable([
      ("width", .right), ("layers", .right), ("hidden", .right), ("parameters", .right), ("TFLOP", .right),
      ("training loss", .right), ("validation loss", .right), ("NDCG@10", .right), ("best epoch", .right),
      ("time", .right), ("of peak", .right),
    ])
    for row in rows {
      table.append([
        "\(row.width)", "\(row.layers)", "\(row.hidden)", "\(row.parameters)",
        ReportFigure.Kind.decimal.text(row.operations / 1e12),
        decimal(row.trainingLoss), row.validationLoss.map(decimal) ?? "-", row.validationNDCG.map(decimal) ?? "-",
        "\(row.bestEpoch) of \(epochs)", ProgressLine.duration(row.seconds), percent(row.peakShare),
      ])
    }
    let stops = rows.compactMap { row in row.stopReason.map { "width \(row.width): \($0)\n" } }
    return "generation \(generation), \(backbone), \(trainingEvents) events on \(items) items, \(epochs) epochs, "
      + "\(precision), \(threads) threads, peak \(Int(peak)) GFLOP/s\n\n" + table.text() + stops.joined()
  }
}
