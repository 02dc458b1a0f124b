internal import BehaviorAlignment
internal import Recommenders

/// Measures recommenders beside baselines that learned from the same window, on the same questions.
struct RecommenderComparison {
  private let data: RecommenderData
  private let settings: PipelineConfiguration.Train
  /// Asked now and then.
  var isCancelled: @Sendable () -> Bool = { false }
  /// Told what is done, how far it is, of how much, and in which unit.
  var observe: (_ step: String, _ completed: Int, _ total: Int, _ unit: String) -> Void = { _, _, _, _ in }

  init(_ data: RecommenderData, _ settings: PipelineConfiguration.Train) {
    self.data = data
    self.settings = settings
  }

  /// Of a window that holds nothing out there is no result.
  /// - Parameter recommenders: whose rows stand behind those of the baselines; several of one name are runs of one row.
  func measure(_ recommenders: [any NextItemRecommender]) throws -> [EvaluationResult] {
    // A baseline may look back further than the recommender that is measured.
    let history = max(settings.shape.queryHistory, settings.sequential.maximumHistory)
    let queries = data.queries(maximumHistory: history)
    guard !queries.test.isEmpty else { return [] }
    var parameters = RecommenderEvaluation.Parameters()
    parameters.filter.excludesHistory = settings.excludesHistory
    let evaluation = try RecommenderEvaluation(data.split, tokens: data.tokens, parameters: parameters)
    var results: [EvaluationResult] = []
    for recommender in try baselines(queries.validation) + recommenders {
      results.append(
        try evaluation.measure(
          recommender, on: queries.test, isCancelled: isCancelled,
          observe: { observe("measuring \(recommender.name)", $0, queries.test.count, "users") }))
    }
    return results
  }

  private func baselines(_ validation: [NextItemQuery]) throws -> [any NextItemRecommender] {
    try PipelineConfiguration.Train.Baseline.allCases.filter(settings.baselines.contains).map { baseline in
      switch baseline {
      case .popularity: PopularityRecommender(data.split)
      case .itemKNN: try ItemKNNRecommender(data.split, isCancelled: isCancelled)
      case .sasrec: try sequential(validation)
      }
    }
  }

  private func sequential(_ validation: [NextItemQuery]) throws -> SequentialRecommender {
    let training = try SequentialTraining(settings.sequential, parameters: settings.sequentialTraining)
    let trained = try training.train(
      data.split, validation: validation, isCancelled: isCancelled,
      observe: { observe("training SASRec", $0.epoch, settings.sequentialTraining.epochs, "epochs") })
    return SequentialRecommender(trained.model)
  }
}

extension PipelineConfiguration.Train {
  /// A generator as the pipeline has it answer: by its beam, and reranked where it has a dense head.
  func rows(of generator: Generator) -> [Generator] {
    var byBeam = generator
    byBeam.beamWidth = beam
    byBeam.denseWeight = 0
    guard rerank > 0 else { return [byBeam] }
    var reranked = byBeam
    reranked.denseWeight = rerank
    return [byBeam, reranked]
  }
}
