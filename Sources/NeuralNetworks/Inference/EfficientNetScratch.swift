internal import TensorMath

/// One thread's buffers for one ``EfficientNet``, grown as needed and used again for the next images.
package struct EfficientNetScratch: ~Copyable {
  private var hidden: ContiguousArray<Float> = []
  private var filtered: ContiguousArray<Float> = []
  private var current: ContiguousArray<Float> = []
  private var next: ContiguousArray<Float> = []
  private var padded: ContiguousArray<Float> = []
  private var patches: ContiguousArray<Float> = []

  init() {}

  mutating func withHidden(
    _ hiddenCount: Int, filtered filteredCount: Int,
    _ body: (_ hidden: UnsafeMutablePointer<Float>, _ filtered: UnsafeMutablePointer<Float>) -> Void
  ) {
    hidden.grow(to: hiddenCount)
    filtered.grow(to: filteredCount)
    unsafe hidden.withUnsafeMutableBufferPointer { hidden in
      unsafe filtered.withUnsafeMutableBufferPointer { filtered in
        guard let hidden = hidden.baseAddress, let filtered = filtered.baseAddress else { return }
        unsafe body(hidden, filtered)
      }
    }
  }

  /// The image within its zeros, and one band of windows laid out as rows.
  mutating func withPatches(
    padded paddedCount: Int, patches patchCount: Int,
    _ body: (_ padded: UnsafeMutablePointer<Float>, _ patches: UnsafeMutablePointer<Float>) -> Void
  ) {
    padded.grow(to: paddedCount)
    patches.grow(to: patchCount)
    unsafe padded.withUnsafeMutableBufferPointer { padded in
      unsafe patches.withUnsafeMutableBufferPointer { patches in
        guard let padded = padded.baseAddress, let patches = patches.baseAddress else { return }
        unsafe body(padded, patches)
      }
    }
  }

  /// The map that a block reads and the one that it writes. They are taken out meanwhile, so that the body may use the
  /// other buffers.
  mutating func withMaps(
    _ count: Int,
    _ body: (
      _ scratch: inout EfficientNetScratch, _ current: UnsafeMutablePointer<Float>,
      _ next: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    current.grow(to: count)
    next.grow(to: count)
    var (first, second): (ContiguousArray<Float>, ContiguousArray<Float>) = ([], [])
    swap(&first, &current)
    swap(&second, &next)
    unsafe first.withUnsafeMutableBufferPointer { first in
      unsafe second.withUnsafeMutableBufferPointer { second in
        guard let first = first.baseAddress, let second = second.baseAddress else { return }
        unsafe body(&self, first, second)
      }
    }
    swap(&first, &current)
    swap(&second, &next)
  }
}
