import Foundation
import PipelineEngine
import Recommenders
import Testing

/// What a person and a program read of a tuning.
@Suite struct TuningOutcomeTests {
  /// As `finetune.json` and `--json` have it.
  private static func outcome(
    published: String = "", reasons: String = "", arms: Bool = true,
    standardError: String = "\"standardError\": 0.002,",
    stopReason: String = ""
  ) throws -> TuningOutcome {
    let served = "\"served\": { \"recall\": 0.25, \"recallDeviation\": 0.01, \"ndcg\": 0.125 },"
    let tuned = "\"tuned\": { \"recall\": 0.3, \"ndcg\": 0.15625, \"ndcgDeviation\": 0.004 },"
    let json = """
      {
        "base": 7, \(published) "reasons": [\(reasons)],
        "evidence": {
          "servedNDCG": [0.1], "tunedNDCG": [0.11], \(standardError) "churn": 0.125,
          "servedCollisionRate": 0.02, "tunedCollisionRate": 0.0225,
          "servedUtilization": [1, 0.75], "tunedUtilization": [1, 0.8125]
        },
        "cycles": [
          { "lossBefore": 5.5, "lossAfter": 5.25, "churn": 0.1, "collisionRate": 0.02, "entropy": [2, 1.5],
            "agreement": 1, "steps": 300\(stopReason) },
          { "lossBefore": 5.125, "lossAfter": 5, "churn": 0.05, "collisionRate": 0.0225, "entropy": [2.0625, 1.625],
            "agreement": 0.999, "steps": 300 }
        ],
        \(arms ? served + tuned : "") "servedEntropy": [1.875, 1.4375], "trainingSteps": 640, "tuningSeconds": 2,
        "trainingSeconds": 90, "peakMemory": 536870912
      }
      """
    return try JSONDecoder().decode(TuningOutcome.self, from: Data(json.utf8))
  }

  private static let reasons = "\"The gain is too small.\", \"Too many items would change.\""

  private static func line(_ text: String, _ start: String) throws -> String {
    String(try #require(text.split(separator: "\n").first { $0.hasPrefix(start) }, "\(start) is not in\n\(text)"))
  }

  @Test func bothArmsStandSideBySide() throws {
    let text = try Self.outcome(published: "\"published\": 8,").plainText()
    let expected = [
      ("validation NDCG@10", "0.1", "0.11"), ("test NDCG@10", "0.125", "0.15625 ± 0.004"),
      ("test recall@10", "0.25 ± 0.01", "0.3"), ("items that share an ID", "2.0 %", "2.25 %"),
      ("entropy by level, nats", "1.875 1.4375", "2.0625 1.625"), ("codes in use by level", "1.0 0.75", "1.0 0.8125"),
    ]
    let header = try #require(text.split(separator: "\n").first)
    #expect(header.contains("served codes") && header.contains("tuned codes"))
    for (name, served, tuned) in expected {
      let row = try Self.line(text, name).dropFirst(name.count)
      let place = try #require(row.range(of: served), "\(name): \(row)")
      #expect(row[place.upperBound...].contains(tuned), "\(name): \(row)")
    }
  }

  @Test func churnGainAndNoiseAreStated() throws {
    let text = try Self.outcome(published: "\"published\": 8,").plainText()
    #expect(text.contains("churn 12.5 %; gain 0.01 with a noise of 0.002; 640 steps of the recommender in each arm"))
    #expect(try Self.outcome(standardError: "").plainText().contains("with a noise of unknown size"))
  }

  @Test func everyCycleHasALine() throws {
    let text = try Self.outcome(stopReason: ", \"stopReason\": \"it diverged\"").plainText()
    let first = try Self.line(text, "cycle 1:")
    #expect(first.contains("300 steps, loss 5.5 to 5.25, 10.0 % of the IDs changed"))
    #expect(first.contains("100.0 % of the items as serving assigns them") && first.hasSuffix("; stopped: it diverged"))
    let second = try Self.line(text, "cycle 2:")
    #expect(second.contains("99.9 % of the items") && !second.contains("stopped"))
    #expect(text.contains("peak memory 512 MiB"))
  }

  @Test func aPublicationNamesBothGenerationsAndTheWayBack() throws {
    let text = try Self.outcome(published: "\"published\": 8,").plainText()
    #expect(text.contains("generation 8 is published in place of 7"))
    #expect(text.contains("tessera rollback") && text.contains("--to 7"))
    #expect(!text.contains("stays"))
  }

  @Test func aRefusalNamesTheGenerationThatStaysAndEveryReason() throws {
    let text = try Self.outcome(reasons: Self.reasons).plainText()
    #expect(text.hasSuffix("generation 7 stays:\n  The gain is too small.\n  Too many items would change."))
    #expect(!text.contains("published"))
  }

  @Test func withoutTestUsersTheirRowsAreLeftOut() throws {
    let outcome = try Self.outcome(arms: false)
    #expect(outcome.served == nil && outcome.tuned == nil)
    let text = outcome.plainText()
    #expect(!text.contains("test NDCG@10") && text.contains("validation NDCG@10"))
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let outcome = try Self.outcome(reasons: Self.reasons)
    let copy = try JSONDecoder().decode(TuningOutcome.self, from: JSONEncoder().encode(outcome))
    #expect(copy.plainText() == outcome.plainText())
    #expect(copy.evidence == outcome.evidence && copy.cycles == outcome.cycles && copy.reasons.count == 2)
  }
}
