internal import CVectorKernels

/// For every output position of one axis, the inputs that it averages and their weights in 22-bit fixed point.
package struct ResamplingWeights: Sendable {
  /// Inputs per output; outputs with fewer have weights of zero.
  package let taps: Int
  /// First input of each output. `starts[i] + taps` is within the input.
  package let starts: ContiguousArray<Int32>
  /// `[outputs][taps]`, 2²² for one.
  package let weights: ContiguousArray<Int32>

  package init(taps: Int, starts: ContiguousArray<Int32>, weights: ContiguousArray<Int32>) {
    precondition(weights.count == starts.count * taps, "\(weights.count) weights of \(starts.count) outputs")
    precondition(starts.allSatisfy { $0 >= 0 }, "an input before the first")
    self.taps = taps
    self.starts = starts
    self.weights = weights
  }

  /// Resamples the columns of packed RGB rows.
  /// - Returns: `rows × outputs` pixels.
  package func columns(of pixels: [UInt8], width: Int, rows: Int) -> [UInt8] {
    let outputs = starts.count
    precondition(pixels.count == width * rows * 3 && starts.allSatisfy { Int($0) + taps <= width }, "another width")
    return unsafe [UInt8](unsafeUninitializedCapacity: outputs * rows * 3) { target, count in
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 4 * width) { scratch in
        unsafe pixels.withUnsafeBufferPointer { source in
          unsafe weights.withUnsafeBufferPointer { weights in
            unsafe starts.withUnsafeBufferPointer { starts in
              for row in 0..<rows {
                unsafe tessera_resample_line(
                  source.baseAddress! + row * width * 3, width, weights.baseAddress!, starts.baseAddress!, taps,
                  target.baseAddress! + row * outputs * 3, outputs, scratch.baseAddress!)
              }
            }
          }
        }
      }
      count = outputs * rows * 3
    }
  }

  /// Resamples the rows of packed RGB rows.
  /// - Returns: `outputs × width` pixels.
  package func rows(of pixels: [UInt8], width: Int) -> [UInt8] {
    let outputs = starts.count, line = width * 3
    precondition(starts.allSatisfy { (Int($0) + taps) * line <= pixels.count }, "another height")
    return unsafe [UInt8](unsafeUninitializedCapacity: outputs * line) { target, count in
      unsafe pixels.withUnsafeBufferPointer { source in
        unsafe weights.withUnsafeBufferPointer { weights in
          for output in 0..<outputs {
            unsafe tessera_resample_rows(
              source.baseAddress! + Int(starts[output]) * line, line, weights.baseAddress! + output * taps, taps,
              target.baseAddress! + output * line, line)
          }
        }
      }
      count = outputs * line
    }
  }
}
