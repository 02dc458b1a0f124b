/// What one thread needs while it searches panel after panel of 64 rows.
@safe struct PanelScratch: ~Copyable {
  /// `[centroid][64 rows]`.
  let scores: UnsafeMutablePointer<Float>

  /// A panel's rounded rows, for rows that were not prepared.
  let bytes: UnsafeMutablePointer<UInt8>
  let facts: UnsafeMutablePointer<Float>

  let squaredNorms: UnsafeMutablePointer<Float>
  let thresholds: UnsafeMutablePointer<Float>

  /// Lowest and second lowest score so far, and the centroid of the lowest.
  let lowest: UnsafeMutablePointer<Float>
  let second: UnsafeMutablePointer<Float>
  let proposals: UnsafeMutablePointer<UInt32>

  /// Lowest exact distance so far, and its centroid.
  let distances: UnsafeMutablePointer<Float>
  let codes: UnsafeMutablePointer<UInt32>

  private let formerLowest: UnsafeMutablePointer<Float>
  private let formerProposals: UnsafeMutablePointer<UInt32>

  init(scores scoreCount: Int, bytes byteCount: Int) {
    let rows = BytePanels.rows
    unsafe scores = .allocate(capacity: scoreCount)
    unsafe bytes = .allocate(capacity: byteCount)
    unsafe facts = .allocate(capacity: BytePanels.factCount)
    unsafe squaredNorms = .allocate(capacity: rows)
    unsafe thresholds = .allocate(capacity: rows)
    unsafe lowest = .allocate(capacity: rows)
    unsafe second = .allocate(capacity: rows)
    unsafe proposals = .allocate(capacity: rows)
    unsafe distances = .allocate(capacity: rows)
    unsafe codes = .allocate(capacity: rows)
    unsafe formerLowest = .allocate(capacity: rows)
    unsafe formerProposals = .allocate(capacity: rows)
  }

  deinit {
    unsafe scores.deallocate()
    unsafe bytes.deallocate()
    unsafe facts.deallocate()
    unsafe squaredNorms.deallocate()
    unsafe thresholds.deallocate()
    unsafe lowest.deallocate()
    unsafe second.deallocate()
    unsafe proposals.deallocate()
    unsafe distances.deallocate()
    unsafe codes.deallocate()
    unsafe formerLowest.deallocate()
    unsafe formerProposals.deallocate()
  }

  /// Makes ready for the next panel: nothing found yet, and no candidates in rows that are not there.
  @unsafe func reset() {
    for row in 0..<BytePanels.rows {
      unsafe squaredNorms[row] = 0
      unsafe thresholds[row] = -.infinity
      unsafe lowest[row] = .infinity
      unsafe second[row] = .infinity
      unsafe proposals[row] = 0
      unsafe distances[row] = .infinity
      unsafe codes[row] = 0
    }
  }

  /// Keeps the nearer of the row's centroid and another, or of two at one distance the one with the lower index.
  @unsafe func take(_ distance: Float, code: UInt32, row: Int) {
    guard unsafe distance < distances[row] || (distance == distances[row] && code < codes[row]) else { return }
    unsafe distances[row] = distance
    unsafe codes[row] = code
  }

  @unsafe func rememberLowest() {
    for row in 0..<BytePanels.rows {
      unsafe formerLowest[row] = lowest[row]
      unsafe formerProposals[row] = proposals[row]
    }
  }

  /// Where a block brought a lower score, the former lowest is now among the others.
  @unsafe func demoteFormerLowest() {
    for row in 0..<BytePanels.rows where unsafe proposals[row] != formerProposals[row] {
      unsafe second[row] = min(second[row], formerLowest[row])
    }
  }
}
