internal import CVectorKernels

/// A depthwise convolution with bias and ReLU6, channels last: every channel has its own kernel.
///
/// A row is written at a time, so that the rows before and after it need not exist at once.
package struct DepthwiseConvolution: Sendable {
  /// Side of the square window: 3 or 5.
  package let kernel: Int
  /// 1 or 2.
  package let stride: Int
  package let channels: Int
  /// Channels that rows have in memory: the next multiple of sixteen. Those past `channels` stay zero.
  package let paddedChannels: Int
  /// `[kernel][kernel][paddedChannels]`.
  private let weights: ContiguousArray<Float>
  private let bias: ContiguousArray<Float>
  private let zeros: ContiguousArray<Float>

  /// - Parameters:
  ///   - weights: `[channels][kernel][kernel]`, as PyTorch keeps them.
  ///   - bias: one for each channel.
  package init(weights: ContiguousArray<Float>, bias: ContiguousArray<Float>, kernel: Int, stride: Int) {
    precondition((kernel == 3 || kernel == 5) && (stride == 1 || stride == 2), "no \(kernel) × \(kernel) / \(stride)")
    precondition(weights.count == bias.count * kernel * kernel, "\(weights.count) weights of \(bias.count) channels")
    self.kernel = kernel
    self.stride = stride
    channels = bias.count
    let padded = (channels + 15) / 16 * 16
    paddedChannels = padded
    var ordered = ContiguousArray<Float>(repeating: 0, count: kernel * kernel * padded)
    for channel in 0..<channels {
      for tap in 0..<kernel * kernel { ordered[tap * padded + channel] = weights[channel * kernel * kernel + tap] }
    }
    self.weights = ordered
    self.bias = bias + ContiguousArray(repeating: 0, count: padded - channels)
    zeros = ContiguousArray(repeating: 0, count: padded)
  }

  /// The window's reach before the first pixel of a side, and the outputs along it, as TensorFlow's `SAME` has them:
  /// ⌈side / stride⌉ outputs, and what zeros they need split evenly, the odd one at the end.
  package func samePadding(side: Int) -> SamePadding { SamePadding(side: side, kernel: kernel, stride: stride) }

  /// Writes output row `row` of an image whose rows of `width × paddedChannels` the closure gives.
  ///
  /// - Parameters:
  ///   - input: The start of a row of the image, `0..<height`.
  ///   - output: `samePadding(side: width).outputs × paddedChannels`.
  package func row(
    _ row: Int, width: Int, height: Int, input: (Int) -> UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    let vertical = samePadding(side: height), horizontal = samePadding(side: width)
    precondition(row >= 0 && row < vertical.outputs, "row \(row) of \(vertical.outputs)")
    unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: kernel) { rows in
      for tap in 0..<kernel {
        let source = row * stride - vertical.before + tap
        unsafe rows.initializeElement(at: tap, to: source >= 0 && source < height ? input(source) : nil)
      }
      let isDone = unsafe weights.withUnsafeBufferPointer { weights in
        unsafe bias.withUnsafeBufferPointer { bias in
          unsafe zeros.withUnsafeBufferPointer { zeros in
            unsafe tessera_depthwise_row(
              rows.baseAddress, width, paddedChannels, kernel, stride, horizontal.before, weights.baseAddress,
              bias.baseAddress, zeros.baseAddress, output, horizontal.outputs)
          }
        }
      }
      precondition(isDone == 1, "no kernel for a window of \(kernel) and stride \(stride)")
    }
  }
}

/// How far a window reaches past one side's ends.
package struct SamePadding: Sendable, Equatable {
  /// Outputs along the side.
  package let outputs: Int
  /// Zeros before the first element.
  package let before: Int
  /// Zeros after the last element.
  package let after: Int

  package init(side: Int, kernel: Int, stride: Int) {
    outputs = (side + stride - 1) / stride
    let padding = max((outputs - 1) * stride + kernel - side, 0)
    before = padding / 2
    after = padding - before
  }
}
