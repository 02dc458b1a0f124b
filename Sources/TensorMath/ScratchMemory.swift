extension ContiguousArray<Float> {
  /// Makes scratch memory large enough; what it held is lost where it grows.
  package mutating func grow(to count: Int) {
    if self.count < count { self = ContiguousArray(repeating: 0, count: count) }
  }
}
