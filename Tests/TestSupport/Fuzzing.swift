public import TensorMath

/// Damages bytes the way disks, networks and attackers do: flips bits, overwrites, deletes, repeats and truncates.
public func damaged(_ bytes: [UInt8], using random: inout RandomSource) -> [UInt8] {
  var result = bytes
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    guard !result.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
    let position = Int.random(in: 0..<result.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: result[position] = [0, 0xFF, 0x7F, 0x80, 0x22, 0x5C].randomElement(using: &random)!
    case 2: result.removeSubrange(position..<min(result.count, position + Int.random(in: 1...16, using: &random)))
    case 3: result.insert(contentsOf: result[position..<min(result.count, position + 16)], at: position)
    case 4: result.removeLast(result.count - position)
    default: result.insert(UInt8.random(in: 0...255, using: &random), at: position)
    }
  }
  return result
}
