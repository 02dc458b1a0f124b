internal import RealModule

/// A seeded xoshiro256** generator (Blackman and Vigna, 2018). Every random step of the program takes one.
public struct RandomSource: RandomNumberGenerator, Sendable, Equatable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Expands a seed into a full state by SplitMix64, as the generator's authors advise.
  public init(seed: UInt64) {
    var mixer = seed
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var z = mixer
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (next(), next(), next(), next())
  }

  /// An independent generator for a numbered sub-task, so that tasks may run in any order or in parallel.
  public init(seed: UInt64, stream: UInt64) {
    self.init(seed: seed ^ (stream &+ 1) &* 0xD134_2543_DE82_EF95)
  }

  /// A generator at the place where another stood.
  /// - Parameter words: ``words`` of the other.
  /// - Returns: nil unless these are four words that are not all zero.
  public init?(words: some Collection<UInt64>) {
    let words = Array(words)
    guard words.count == 4, words.contains(where: { $0 != 0 }) else { return nil }
    state = (words[0], words[1], words[2], words[3])
  }

  /// The whole state, four words: what a checkpoint keeps.
  public var words: [UInt64] { [state.0, state.1, state.2, state.3] }

  /// Whether both give the same numbers from here on.
  public static func == (left: RandomSource, right: RandomSource) -> Bool { left.state == right.state }

  public mutating func next() -> UInt64 {
    let result = rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, 45)
    return result
  }

  private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

  /// A float in [0, 1) with 24 random bits.
  public mutating func nextUniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A standard normal deviate (Box and Muller, 1958); one of the pair is dropped to keep the state small.
  public mutating func nextNormal() -> Float {
    let radius = (-2 * Double.log(1 - Double(next() >> 11) * 0x1p-53)).squareRoot()
    return Float(radius * Double.cos(2 * .pi * Double(nextUniform())))
  }
}
