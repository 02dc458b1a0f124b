import Foundation
import ItemCatalog
import PipelineEngine
import Quantizers
import TensorMath

/// Titles that a careless page would break on.
let awkwardTitles = [
  "<script>alert('x')</script> \"quoted\" & more", "قميص رجالي قطني أزرق", "素敵な木製テーブル", "",
  "Averyverylongwordwithoutanyspaceatallthatmustbreaksomewhereorthepagegrowsbeyondaphonesscreen",
  "Men's cotton shirt, regular fit, long sleeves, with a title that goes on for more than three lines of a card",
  "👟 Trail runner", "</style><img src=x onerror=alert(1)>", "Blue ceramic mug", "Walnut desk lamp",
]

/// Sixty epochs that learn less and less, and ten that settle.
func sampleTraining() -> [ResidualAutoencoder.EpochStatistics] {
  (0..<70).map { epoch in
    let error = 0.3 + 0.5 / Double(epoch + 1) - (epoch >= 60 ? 0.02 : 0)
    return ResidualAutoencoder.EpochStatistics(
      epoch: epoch, isSettling: epoch >= 60, trainingError: error * 0.97, heldOutError: error,
      commitment: 0.1 / Double(epoch + 1), pairDistance: nil,
      levels: (0..<3).map { level in
        .init(
          utilization: min(1, 0.6 + 0.01 * Double(epoch)), entropy: 5.4 - 0.2 * Double(level) - 1 / Double(epoch + 1),
          restarted: epoch < 9 ? 12 - epoch : 0)
      })
  }
}

/// A made-up report with everything in it.
func sampleReport(images folder: String? = nil, isFirst: Bool = false) throws -> ReportData {
  var random = RandomSource(seed: 11)
  var data = ReportData(
    pipeline: "catalog-nightly", generation: isFirst ? 1 : 12, parent: isFirst ? nil : 11,
    createdAt: "2026-03-14T04:12:55Z")
  let previous: (Double) -> Double? = { isFirst ? nil : $0 }
  data.figures = [
    ReportFigure(.items, 1_000_000, previous: previous(989_000)),
    ReportFigure(.uniqueSemanticIDs, 993_208, previous: previous(983_102)),
    ReportFigure(.collisionRate, 0.013_21, previous: previous(0.012_05)),
    ReportFigure(.churn, 0.000_4), ReportFigure(.utilization, 0.9873, previous: previous(0.9873)),
    ReportFigure(.entropy, 5.3127, previous: previous(5.2991)),
    ReportFigure(.reconstructionError, 0.2871, previous: previous(0.2902)),
    ReportFigure(.rejectedRecords, 312, previous: previous(518)),
    ReportFigure(.addedItems, 12_031), ReportFigure(.changedItems, 4_120), ReportFigure(.removedItems, 1_031),
    ReportFigure(.itemsWithoutImage, 20_118, previous: previous(20_001)),
    ReportFigure(.largestBucket, 41, previous: previous(41)),
    ReportFigure(.neighborAgreement, 0.613), ReportFigure(.totalSeconds, 192.4), ReportFigure(.peakMemory, 2.31e9),
  ]
  data.buckets = BucketMetrics(
    bucketSizes: Array(repeating: 1, count: 90_000) + Array(repeating: 2, count: 3_000)
      + Array(repeating: 3, count: 410)
      + Array(repeating: 6, count: 60) + [9, 12, 17, 41])
  for level in 0..<4 {
    let occupancy = (0..<256).map { code in
      level == 3 && code % 9 == 0
        ? 0 : Int(3_900 * Double.random(in: 0.2...1, using: &random) / Double(1 + level * code % 7))
    }
    data.levels.append(ReportLevel(level: level, LevelMetrics(occupancy: occupancy)))
  }
  data.training = sampleTraining()
  let items = try awkwardTitles.enumerated().map { index, title in
    ReportItem(
      id: index == 7 ? "id<&>\"'" : "item-\(1_000 + index)", title: title, semanticID: "12-7-255-3",
      imagePath: try folder.map { try picture(index, in: $0) })
  }
  data.prefixes = (0..<6).map { code in
    let children = (0..<4).map { child in
      ReportPrefix(
        prefix: "\(code * 31)-\(child * 17)", items: 900 / (child + 1),
        examples: Array(items.dropFirst(child).prefix(4)))
    }
    return ReportPrefix(
      prefix: "\(code * 31)", items: 9_300 / (code + 1), examples: Array(items.dropFirst(code).prefix(5)),
      children: children)
  }
  data.worstBuckets = [
    ReportBucket(
      codes: "12-7-255-3", size: 41, reason: "same content",
      explanation: "All 41 items have the same text and picture; no code can tell them apart.",
      items: Array(items.prefix(6))),
    ReportBucket(codes: "201-0-13-99", size: 17, reason: "close vectors", items: Array(items.suffix(4))),
    ReportBucket(
      codes: "0-0-0-0", size: 2, reason: "no picture",
      explanation: "Mean distance within the bucket 0.013, to the rest of the prefix 0.412.", items: Array(items[2...3])
    ),
  ]
  data.pairs = samplePairs(items)
  data.tuning = sampleTuning()
  data.preference = samplePreference()
  data.rejected.records = 312
  data.rejected.warnings = 96
  data.rejected.reasons = [
    .init(reason: "duplicate_id", severity: "error", count: 201),
    .init(reason: "image_missing", severity: "warning", count: 96),
    .init(reason: "no_content", severity: "error", count: 111),
  ]
  data.rejected.examples = [
    .init(
      severity: "error", file: "/data/shop/exports/2026-03-14/items-00017-of-00064.jsonl", line: 88_123, field: "id",
      reason: "duplicate_id", found: "item-<b>17</b>", expected: "an id that no earlier record has")
  ]
  var routed = ReportEncoder(
    role: "text route 1", model: "<b>multilingual</b>", fingerprint: String(repeating: "9f3c", count: 16))
  (routed.rule, routed.architecture, routed.precision) = ("Arabic, Hebrew", "bert", "f16")
  (routed.dimensions, routed.items, routed.encoded, routed.fromCache) = (384, 812_331, 16_151, 796_180)
  data.encoders = [routed, ReportEncoder(role: "image", model: "builtin", fingerprint: "77ab")]
  data.textsWithoutRoute = 12
  data.stages = [
    ReportStage(name: "catalog", status: "ran", seconds: 21.4, note: "1,000,312 records"),
    ReportStage(name: "encode", status: "ran", seconds: 96.2, note: "16,151 items encoded, 983,849 from the cache"),
    ReportStage(name: "represent", status: "skipped", seconds: 0.012, note: "nothing changed"),
    ReportStage(name: "publish", status: "ran", seconds: 9.01),
  ]
  data.details = [
    ReportDetails(
      title: "Versions",
      rows: [("tessera", "0.1.0"), ("compute", "float32, oneDNN 2.6, AVX-512"), ("threads", "2"), ("seed", "1")]),
    ReportDetails(
      title: "Models",
      rows: [
        ("text", "builtin, 9f3c2a7be15d44a0b2c0de1188f01a2bbd0e5f6a7b8c9d0e1f2a3b4c5d6e7f80"),
        ("image", "builtin, 77ab"),
      ]),
  ]
  data.configuration =
    "name: catalog-nightly\nquantize: { method: residual-kmeans, sizes: [256, 256, 256, 256], seed: 1 } # <b>\n"
  return data
}

/// Two epochs that pleased the judge, and one that cost too much.
func samplePreference(sessions: Bool = true) -> ReportPreference {
  ReportPreference(
    generation: 12, rewardModel: .init(area: 0.7712, objectives: ["rating>=5.0": 0.7712]),
    judge: .init(area: nil, objectives: [:]),
    epochs: (0...3).map { number in
      var epoch = ReportPreference.Epoch(epoch: number)
      (epoch.reward, epoch.judgeReward) = (0.31 + 0.05 * Double(number), 0.3 + 0.04 * Double(number))
      if sessions {
        (epoch.sessionReward, epoch.sessionJudgeReward) = (0.25 + 0.05 * Double(number), 0.24 + 0.04 * Double(number))
      }
      (epoch.ndcg, epoch.recall) = (0.0812 - 0.004 * Double(number), 0.1512)
      if number < 3 { epoch.legality = 0.812 }
      epoch.exposure = 0.41 - 0.06 * Double(number)
      return epoch
    }, served: 2, stopReason: "NDCG@10 on validation queries <b>fell</b>")
}

/// Pairs of two sources, with counts at every filter.
private func samplePairs(_ items: [ReportItem]) -> ReportPairs {
  var pairs = ReportPairs(pairs: 321_456, heldOut: 44_726, covered: 9_871)
  pairs.log = [
    .init(name: "interactions", count: 1_000_209), .init(name: "of unknown items, dropped", count: 17),
    .init(name: "held out", count: 44_726),
  ]
  pairs.sources = ["swing", "nearby"].enumerated().map { index, name in
    ReportPairs.Source(
      name: name, pairs: 46_123 + index * 229_210, covered: 5_102 + index * 3_040, seconds: 1.25 + Double(index),
      filters: [
        .init(name: "pairs per item", kept: 50_123 + index, dropped: 801_234),
        .init(name: "minimum support", kept: 46_123 + index * 229_210, dropped: 4_000),
      ],
      examples: (0..<2).map { number in
        .init(trigger: items[number], target: items[number + 3 + index], weight: 0.1234 + Double(number), users: 12)
      })
  }
  return pairs
}

/// A picture file in a folder, a different one for each number.
private func picture(_ number: Int, in folder: String) throws -> String {
  let (width, height) = (180, 120 + number * 10)
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      pixels += [UInt8((x * 2 + number * 40) % 256), UInt8((y * 2) % 256), UInt8((number * 70) % 256)]
    }
  }
  let image = RGBImage(width: width, height: height, pixels: pixels)
  let path = "\(folder)/picture-\(number).\(number % 2 == 0 ? "png" : "jpg")"
  try Data(number % 2 == 0 ? ImageEncoder.png(image) : ImageEncoder.jpeg(image)).write(to: URL(fileURLWithPath: path))
  return path
}

/// Tuned codes that the gate refused, for a reason with markup in it.
func sampleTuning() -> ReportTuning {
  ReportTuning(
    base: 41, published: nil, reasons: ["41.2 % of the items would change <b>their</b> semantic ID."], churn: 0.412,
    gain: -0.0021, noise: 0.0009, lossBefore: [6.41], lossAfter: [6.38],
    served: .init(
      validationNDCG: 0.0431, ndcg: 0.0411, recall: 0.0739, collisionRate: 0.012, entropy: 5.516, utilization: 1),
    tuned: .init(
      validationNDCG: 0.041, ndcg: nil, recall: 0.0712, collisionRate: 0.017, entropy: 5.41, utilization: 0.984))
}
