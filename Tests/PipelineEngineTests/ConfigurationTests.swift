import Foundation
import ItemCatalog
import PipelineEngine
import TensorMath
import TestSupport
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

@Suite struct ConfigurationTests {
  @Test func defaultsAreFilledIn() throws {
    let job = try configuration("name: a\ncatalog: { items: x.jsonl }\nencode: { text: { model: builtin } }\n")
    #expect(job.workspace == "/home/runs/a")
    #expect(job.catalog.items == ["/jobs/x.jsonl"])
    #expect(job.catalog.maxRejectedFraction == 0.01)
    #expect(job.encode?.text?.routes.map(\.dimensions) == [384])
    #expect(job.encode?.image == nil)
    #expect(job.keepRuns == 30 && job.seed == 1 && job.threads == 0)
    #expect(job.quantize == nil && job.report == nil && job.export.isEmpty)
  }

  @Test func valuesAreRead() throws {
    let job = try configuration(
      """
      name: a
      workspace: ../w
      seed: 7
      catalog:
        items: [a.jsonl, /b/*.csv]
        interactions: { path: log.csv, minimumRating: 3.5 }
        limits: { recordBytes: 2048 }
      encode:
        text: { model: builtin, template: "{title}" }
        cache: { maxMegabytes: 64 }
      represent: { dimensions: 16, weights: { image: 2 } }
      quantize: { method: balanced, sizes: [4, 8], refit: on-drift, driftThreshold: 2 }
      resolve: { policy: suffix, suffixCapacity: 9 }
      publish:
      report:
      """)
    #expect(job.workspace == "/w")
    #expect(job.catalog.items == ["/jobs/a.jsonl", "/b/*.csv"])
    #expect(job.catalog.interactions == ["/jobs/log.csv"] && job.catalog.minimumRating == 3.5)
    #expect(job.catalog.recordBytes == 2048)
    #expect(job.encode?.cacheLimit == 64 << 20)
    #expect(job.represent?.weights == [.text: 1, .image: 2])
    #expect(job.quantize?.sizes == [4, 8] && job.quantize?.seed == 7)
    #expect(job.quantize?.refit == .onDrift && job.quantize?.driftThreshold == 2)
    #expect(job.resolve?.policy == .suffix && job.resolve?.suffixCapacity == 9)
    #expect(job.publish?.keepGenerations == 7 && job.report?.buckets == 20)
  }

  @Test func theEnvironmentFillsValues() throws {
    let yaml = "name: a\ncatalog: { items: \"${ROOT}/x\" }\nthreads: ${THREADS:-3}\nworkspace: $$w/${EMPTY:-e}\n"
    let job = try configuration(yaml, environment: ["ROOT": "/data", "EMPTY": ""])
    #expect(job.catalog.items == ["/data/x"])
    #expect(job.threads == 3)
    #expect(job.workspace == "/jobs/$w/e")
    #expect(try configuration(yaml, environment: ["ROOT": "/data", "THREADS": "5"]).threads == 5)
  }

  @Test(arguments: ["movielens", "amazon-beauty", "amazon-beauty-recommender", "amazon-scientific", "sample"])
  func bundledPipelinesAreValid(name: String) throws {
    let path = root.appendingPathComponent("Pipelines/\(name).yaml").path
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let job = try PipelineConfiguration(yaml: bytes, path: path, environment: [:], currentDirectory: "/home")
    #expect(job.name == name)
    #expect(job.publish != nil && !job.export.isEmpty && job.report != nil)
    #expect(job.catalog.items.allSatisfy { $0.hasSuffix("items.jsonl") && $0.hasPrefix("/") })
  }

  @Test func theSampleCommandWritesTheBundledFile() throws {
    let bundled = try String(contentsOf: root.appendingPathComponent("Pipelines/sample.yaml"), encoding: .utf8)
    #expect(SamplePipeline.text == bundled)
  }

  @Test func tenThousandDamagedFilesNeverCrash() throws {
    let source = [UInt8](try Data(contentsOf: root.appendingPathComponent("Pipelines/movielens.yaml")))
    var random = RandomSource(seed: 5)
    var accepted = 0
    for _ in 0..<10_000 {
      let bytes = damaged(source, using: &random)
      do {
        _ = try PipelineConfiguration(yaml: bytes, path: "/a/b.yaml", environment: [:], currentDirectory: "/")
        accepted += 1
      } catch {
        #expect(error.code == .invalidData && error.message.hasPrefix("/a/b.yaml"))
      }
    }
    #expect(accepted > 0 && accepted < 10_000)
  }
}

@Suite struct JSONSchemaTests {
  private static let file = root.appendingPathComponent("Schemas/pipeline.schema.json")

  @Test func theFileIsWhatTheParserDescribes() throws {
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] != nil {
      try PipelineSchema.jsonSchema.write(to: Self.file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: Self.file, encoding: .utf8) == PipelineSchema.jsonSchema)
  }

  @Test func schemaAndParserHaveTheSameKeysAndBounds() throws {
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: Self.file)) as? [String: Any]
    var visited = 0
    compare(try #require(json), PipelineSchema.root, path: "", visited: &visited)
    #expect(visited > 50)
  }

  private func compare(_ json: [String: Any], _ shape: ConfigurationShape, path: String, visited: inout Int) {
    visited += 1
    switch shape {
    case .text, .identifier: #expect(json["type"] as? String == "string", "\(path)")
    case .choice(let words): #expect(json["enum"] as? [String] == words, "\(path)")
    case .boolean: #expect(json["type"] as? String == "boolean", "\(path)")
    case .duration:
      #expect(json["type"] as? [String] == ["number", "string"], "\(path)")
      #expect((json["pattern"] as? String)?.hasSuffix("[smhd]?$") == true, "\(path)")
    case .integer(let range):
      #expect((json["minimum"] as? NSNumber)?.intValue == range.lowerBound, "\(path)")
      #expect(((json["maximum"] as? NSNumber)?.intValue ?? .max) == range.upperBound, "\(path)")
    case .number(let range):
      #expect((json["minimum"] as? NSNumber)?.doubleValue == range.lowerBound, "\(path)")
      #expect((json["maximum"] as? NSNumber)?.doubleValue == range.upperBound, "\(path)")
    case .list(let element, let count):
      #expect((json["minItems"] as? NSNumber)?.intValue == count.lowerBound, "\(path)")
      #expect((json["maxItems"] as? NSNumber)?.intValue == count.upperBound, "\(path)")
      compare(json["items"] as? [String: Any] ?? [:], element, path: path + "[]", visited: &visited)
    case .either(let shapes):
      let options = json["anyOf"] as? [[String: Any]] ?? []
      #expect(options.count == shapes.count, "\(path)")
      for (option, shape) in zip(options, shapes) { compare(option, shape, path: path, visited: &visited) }
    case .section(let keys):
      let properties = json["properties"] as? [String: [String: Any]] ?? [:]
      #expect(Set(properties.keys) == Set(keys.map(\.name)), "\(path)")
      #expect(json["additionalProperties"] as? Bool == false, "\(path)")
      #expect(Set(json["required"] as? [String] ?? []) == Set(keys.filter(\.isRequired).map(\.name)), "\(path)")
      for key in keys {
        compare(properties[key.name] ?? [:], key.shape, path: "\(path).\(key.name)", visited: &visited)
      }
    }
  }
}
