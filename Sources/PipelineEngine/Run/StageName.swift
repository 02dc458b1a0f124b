/// The stages of a pipeline, in the order in which they run.
public enum StageName: String, Sendable, CaseIterable, Codable, Comparable {
  case catalog, encode, pairs, align, behavior, represent, quantize, resolve, publish, export, train, report

  public static func < (left: StageName, right: StageName) -> Bool { left.position < right.position }

  var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
