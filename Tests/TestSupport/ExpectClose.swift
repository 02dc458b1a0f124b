public import Testing

/// Expects two float sequences to agree within `tolerance`, and reports the largest difference where they do not.
public func expectClose(
  _ actual: some Collection<Float>, _ expected: some Collection<Float>, tolerance: Float,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record("\(actual.count) values where \(expected.count) were expected", sourceLocation: sourceLocation)
    return
  }
  var worst: (index: Int, difference: Float) = (0, 0)
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    let difference = abs(a - e)
    if !(difference <= worst.difference) { worst = (index, difference) }
  }
  #expect(
    worst.difference <= tolerance, "element \(worst.index) differs by \(worst.difference)",
    sourceLocation: sourceLocation)
}
