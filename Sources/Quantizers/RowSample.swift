internal import TensorMath

/// `limit` of the indices `0..<count`, drawn without replacement and in rising order, or all where there are no more
/// (Knuth's algorithm S: one pass, so that the rows are read in order).
package func sampledIndices(
  of count: Int, limit: Int, using random: inout some RandomNumberGenerator
) -> [Int] {
  guard count > limit else { return Array(0..<count) }
  var chosen: [Int] = []
  chosen.reserveCapacity(limit)
  for index in 0..<count where chosen.count < limit {
    if Int.random(in: 0..<(count - index), using: &random) < limit - chosen.count { chosen.append(index) }
  }
  return chosen
}
