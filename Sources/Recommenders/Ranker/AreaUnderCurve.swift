/// How well scores order examples.
package enum AreaUnderCurve {
  /// The area under the receiver operating characteristic: the chance that a liked example scores above a disliked one,
  /// where a tie counts half. Exact, by the sum of midranks (Hanley and McNeil, 1982; Mann and Whitney, 1947).
  /// - Parameters:
  ///   - scores: no NaN.
  ///   - labels: above 0.5 is liked.
  /// - Returns: nil where all examples are of one kind.
  /// - Complexity: O(n · log(n)).
  package static func measure(_ scores: some Collection<Float>, labels: some Collection<Float>) -> Double? {
    precondition(scores.count == labels.count, "\(labels.count) labels for \(scores.count) scores")
    let sorted = zip(scores, labels).map { (score: $0, isLiked: $1 > 0.5) }.sorted { $0.score < $1.score }
    let liked = sorted.count { $0.isLiked }, disliked = sorted.count - liked
    guard liked > 0, disliked > 0 else { return nil }
    // Twice the sum of the liked examples' ranks: midranks are halves.
    var sum = 0, start = 0
    while start < sorted.count {
      var end = start, inTie = 0
      while end < sorted.count, sorted[end].score == sorted[start].score {
        inTie += sorted[end].isLiked ? 1 : 0
        end += 1
      }
      sum += inTie * (start + end + 1)
      start = end
    }
    return Double(sum - liked * (liked + 1)) / 2 / (Double(liked) * Double(disliked))
  }
}
