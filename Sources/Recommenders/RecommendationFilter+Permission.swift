extension RecommendationFilter {
  /// Whether an answer may hold an item.
  /// - Parameter history: the query's items; empty where the filter does not look at them.
  package func permits(_ item: UInt32, history: Set<UInt32>) -> Bool {
    if excludesHistory, history.contains(item) { return false }
    if !denied.isEmpty, denied.contains(item) { return false }
    return allowed?.contains(item) ?? true
  }
}
